"""The forms of arguments: people, labels, issues, branches. Pure; None or False where none fits."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from issues.repositories import is_name_of_git

MAX_NAMES = 50
"""In one command; more is a mistake or an attack."""

MAX_BRANCH = MAX_PATH = 255
MYSELF = "me"

_PERSON = re.compile(r"@(?P<name>\w(?:[\w.+-]{0,148}\w)?)")
# Phones write “these” where a person types straight ones.
_LABEL = re.compile(
    r'~(?:["“”„](?P<quoted>[^"“”„\n]{1,100})["“”]|(?P<bare>[^\s,~"“”„]{1,100}))(?:[\s,]+|$|(?=~))'
)
_BARE_LABEL = re.compile(r'[^\s,~@/"“”„]{1,100}')
_ISSUE = re.compile(
    r"(?:(?P<path>[a-z0-9][a-z0-9._/-]{0,254}))?#(?P<iid>[1-9][0-9]{0,8})"
    r"|(?P<address>https?://\S{1,1000})",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"/(?P<path>[a-z0-9._/-]{1,255}?)/-/issues/(?P<iid>[1-9][0-9]{0,8})/?")
_PROJECT = re.compile(r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*", re.IGNORECASE)
# git check-ref-format(1), rules 1 to 10, for a branch.
_NOT_IN_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^[-./]|\.lock(?=/|$)|[./]$")


@dataclass(frozen=True, slots=True)
class IssueReference:
    """Of another project where `path` is not empty."""

    path: str
    iid: int


def is_nothing(text: str) -> bool:
    return not text


def is_off(text: str) -> bool:
    return text.lower() == "off"


def is_text(text: str) -> bool:
    return bool(text)


def is_people(text: str) -> bool:
    return parse_people(text) is not None


def is_labels(text: str) -> bool:
    return parse_labels(text) is not None


def is_issue(text: str) -> bool:
    return parse_issue(text, base_url="") is not None or _ISSUE.fullmatch(text) is not None


def is_project(text: str) -> bool:
    """Whether it has the form of a project's path."""
    return len(text) <= MAX_PATH and _PROJECT.fullmatch(text) is not None


def is_branch(text: str) -> bool:
    """Whether git would take the text as the name of a branch, which need not exist."""
    is_plain = 0 < len(text) <= MAX_BRANCH and not _NOT_IN_BRANCH.search(text) and text != "@"
    return is_plain and not is_name_of_git(text)


def or_nothing(fits: Callable[[str], bool]) -> Callable[[str], bool]:
    """The argument may be left out."""

    def accept(text: str) -> bool:
        return not text or fits(text)

    return accept


def parse_people(text: str) -> tuple[str, ...] | None:
    """Names without @, each once; 'me' stays 'me'. Commas may stand between them."""
    words = text.replace(",", " ").split(maxsplit=MAX_NAMES)
    if not words or len(words) > MAX_NAMES:
        return None
    names: dict[str, None] = {}
    for word in words:
        found = _PERSON.fullmatch(word)
        if found is None and word.lower() != MYSELF:
            return None
        names.setdefault(MYSELF if found is None else found["name"])
    return tuple(names)


def parse_labels(text: str) -> tuple[str, ...] | None:
    """Names without ~, each once. One label of one word may go without its ~."""
    if _BARE_LABEL.fullmatch(text):
        return (text,)
    names: dict[str, None] = {}
    at = 0
    while at < len(text) and len(names) <= MAX_NAMES:
        found = _LABEL.match(text, at)
        if found is None:
            return None
        names.setdefault((found["quoted"] or found["bare"]).strip())
        at = found.end()
    return tuple(names) if 0 < len(names) <= MAX_NAMES and "" not in names else None


def parse_issue(text: str, *, base_url: str) -> IssueReference | None:
    """'#5', 'acme/shop#5', or the address of its page under `base_url`."""
    found = _ISSUE.fullmatch(text)
    if found is None:
        return None
    if found["address"]:
        if not base_url or not text.startswith(f"{base_url}/"):
            return None
        found = _IN_ADDRESS.fullmatch(re.split("[?#]", text.removeprefix(base_url))[0])
        if found is None:
            return None
    return IssueReference((found["path"] or "").lower(), int(found["iid"]))
