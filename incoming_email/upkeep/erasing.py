"""Erases a person: account, addresses, mail, keys. What they wrote stays, without their name."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from allauth.account.models import EmailAddress
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from incoming_email.models import (
    LEDGER_COLUMNS,
    BlockedSender,
    Erasure,
    InboundEmail,
    MessageContent,
    RefusedRecipient,
    ReplyKey,
    RetiredReplyKey,
    SenderToken,
    SeriesPart,
)
from incoming_email.models.ledger_columns import Personal, find_emptied
from incoming_email.outcomes import Reason, Status
from incoming_email.secrets import credentials
from issues import services
from issues.extension_points import ExtensionPoint, declare
from issues.mail_addresses import find_spellings
from issues.models import User

logger = logging.getLogger(__name__)
BATCH = 500


class NobodyError(ValueError):
    """Nobody to erase was found; the message is a sentence with the reason."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, or an address without one."""

    user: User | None
    addresses: tuple[str, ...]
    """Those that are proven to be theirs, in lower case."""


@dataclass(frozen=True, slots=True)
class Erased:
    counts: tuple[tuple[str, int], ...]
    waiting: int
    """Messages of theirs that a worker has still to look at; they were left alone."""


class ErasePerson(Protocol):
    def __call__(self, *, user: User | None, addresses: Sequence[str]) -> int:
        """Returns how much was erased or changed."""


@dataclass(frozen=True, slots=True)
class Eraser:
    """What a layer above holds of a person, and takes away."""

    holder: str
    """The name that it is counted under."""

    erase: ErasePerson


ERASERS: ExtensionPoint[Eraser] = declare("what is held of a person", takes_several=True)


def find_person(word: str) -> Person:
    """By user name, or by an address. Raises NobodyError.

    An address that an account only claims, without verification, does not lead to that account.
    """
    word = word.strip()
    user = User.objects.filter(username=word, removed_at=None).first()
    address = word.lower()
    if user is None and "@" in address:
        proven = EmailAddress.objects.filter(email__in=find_spellings(address), verified=True)
        row = proven.select_related("user").first()
        user = row.user if row else None
    if user is not None:
        return Person(user, _proven_addresses(user))
    if "@" not in address:
        raise NobodyError(
            _("There is no account “%(word)s”. Give a user name or an e-mail address.")
            % {"word": word}
        )
    return Person(None, tuple(find_spellings(address)))


def _proven_addresses(user: User) -> tuple[str, ...]:
    proven = set(
        EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    )
    own = user.email.lower()
    is_others = EmailAddress.objects.filter(email=own, verified=True)
    if own and not is_others.exclude(user=user).exists():
        proven.add(own)
    return tuple(sorted({spelling for each in proven for spelling in find_spellings(each)}))


def erase(person: Person, *, by: User | None, now: datetime, dry_run: bool = False) -> Erased:
    """All of it, with its record, in one transaction; a dry run takes it back."""
    with transaction.atomic():
        names = [*person.addresses, *([person.user.username] if person.user else [])]
        counts = [
            *_erase_inbound(person.addresses, now=now),
            *_erase_reports(person, now=now),
            *_erase_patches(person),
            *_take_names_out(person),
            *_erase_keys(person),
            *_erase_blocks(person),
            *_erase_refusals(person),
            ("records of log-ins", _erase_log_ins(names)),
            *_erase_above(person),
            *services.erase_person(user=person.user, addresses=person.addresses, now=now),
        ]
        done = tuple((name, count) for name, count in counts if count)
        waiting = InboundEmail.objects.filter(
            sender__in=person.addresses, status=Status.PENDING
        ).count()
        if dry_run:
            transaction.set_rollback(True)
        elif done:
            digests = [credentials.digest(name) for name in names]
            row = Erasure.objects.create(
                erased_at=now, erased_by=by, digests=digests, counts=[list(pair) for pair in done]
            )
            logger.info("person erased erasure=%s by=%s", row.pk, by.pk if by else None)
    return Erased(done, waiting)


