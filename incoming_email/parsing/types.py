"""The one shape of a parsed message. Nothing here can touch a database or a network."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated

from msgspec import Meta

Moment = Annotated[datetime, Meta(tz=True)]
"""In UTC. The parser's child can hand over no time without a zone."""


class Kind(Enum):
    """What sort of mail it is, from its headers alone (RFC 3834, RFC 3464, RFC 8098)."""

    PERSONAL = "personal"
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address the message may have been meant for, with the header that named it."""

    header: str
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    filename: str
    content_type: str
    content: bytes
    inline: bool = False
    content_id: str = ""

    @property
    def size(self) -> int:
        """Bytes after transfer decoding."""
        return len(self.content)


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The message that a person forwarded by hand, according to the forward itself. Proves
    nothing."""

    address: str
    """Of its author, lower case; empty where the forward shows a name alone."""

    name: str
    date: Moment | None
    """None where it can't be read."""

    subject: str


@dataclass(frozen=True, slots=True)
class PatchText:
    """A plain text that holds a diff, byte for byte: what is made readable applies no more."""

    content: bytes
    """After transfer decoding."""

    charset: str
    flowed: bool
    """The sender's program declares wrapped lines (RFC 3676)."""

    is_own: bool
    """It is of the body that the sender wrote, and no text that was added to it."""


@dataclass(frozen=True, slots=True)
class OthersLines:
    """Which lines of a text its sender did not write, by number from 0; none where no line could be
    a command."""

    numbers: frozenset[int] = frozenset()
    below: frozenset[int] = frozenset()
    """Lines right below one of others, which the text need not hold. They may be the rest of it."""

    doubtful: tuple[str, ...] = ()
    """Lines, also such as were cut from the text, that look like commands and count as another's by
    a guess only."""


@dataclass(frozen=True, slots=True)
class Behind:
    """Who wrote a message whose From may be the address of a list or forwarder, as DMARC makes
    these do. Proves no more than From."""

    address: str = ""
    """Lower case; empty where the message names nobody but From, or several."""

    header: str = ""
    """Which says so: X-Original-From, else Reply-To."""

    is_list: bool = False
    """From is the address of a mailing list."""


@dataclass(frozen=True, slots=True)
class SpamMark:
    """A field that says that the message is spam."""

    field: str
    """Its name and what it says, for the trace: no words of the sender."""

    received_above: int
    """How many Received fields stand above it."""

    is_first: bool
    is_last: bool
    """Of the fields of its name, spam or not."""

    is_of_exchange: bool = False
    """Exchange removes such a field, or renames it, where a message comes in from outside."""


@dataclass(frozen=True, slots=True)
class Stamps:
    """What servers wrote on top of a message on its way, and perhaps its sender: topmost first."""

    received_by: tuple[str, ...] = ()
    """Host that wrote each Received field; empty where it does not say so."""

    results: tuple[str, ...] = ()
    """Unfolded values of Authentication-Results (RFC 8601)."""

    received_above: tuple[int, ...] = ()
    """Of each of the results, how many Received fields stand above it."""

    spam_marks: tuple[SpamMark, ...] = ()
    is_from_exchange: bool = False
    """The topmost Received is one of Exchange: it delivered the message."""


@dataclass(frozen=True, slots=True)
class ParsedEmail:
    """Only values. Addresses are bare and lower case; ids have no angle brackets."""

    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    sender: str
    """The one address of From; empty where From is missing, broken or names several. Once it was
    looked at whose address that is, who is `behind` it, or empty."""

    sender_name: str
    reply_to: str
    candidates: tuple[Candidate, ...]
    """The surest first; an address may come again under another header."""

    subject: str
    date: Moment | None
    """None where the Date field is missing or absurd."""

    kind: Kind
    kind_reason: str
    """What decided `kind`, as 'Auto-Submitted: auto-replied'; empty if personal."""

    text: str
    """The whole body as Markdown-flavoured plain text, quotes included."""

    reply: str
    """What the person wrote: `text` without quoted history, its attribution and the signature."""

    quoted: str
    """All that was cut from `text` to make `reply`, in input order."""

    others_in_text: OthersLines = OthersLines()
    others_in_reply: OthersLines = OthersLines()
    forwarded: Forwarded | None = None
    """None where nothing was forwarded, or only a program did it (redirection shows nothing)."""

    is_forward: bool = False
    """Some sign says that its author forwarded a message, also where it does not show which."""

    attachments: tuple[Attachment, ...] = ()
    attached_ids: tuple[str, ...] = ()
    """Of the messages among the attachments, and of what those answer."""

    patch_texts: tuple[PatchText, ...] = ()
    patch_author: str = ""
    """Name and address of who wrote the patches of the text, where a list rewrote From."""

    patch_date: str = ""
    """Date as the patch's mail has it, with its zone; empty without a patch or a date."""

    behind: Behind = Behind()
    shown_from: str = ""
    """From, where `sender` is another address or nobody instead."""

    stamps: Stamps = Stamps()

    null_return_path: bool = False
    """Return-Path is `<>` (RFC 5321 4.5.5)."""

    is_bulk: bool = False
    """List-Id, or Precedence bulk, list or junk."""

    why_unanswered: str = ""
    """Why it gets no automatic answer, for the trace; it is processed like any mail."""

    origin: str = ""
    """Value of X-Letterbox-Origin: set on mail that an instance of ours sent."""

    defects: tuple[str, ...] = ()
    """What was wrong with the message, one short phrase each; never a reason to drop it."""

    @property
    def answered_ids(self) -> tuple[str, ...]:
        """In-Reply-To first, then References from the newest, at the right, to the oldest."""
        return (*self.in_reply_to, *reversed(self.references))
