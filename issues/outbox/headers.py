"""The header fields of a mail of ours and its Message-ID: made here for every kind of mail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.dateformat import format as format_date

from issues.models import OutgoingEmail, Project
from issues.outbox.header_fields import address_with_name, clean_header, origin_of

PROOF_DIGITS = 16
MAX_REFERENCES = 10
"""Ids of earlier mails; a long References is folded, and some servers cut it."""


class Automatic(StrEnum):
    """Whether a machine wrote the mail: Auto-Submitted (RFC 3834, section 5)."""

    NO = "no"
    GENERATED = "auto-generated"
    REPLIED = "auto-replied"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailHeaders:
    """What the header of one mail says. Ids have no angle brackets; what is empty has no field."""

    automatic: Automatic = Automatic.GENERATED
    in_reply_to: str = ""
    thread: Sequence[str] = ()
    """Ids of the mails that the recipient has, oldest first: References (RFC 5322, 3.6.4)."""

    reply_key_id: str = ""
    """`reply-KEY@host`, first of References: an answer brings it back where the address is lost."""

    reply_to: str = ""
    reply_to_name: str = ""
    list_id: str = ""
    unsubscribe_url: str = ""
    """Takes a POST without log-in (RFC 8058)."""

    unsubscribe_address: str = ""


def make_headers(wanted: MailHeaders) -> dict[str, str]:
    """The fields that the cause of a mail decides; a row keeps them."""
    return {name: value for name, value in _find_fields(wanted) if value}


def _find_fields(wanted: MailHeaders) -> Iterator[tuple[str, str]]:
    yield "Auto-Submitted", str(wanted.automatic)
    # What Exchange goes by: no out-of-office answer, no receipt.
    yield "X-Auto-Response-Suppress", "All"
    yield "List-Id", wanted.list_id
    ways = [f"<{wanted.unsubscribe_url}>"] if wanted.unsubscribe_url else []
    ways += [f"<mailto:{wanted.unsubscribe_address}>"] if wanted.unsubscribe_address else []
    yield "List-Unsubscribe", ", ".join(ways)
    yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click" if wanted.unsubscribe_url else ""
    if wanted.reply_to:
        yield "Reply-To", address_with_name(wanted.reply_to_name, wanted.reply_to)
    yield "In-Reply-To", _join_ids([wanted.in_reply_to])
    yield "References", _join_ids([wanted.reply_key_id, *_shorten(wanted.thread)])


def _join_ids(ids: Sequence[str]) -> str:
    return " ".join(f"<{each}>" for each in ids if each)


def _shorten(thread: Sequence[str]) -> Sequence[str]:
    """The first, by which mail programs find the thread, and the newest (RFC 5537, 3.4.4)."""
    if len(thread) <= MAX_REFERENCES:
        return thread
    return [thread[0], *thread[1 - MAX_REFERENCES :]]


def complete_headers(row: OutgoingEmail) -> dict[str, str]:
    """All fields of a row's message but To and Subject: the same at every attempt."""
    message_id = f"<{row.message_id}>"
    return {
        **make_headers(MailHeaders()),  # a row of an earlier version may keep none
        **{name: clean_header(str(value)) for name, value in row.headers.items()},
        "From": clean_header(row.from_header),
        "Date": format_date(row.created_at, "r"),
        "Message-ID": message_id,
        "X-Letterbox-Origin": origin_of(message_id),
    }


def make_message_id(name: str, *, salt: str = "") -> str:
    """`name@MESSAGE_ID_HOST`, without angle brackets: the same for the same name for ever.

    With a salt a proof stands behind the name, so that the id can't be guessed: knowing it
    proves having had the mail.
    """
    if salt:
        proof = salted_hmac(salt, name, algorithm="sha256").hexdigest()
        name = f"{name}.{proof[:PROOF_DIGITS]}"
    return f"{name}@{settings.MESSAGE_ID_HOST}"


def make_list_id(project: Project) -> str:
    """RFC 2919, section 2."""
    return f'"{project.path}" <{project.slug}.{settings.MESSAGE_ID_HOST}>'
