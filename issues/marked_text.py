"""A text with the lines marked that the acting person did not type. Pure."""

import re
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class MarkedText:
    """What the reader of commands is given, so that it can tell whose words a line is.

    Quoted history, a forwarded message, a commit message, a value filled into a template: such
    lines stand in the text like all others, and are never commands.
    """

    source: str = ""
    """The whole text, as it is stored and shown."""

    others: frozenset[int] = frozenset()
    """Numbers, from 0, of the lines (as `split_lines` counts them) that somebody else wrote, also
    if only in part."""

    below_others: frozenset[int] = frozenset()
    """Numbers of the lines that may be the rest of such a one, since mail programs break long
    lines. It may have been cut from the text. What is below a quote need not be named."""

    doubtful: tuple[str, ...] = ()
    """Lines that would be commands if they were the person's own, which could not be told. They
    are among `others`, or were cut from the text; the person is told of them."""

    def strip(self) -> "MarkedText":
        """Without white space at either end, as `str.strip`."""
        cut = len(self.source) - len(self.source.lstrip())
        gone = len(split_lines(self.source[:cut])) - 1
        others, below_others = (
            frozenset(number - gone for number in numbers if number >= gone)
            for numbers in (self.others, self.below_others)
        )
        return MarkedText(self.source.strip(), others, below_others, self.doubtful)


NO_TEXT = MarkedText()


def typed(source: str) -> MarkedText:
    """All of it is the acting person's own."""
    return MarkedText(source)


def filled_in(source: str) -> MarkedText:
    """None of it is."""
    return MarkedText(source, frozenset(range(len(split_lines(source)))))


def split_lines(source: str) -> list[str]:
    """The lines that a command can be one of: they end in LF, CR or both, and in nothing else."""
    return _LINE_END.split(source)
