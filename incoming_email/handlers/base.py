"""The interface of handlers: how a feature turns mail into an action, and what it is given."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from incoming_email.keys.answered import Told
from incoming_email.models import ReplyKey
from incoming_email.outcomes import Outcome, Reason
from incoming_email.parsing.types import ParsedEmail
from incoming_email.sender_auth import NO_MARK, NO_PROOF, Channel, Proof
from issues.models import Issue, MergeRequest, Project, User
from issues.quick_actions import Answered


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler may know in addition to the message."""

    inbound_email_id: int
    """0 in a dry run of a file."""

    now: datetime
    purpose: str
    """The purpose of the mailbox: 'incoming_email' or 'service_desk_email'."""

    reply_keys: Mapping[str, ReplyKey] = field(default_factory=dict)
    """Rows of the reply keys that the messages of this batch name."""

    told: Mapping[str, Told] = field(default_factory=dict)
    """What the ids and addresses of ours stand for that the messages of this batch name."""

    named: Set[Answered] = frozenset()
    """The discussions that the message names: by the ids that it answers or brings along in
    attached messages, and by its addresses."""

    internal: Set[Answered] = frozenset()
    """Those of the batch that only the team reads, where it has a message that could be written
    elsewhere."""

    proof: Proof = NO_PROOF
    """Whether the trusted mail server, or a verified DKIM signature, confirms From."""

    spam: Channel = NO_MARK
    """The field by which the trusted mail server marked the message as spam, if one counts."""

    keys: Mapping[str, str] = field(default_factory=dict)
    """By address that the messages name, the key that it is resolved by."""

    forwarded: Mapping[str, str] = field(default_factory=dict)
    """Those of addresses at other domains that forward to us."""

    waived: frozenset[str] = frozenset()
    """Rules that a person waived for this message by releasing it."""

    received_at: datetime | None = None
    """When it arrived: the same at every attempt."""

    mailbox_id: int | None = None
    """None in a dry run of a file without a mailbox."""

    asks_proof: bool = False
    """The mailbox accepts replies of authenticated senders only."""

    is_persons: bool = True
    """Nothing says that a program wrote the message, or a server."""

    blocked_in: Mapping[int | None, bool] = field(default_factory=dict)
    """Ids of projects that block the sender, None for all projects; and whether they do so only
    since a ticket of the sender's is marked as spam."""

    @property
    def received(self) -> datetime:
        return self.received_at or self.now

    @property
    def source(self) -> str:
        """The message as the cause of a change, under a permanent name."""
        return f"inbound-{self.inbound_email_id}"


@dataclass(frozen=True, slots=True)
class Target:
    """What a key refers to: who acts, and on what."""

    project: Project
    author: User | None = None
    external_author: str = ""
    """The address of the external participant whom the key belongs to."""

    item: Issue | MergeRequest | None = None
    discussion: str = ""
    author_is_member: bool | None = None
    """Whether the author is a member of the project; None where `resolve` did not look it up."""

    takes_time: bool = False
    """The action may take long, so that even a batchable handler processes the message alone."""

    effect: str = ""
    """Names what the handler does, where another one does the same by other keys; empty: its name
    and the key do."""

    confidential_in: int | None = None
    """The project in which it opens a confidential issue."""

    refusal: Reason | None = None
    """The key is known but not usable now; the sender is notified with this reason, unless another
    address of the message leads somewhere and this one gives nobody an identity."""


class Handler(Protocol):
    name: ClassVar[str]
    pattern: ClassVar[re.Pattern[str]]
    """Matched against the whole key; its groups are what `resolve` gets."""

    example: ClassVar[str]
    """A key of this handler; a system check insists that no other pattern matches it."""

    sender_policy: ClassVar[str]
    """Field of Mailbox that says whether From must fit: '…_sender_policy', or '' for no policy."""

    project_switch: ClassVar[str]
    """Field of Project that lets it act: '…_by_mail', or '' where no project can switch it off."""

    secret_key: ClassVar[bool]
    """The whole key is random, so that nobody has it who was not given it."""

    refused_at_rcpt: ClassVar[bool]
    """The SMTP listener refuses a key that leads nowhere. False for keys that name a project and
    hold a secret: refusals would reveal which projects exist."""

    overrides_ignore: ClassVar[frozenset[Reason]]
    """Reasons for ignoring a message that this handler overrides, as BOUNCE for delivery
    reports."""

    batchable: ClassVar[bool]
    """The handler writes rows of its own item only, takes little time and holds no lock that others
    wait for, so that many messages may share a transaction."""

    publishes: ClassVar[bool]
    """It stores the text of the message where others read it."""

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        """What the key refers to; None where it is unknown. Only reads."""
        ...

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        """Act and return what was made; raises Rejected, Held or Ignored where nothing is to be
        done."""
        ...
