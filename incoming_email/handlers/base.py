"""What a feature offers to turn mail into an action, and what it is given to do so."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from incoming_email.models import ReplyKey
from incoming_email.outcomes import Outcome, Reason
from incoming_email.parsing.types import ParsedEmail
from incoming_email.sender_auth import NOT_CHECKED, SignatureCheck
from issues.models import Issue, MergeRequest, Project, User


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler may know besides the message."""

    inbound_email_id: int
    """0 in a dry run of a file."""

    now: datetime
    purpose: str
    """Of the mailbox: 'incoming_email' or 'service_desk_email'."""

    reply_keys: Mapping[str, ReplyKey] = field(default_factory=dict)
    """Rows of the reply keys that the messages of this batch name."""

    signatures: SignatureCheck = NOT_CHECKED
    """Our own look at the DKIM signatures, where a policy of the mailbox asks for proof."""

    forwarded: Mapping[str, str] = field(default_factory=dict)
    """Keys of addresses at other domains that forward to us, of those the messages name."""

    waived: frozenset[str] = frozenset()
    """Rules that a person lifted for this message by releasing it."""

    received_at: datetime | None = None
    """When it arrived: the same at every attempt."""

    asks_proof: bool = False
    """The mailbox takes answers of proven senders only."""

    proven: bool = False
    """The trusted mail server, or a signature that was looked at, says that From is true."""

    blocked_in: frozenset[int | None] = frozenset()
    """Ids of projects that want nothing of the sender; None among them stands for all."""

    @property
    def received(self) -> datetime:
        return self.received_at or self.now

    @property
    def source(self) -> str:
        """The message as a cause, named for good."""
        return f"inbound-{self.inbound_email_id}"


@dataclass(frozen=True, slots=True)
class Target:
    """What a key stands for: who acts, and on what."""

    project: Project
    author: User | None = None
    external_author: str = ""
    """The address of the person without an account whom the key stands for."""

    item: Issue | MergeRequest | None = None
    discussion: str = ""
    author_is_member: bool | None = None
    """Of the project; None where `resolve` did not come to know it."""

    takes_time: bool = False
    """What is done to it may take long, so a quick handler acts on it alone, too."""

    refusal: Reason | None = None
    """The key is real, but can't be used any more; the sender is told this."""


class Handler(Protocol):
    name: ClassVar[str]
    pattern: ClassVar[re.Pattern[str]]
    """Matched against the whole key; its groups are what `resolve` gets."""

    example: ClassVar[str]
    """A key of this handler; a system check insists that no other pattern matches it."""

    sender_policy: ClassVar[str]
    """Field of Mailbox that says whether From must fit: '…_sender_policy', or '' for no policy."""

    secret_key: ClassVar[bool]
    """The whole key is random, so the SMTP listener may refuse one that leads nowhere. Keys that
    name a project are always accepted: refusals would reveal which projects exist."""

    takes: ClassVar[frozenset[Reason]]
    """Reasons for ignoring a message that do not count here, as BOUNCE for delivery reports."""

    quick: ClassVar[bool]
    """It writes rows of its own item and nothing that takes time or that others wait for, so
    that many messages may share a transaction."""

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        """What the key stands for; None where it leads nowhere. Only reads."""
        ...

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        """Act, and say what was made; raise Rejected, Held or Ignored where nothing is
        to be done."""
        ...
