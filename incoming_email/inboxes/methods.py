"""What an inbox method says of itself: plain values, which the layers above turn into their own."""

from collections.abc import Callable, Generator, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, Self, TypeVar

from incoming_email.inboxes.base import Answer, Inbox
from incoming_email.inboxes.settings import MailboxSettings


class Account(Protocol):
    """Frozen settings of a connection. When they change, open connections are opened anew."""

    @classmethod
    def of(cls, settings: MailboxSettings) -> Self: ...


A = TypeVar("A", bound=Account)
A_contra = TypeVar("A_contra", bound=Account, contravariant=True)


def accept(_text: str) -> str:
    return ""


def find_none(_settings: MailboxSettings) -> dict[str, str]:
    return {}


def fold_none(_settings: MailboxSettings) -> "tuple[Section, ...]":
    return ()


@dataclass(frozen=True, slots=True)
class Field:
    """A column that the form asks for."""

    column: str
    has_default: bool = False
    """Left blank, it is what it is for most people: the default of the column."""

    find_problem: Callable[[str], str] = accept
    """Why this text can never be right, as a sentence; empty where nothing is wrong with it."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the form. Several methods may show the same one."""

    title: str
    fields: tuple[Field, ...]
    text: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    """Placeholders of the text, and which setting of the installation fills each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Sections in their order; the form shows those of other methods too, folded."""

    sections: tuple[Section, ...]
    needed: Mapping[str, str]
    """Columns without which nothing can be saved, and the sentence that says so."""

    find_folded: Callable[[MailboxSettings], tuple[Section, ...]] = fold_none
    """Which of the sections are not needed with these settings."""

    find_problems: Callable[[MailboxSettings], Mapping[str, str]] = find_none
    """What else is wrong, as `needed`: a sentence a column."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Ready-made values for a provider, and what is to be done there."""

    slug: str
    label: str
    columns: Mapping[str, str | int | bool]
    steps: tuple[str, ...]
    own_server: bool = False
    """Shown after those of providers."""


@dataclass(frozen=True, slots=True)
class Option:
    """A key of gitlab.yml, and the column that it sets."""

    key: str
    column: str
    is_needed: bool = False
    """Without it the mailbox is loaded, but stays switched off."""


@dataclass(frozen=True, slots=True)
class Said:
    """The answer of a step in words; `values` fill the placeholders of both sentences."""

    answer: Answer
    detail: str = ""
    remedy: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages the server still has for us to read (`waiting`)."""

    waiting: int


@dataclass(frozen=True, slots=True)
class ServerTime:
    """The clock of a server, and ours when it answered."""

    theirs: datetime
    ours: datetime
    whose: str


@dataclass(frozen=True, slots=True)
class NewestMessage:
    """When the newest message came, by the server's clock; None: not known."""

    came_at: datetime | None
    is_empty: bool
    """There is none in the folder."""


StepAnswer = Said | Backlog | ServerTime | NewestMessage
"""The check turns each into a line; whoever adds a kind is told by mypy where."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the check. Its name is read by scripts."""

    name: str
    needs_secret: bool = False
    """Skipped, with all behind it, where no password, token or the like is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What a connection proves itself with: the first of the columns that holds something."""

    columns: tuple[str, ...]
    missing: str
    """The sentence where there is none."""

    is_by_command: bool = False
    """A program of the installation gives it, so no column is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Generic[A]):
    steps: tuple[Step, ...]
    ask: Callable[[A, str, float], Generator[StepAnswer, None, None]]
    """Account, position, seconds a step may take → one answer a step, in their order.

    Marks nothing. After an answer `no` or an InboxError it is closed, and the rest is skipped. It
    runs in a thread of its own.
    """

    name_server: Callable[[A], str]
    """`host:port`; empty where no server is asked."""

    find_secret: Callable[[MailboxSettings], Secret] | None
    """None: nothing has to be proven."""

    without_secret: str = ""
    """Why steps are skipped that need one."""


class Opener(Protocol[A_contra]):
    """Opens an inbox; raises InboxError. `opening.open_inbox` says what it is given."""

    def __call__(self, account: A_contra, position: str, /, *, since: datetime | None) -> Inbox: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling(Generic[A]):
    """How mail is fetched."""

    open: Opener[A]
    by_interval: bool
    """Not read again before the mailbox's poll interval is over."""

    folder_columns: tuple[str, ...]
    """Which folder a mailbox is read from; once they are other ones, no position counts."""

    identify_folder: Callable[[A], Hashable]
    """Two mailboxes with equal ones take each other's mail."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What happened, and what to do. `%(name)s` stands for the name of what is looked for."""

    detail: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Method(Generic[A]):
    """All that the rest of the code asks an inbox method. None of it may be left out."""

    name: str
    """The value of `Mailbox.inbox_method`."""

    account: type[A]
    form: Form
    presets: tuple[Preset, ...]
    options: tuple[Option, ...]
    check: Check[A]
    polling: Polling[A] | None
    """None: mail is delivered to us."""

    undelivered: Advice
    """Of a probe that the mail server took and we have not got."""
