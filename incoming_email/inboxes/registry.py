"""The inbox methods. One line each: here and as a choice of `Mailbox.inbox_method`."""

from collections.abc import Collection
from typing import Any

from incoming_email.inboxes.graph.descriptor import GRAPH
from incoming_email.inboxes.imap.descriptor import IMAP
from incoming_email.inboxes.maildir.descriptor import MAILDIR
from incoming_email.inboxes.methods import Account, Field, Method, Section
from incoming_email.inboxes.settings import MailboxSettings
from incoming_email.inboxes.smtp.descriptor import SMTP

METHODS: tuple[Method[Any], ...] = (
    IMAP,
    GRAPH,
    MAILDIR,
    SMTP,
)
"""In the order in which the form shows their sections."""


def find(name: str) -> Method[Any] | None:
    """None for a name that is no choice."""
    return next((method for method in METHODS if method.name == name), None)


def find_by_account(account: Account) -> Method[Any]:
    """Raises LookupError for an account of no method."""
    for method in METHODS:
        if method.account is type(account):
            return method
    raise LookupError(type(account).__name__)


def find_polled() -> list[str]:
    """Names of the methods that fetch mail; with the others it is delivered to us."""
    return [method.name for method in METHODS if method.polling]


def find_sections() -> list[Section]:
    """Those of all methods, each once."""
    return list(dict.fromkeys(section for method in METHODS for section in method.form.sections))


def find_fields() -> list[Field]:
    return [field for section in find_sections() for field in section.fields]


def find_problems(
    name: str, settings: MailboxSettings, *, excused: Collection[str] = ()
) -> dict[str, str]:
    """What keeps a mailbox from being saved: a sentence a column.

    `excused`: columns that may be empty for now. Texts that can't be right are found in columns of
    other methods too.
    """
    problems: dict[str, str] = {}
    if method := find(name):
        problems |= {
            column: sentence
            for column, sentence in method.form.needed.items()
            if column not in excused and not getattr(settings, column)
        }
        problems |= method.form.find_problems(settings)
    for field in find_fields():
        if sentence := field.find_problem(getattr(settings, field.column)):
            problems[field.column] = sentence
    return problems
