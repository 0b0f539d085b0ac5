"""The lines of a mail's text with what is known of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from incoming_email.parsing.replies.line_classes import Line, classify
from incoming_email.parsing.text.matching import plain


@dataclass(frozen=True, slots=True)
class Mail:
    """Three views of the same lines, equally long."""

    lines: Sequence[str]
    plain: Sequence[str]
    classes: Sequence[Line]


def parse_lines(texts: Mapping[int, str], known: dict[int, str]) -> Mail:
    """The lines of `texts`; what is in `known`, by number, need not be made plain again."""
    for number, line in texts.items():
        if number not in known:
            known[number] = plain(line)
    lines, plain_lines = list(texts.values()), [known[number] for number in texts]
    return Mail(lines, plain_lines, classify(lines, plain_lines))