def _erase_inbound(addresses: Sequence[str], *, now: datetime) -> tuple[tuple[str, int], ...]:
    """The bytes and what was read from them. Ids and digests stay: nothing acts twice."""
    sent = InboundEmail.objects.filter(sender__in=addresses)
    held = sent.filter(status=Status.HELD).update(
        status=Status.IGNORED, reason=Reason.DISCARDED, finished_at=now
    )
    return (("held messages, discarded", held), ("messages from them", _empty(sent, now=now)))


def _erase_reports(person: Person, *, now: datetime) -> tuple[tuple[str, int], ...]:
    """What mail servers wrote of mail that did not reach them."""
    theirs = services.named_by("external_email", person.addresses)
    if person.user is not None:
        theirs |= Q(recipient=person.user)
    keys = list(ReplyKey.objects.filter(theirs).values_list("key", flat=True))
    count = 0
    for start in range(0, len(keys), BATCH):
        digests = [credentials.digest(f"{key}-bounce") for key in keys[start : start + BATCH]]
        count += _empty(InboundEmail.objects.filter(key_digest__in=digests), now=now)
    return (("delivery reports about them", count),)


def _empty(rows: QuerySet[InboundEmail], *, now: datetime) -> int:
    personal = (column for column in LEDGER_COLUMNS if column.personal is not Personal.NO)
    rows = rows.exclude(status=Status.PENDING)
    contents = list(rows.exclude(content=None).values_list("content", flat=True))
    count = rows.update(**find_emptied(personal), raw_purged_at=now, trace_purged_at=now)
    for start in range(0, len(contents), BATCH):
        MessageContent.objects.remove_unused(contents[start : start + BATCH])
    return count


def _erase_patches(person: Person) -> tuple[tuple[str, int], ...]:
    """Those that wait for the rest of their series: without their author they can't be applied."""
    theirs = Q(inbound_email__sender__in=person.addresses)
    if person.user is not None:
        theirs |= Q(author=person.user)
    return (("waiting patches", SeriesPart.objects.filter(theirs).delete()[0]),)


def _take_names_out(person: Person) -> tuple[tuple[str, int], ...]:
    """What we wrote down while reading messages of others: whom else they went to."""
    names = services.names_of(person.user, person.addresses)
    others = InboundEmail.objects.exclude(status=Status.PENDING)
    columns = [each.name for each in LEDGER_COLUMNS if each.personal is Personal.OF_ANYBODY]
    return (("traces that name them", services.redact_rows(others, columns, names)),)


def _erase_keys(person: Person) -> tuple[tuple[str, int], ...]:
    theirs = services.named_by("external_email", person.addresses)
    if person.user is not None:
        theirs |= Q(recipient=person.user)
    count = sum(each.objects.filter(theirs).delete()[0] for each in (ReplyKey, RetiredReplyKey))
    if person.user is None:
        return (("reply keys", count),)
    tokens = SenderToken.objects.filter(user=person.user).delete()[0]
    return (("reply keys", count), ("private addresses", tokens))


def _erase_blocks(person: Person) -> tuple[tuple[str, int], ...]:
    blocks = BlockedSender.objects.filter(services.named_by("pattern", person.addresses))
    return (("blocked senders", blocks.delete()[0]),)


def _erase_refusals(person: Person) -> tuple[tuple[str, int], ...]:
    named = services.named_by("sender", person.addresses)
    named |= services.named_by("recipient", person.addresses)
    return (("refused recipients", RefusedRecipient.objects.filter(named).delete()[0]),)


def _erase_log_ins(names: Sequence[str]) -> int:
    models = (AccessAttempt, AccessLog, AccessFailureLog)
    named = services.named_by("username", names)
    return sum(model.objects.filter(named).delete()[0] for model in models)


def _erase_above(person: Person) -> tuple[tuple[str, int], ...]:
    return tuple(
        (eraser.holder, eraser.erase(user=person.user, addresses=person.addresses))
        for eraser in ERASERS.registered
    )
