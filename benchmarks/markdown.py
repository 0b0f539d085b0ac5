"""What a Markdown renderer costs in time and memory, and what hostile texts do to it.

    python benchmarks/markdown.py [--renderer comrak-ext] [--python PYTHON]

PYTHON is the interpreter of a virtualenv that holds the renderer (`comrak` and `comrak-ext` install
the same module). The renderer runs alone, without our limits; each hostile text in a process of its
own, with 2 GB and 120 s at most.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

Render = Callable[[str], str]

TEXT = (
    "# Title\n\nSome **bold** and *em* text with `code`, https://example.com/x and [one](/b).\n\n"
    "> quote of a mail\n> second line\n\n- [x] done\n- [ ] open\n\n| a | b |\n|---|--:|\n"
    "| 1 | 2 |\n\n```python\nprint('x')\n```\n\n한국어 **굵게**입니다. ~~gone~~\n"
) * 10
ORDINARY = TEXT[:2_500]
SIZE = 250_000
HOSTILE = {
    "prose": lambda n: "lorem ipsum dolor sit amet\n" * (n // 27),
    "quotes": lambda n: ">" * n,
    "bullets": lambda n: "* " * (n // 2) + "a",
    "emphasis": lambda n: "*a **a " * (n // 14) + "b" + " a** a*" * (n // 14),
    "brackets": lambda n: "[" * (n // 2) + "a" + "]" * (n // 2),
    "links": lambda n: "[t](/u) " * (n // 8),
    "mail addresses": lambda n: "a@b.c " * (n // 6),
    "closing brackets": lambda n: "http://a.b/" + ")" * n,
    "open links": lambda n: "http://(" * (n // 8),
    "long reference": lambda n: "[a]: /" + "x" * (n // 2) + "\n\n" + "[a]\n" * (n // 8),
    "wide table": lambda n: "|a" * 1_000 + "|\n" + "|-" * 1_000 + "|\n" + "b\n" * (n // 2),
    "table": lambda n: "|a|b|\n|-|-|\n" + "|1|2|\n" * (n // 6),
    "list items": lambda n: "- a\n" * (n // 4),
    "ampersands": lambda n: "&" * n,
}


def load_comrak() -> Render:
    import comrak  # noqa: PLC0415  (each stands in a virtualenv of its own)

    if hasattr(comrak, "markdown_to_html"):  # comrak-ext
        names = ("table", "strikethrough", "tasklist", "autolink", "cjk_friendly_emphasis")
        extensions = comrak.ExtensionOptions(**dict.fromkeys(names, True))
        rendering = comrak.RenderOptions(hardbreaks=True)
        return lambda text: comrak.markdown_to_html(
            text, extensions, comrak.ParseOptions(), rendering
        )
    extensions = comrak.ExtensionOptions()
    extensions.table = extensions.strikethrough = extensions.tasklist = True
    extensions.autolink = extensions.cjk_friendly_emphasis = True
    rendering = comrak.RenderOptions()
    rendering.hardbreaks = True
    return lambda text: comrak.render_markdown(text, extensions, comrak.ParseOptions(), rendering)


def load_markdown_it() -> Render:
    from markdown_it import MarkdownIt  # noqa: PLC0415

    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    return parser.enable(["table", "strikethrough"]).render


def load_cmarkgfm() -> Render:
    from cmarkgfm import github_flavored_markdown_to_html  # noqa: PLC0415
    from cmarkgfm.cmark import Options  # noqa: PLC0415

    return lambda text: github_flavored_markdown_to_html(text, Options.CMARK_OPT_HARDBREAKS)


RENDERERS = {
    "comrak-ext": load_comrak,
    "comrak": load_comrak,
    "markdown-it-py": load_markdown_it,
    "cmarkgfm": load_cmarkgfm,
}


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def measure_ordinary(render: Render) -> str:
    """3,000 renders of one text, then of as many texts, each after 500 others."""
    chance, words = random.Random(1), ORDINARY.split(" ")
    same = measure_renders(render, lambda: ORDINARY)
    mixed = measure_renders(render, lambda: " ".join(chance.sample(words, len(words))))
    return f"one text {same}; 3,000 texts {mixed}"


def measure_renders(render: Render, make: Callable[[], str]) -> str:
    for _ in range(500):
        render(make())
    before, took = resident_bytes(), 0.0
    for _ in range(3_000):
        text = make()
        started = time.process_time()
        render(text)
        took += time.process_time() - started
    grown = max(0, resident_bytes() - before)
    return f"{took / 3:.3f} ms, {grown // 3_000:,} bytes left behind"


def measure_hostile(render: Render, name: str) -> str:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    text = HOSTILE[name](SIZE)
    started = time.process_time()
    html = render(text)
    took = time.process_time() - started
    return f"{took:.3f} s, {len(html.encode()) / len(text.encode()):.1f} times the bytes"


def run_alone(python: str, renderer: str, name: str) -> str:
    command = [python, __file__, "--renderer", renderer, "--measure", name]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "not done in 120 s"
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}"
    if done.returncode:
        return (done.stderr.strip() or f"exit {done.returncode}").splitlines()[-1]
    return done.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--renderer", choices=RENDERERS, default="comrak-ext")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        render = RENDERERS[asked.renderer]()
        is_hostile = asked.measure in HOSTILE
        print(measure_hostile(render, asked.measure) if is_hostile else measure_ordinary(render))
        return
    for name in ["ordinary", *HOSTILE]:
        print(f"{name}: {run_alone(asked.python, asked.renderer, name)}", flush=True)


if __name__ == "__main__":
    main()
