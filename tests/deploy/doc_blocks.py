"""Code blocks of README and docs: commands and configuration that people copy."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.deploy.reading import ROOT

NOT_RUN = re.compile(r"<!-- not run: (?P<reason>\S.+) -->\s*")
SHOWN = frozenset({"json", "python", "text"})
"""Languages of blocks that show something: output, code, a diagram."""


@dataclass(frozen=True)
class Block:
    page: str
    """Below the root of the repository."""

    language: str
    """As the fence names it."""

    text: str
    not_run: str = ""
    """Why no test runs it, by the comment before it."""

    @property
    def name(self) -> str:
        """For people: page and first line."""
        return f"{self.page}: {self.text.partition(chr(10))[0]}"


@cache
def read_blocks() -> tuple[Block, ...]:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return tuple(
        block
        for page in sorted(pages)
        for block in parse_blocks(page.read_text(), page=str(page.relative_to(ROOT)))
    )


def parse_blocks(text: str, *, page: str) -> Iterator[Block]:
    """Of one page; a block without fences has the language "", since it can't name one."""
    tokens = MarkdownIt("commonmark").parse(text)
    for before, token in pairwise([Token("", "", 0), *tokens]):
        if token.type in {"fence", "code_block"}:
            found = NOT_RUN.fullmatch(before.content) if before.type == "html_block" else None
            yield Block(page, token.info, token.content, found["reason"] if found else "")


def take_block(page: str, start: str) -> Block:
    """The one of this page that begins so. A test module has each block that it runs as a constant,
    by which `test_doc_commands` knows it."""
    (found,) = [
        block for block in read_blocks() if block.page == page and block.text.startswith(start)
    ]
    return found
