"""Colours of source code, found by Pygments. Runs as a program of its own that can be killed.

In: one JSON array a line, `[file name, text]`. Out: one a line, the lines of that text as lists of
`[look, piece]`, or null where no language fits. Only the standard library and Pygments.
"""

import json
import resource
import sys
from collections.abc import Iterator

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.token import STANDARD_TYPES, _TokenType
from pygments.util import ClassNotFound

MEMORY_BYTES = 1_000_000_000
Pieces = list[list[str]]


def find_lexer(name: str) -> Lexer | None:
    try:
        return get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def find_look(kind: "_TokenType") -> str:
    """The CSS class of the token, or of the nearest kind of tokens that has one."""
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    return STANDARD_TYPES.get(kind, "")


def colour(lexer: Lexer, text: str) -> Iterator[Pieces]:
    """Lines of the text. Unprocessed, since get_tokens would change the ends of lines."""
    line: Pieces = []
    for _position, kind, value in lexer.get_tokens_unprocessed(text):
        look = find_look(kind)
        first, *others = value.split("\n")
        line.append([look, first])
        for other in others:
            yield line
            line = [[look, other]]
    yield line


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for given in sys.stdin.buffer:
        name, text = json.loads(given)
        lexer = find_lexer(name)
        answer = None if lexer is None else list(colour(lexer, text))
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
