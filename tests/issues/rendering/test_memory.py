"""A process that renders for months grows no larger."""

import subprocess
import sys

import pytest

from tests.waiting import PROCESS_SECONDS

SCRIPT = r"""
import os, random
from pathlib import Path
import django
from django.conf import settings
settings.configure()
django.setup()
from issues.rendering import render_mail, render_markdown

WORDS = (
    "# Title\n\nSome **bold** and *em* text, `code` and https://example.com/x and [one](/b).\n\n"
    "> quote of a mail\n> second line\n\n- [x] done\n- [ ] open\n\n| a | b |\n|---|--:|\n"
    "| 1 | 2 |\n\n```python\nprint('x')\n```\n\n한국어 **굵게**입니다. ~~gone~~ ![cat](/a.png)\n"
).split(" ") * 7
HOSTILE = [">" * 20_000, "|a|b|\n|-|-|\n" + "|1|2|\n" * 3_000, "a\n" * 20_000, "&" * 20_000]

def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

def render(times, chance):
    for number in range(times):
        render_markdown(" ".join(WORDS))
        render_mail(f"{number} " + " ".join(chance.sample(WORDS, len(WORDS))), base_url="https://x")
        if number % 50 == 0:
            render_markdown(HOSTILE[number // 50 % len(HOSTILE)])

render(500, random.Random(1))
before = resident_bytes()
render(3_000, random.Random(2))
print(resident_bytes() - before)
"""


@pytest.mark.slow
def test_3000_renders_leave_nothing_behind():
    run = [sys.executable, "-c", SCRIPT]
    grown = subprocess.run(run, capture_output=True, text=True, check=True, timeout=PROCESS_SECONDS)

    assert int(grown.stdout) < 3_000_000
