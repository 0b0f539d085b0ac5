"""Placeholders in texts to customers: `%{ISSUE_ID}`, blanks inside allowed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from issues.models import Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceholderContext:
    """What one text is about, and so what its placeholders stand for."""

    issue: Issue
    words: str = ""
    """What the requester wrote, as far as the reader may have it. Not the description of the issue:
    that may be the team's, or hold what the team added."""

    note: str = ""
    """The new comment, in Markdown."""

    unsubscribe_url: str = ""
    """The reader's own."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A row of the table: what else is to be known of a placeholder is derived from it."""

    name: str
    value: Callable[[PlaceholderContext], str]
    in_canned_replies: bool = True
    """Known when a member writes: the text becomes a note, which goes to several people."""

    is_of_others: bool = False
    """What it stands for was written by people, most often outside; the rest is ours."""


def _url_of(about: PlaceholderContext) -> str:
    path = reverse("issue-detail", args=[about.issue.project.path, about.issue.iid])
    return f"{settings.BASE_URL}{path}"


PLACEHOLDERS = (
    Placeholder("ISSUE_ID", lambda about: f"#{about.issue.iid}"),
    Placeholder("ISSUE_PATH", lambda about: str(about.issue)),
    Placeholder("ISSUE_URL", _url_of),
    Placeholder("ISSUE_DESCRIPTION", lambda about: about.words, is_of_others=True),
    Placeholder("NOTE_TEXT", lambda about: about.note, in_canned_replies=False, is_of_others=True),
    Placeholder("UNSUBSCRIBE_URL", lambda about: about.unsubscribe_url, in_canned_replies=False),
    Placeholder("SYSTEM_HEADER", lambda _about: settings.DESK_SYSTEM_HEADER),
    Placeholder("SYSTEM_FOOTER", lambda _about: settings.DESK_SYSTEM_FOOTER),
    Placeholder("ADDITIONAL_TEXT", lambda _about: settings.DESK_ADDITIONAL_TEXT),
)
NAMES = frozenset(each.name for each in PLACEHOLDERS)
IN_CANNED_REPLIES = frozenset(each.name for each in PLACEHOLDERS if each.in_canned_replies)
WORDS_OF_OTHERS = frozenset(each.name for each in PLACEHOLDERS if each.is_of_others)

PLACEHOLDER = re.compile(r"%\{[ \t]{0,20}(?P<name>[A-Za-z_]{1,50})[ \t]{0,20}\}")


def find_values(about: PlaceholderContext) -> dict[str, str]:
    """By name, of every placeholder."""
    return {each.name: each.value(about) for each in PLACEHOLDERS}


def find_unknown(text: str, *, known: frozenset[str] = NAMES) -> list[str]:
    """Unknown names, each once, in the order of the text."""
    names = (match["name"] for match in PLACEHOLDER.finditer(text))
    return list(dict.fromkeys(name for name in names if name not in known))


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Every placeholder once: what a value holds is never read as a placeholder."""
    return PLACEHOLDER.sub(lambda match: values.get(match["name"], match[0]), text)
