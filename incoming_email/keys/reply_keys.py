"""Keys that make a notification answerable: minted for each person, item and discussion."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db.models import Model, QuerySet
from django.utils import timezone

from incoming_email.models import InboundEmail, Mailbox, Purpose, ReplyKey, RetiredReplyKey
from incoming_email.outcomes import Status
from incoming_email.parsing.addresses import AddressTemplate, reply_message_id
from issues.mail_addresses import find_spellings
from issues.models import WHOLE_ID, Issue, MergeRequest, Project, User
from issues.notifications import ReplyRoute

MAX_THREAD_IDS = 5
"""Message-IDs of a person's own mails that a notification refers to."""


@dataclass(frozen=True, slots=True)
class AnsweredInVain:
    """An external participant has answered a ticket that was deleted."""

    address: str
    iid: int | None
    """Of the ticket; None where an earlier version deleted it."""

    at: datetime | None
    """When they did so first."""


@dataclass(frozen=True, slots=True)
class ExternalRoute:
    """For an external participant; "" where the address of the mailbox has no `%{key}`."""

    reply_to: str
    reference: str
    """`reply-KEY@host`, found again in the References of the answer."""

    unsubscribe: str
    bounce: str
    """The envelope sender of mail to this person: a delivery report to it identifies them."""

    key: str = field(repr=False)


NO_ROUTE = ExternalRoute(reply_to="", reference="", unsubscribe="", bounce="", key="")


def find_template() -> AddressTemplate | None:
    """The address that replies go to: of the first enabled mailbox of incoming email, if possible
    one with a key.

    Without any such mailbox, one of the service desk accepts replies too.
    """
    mailboxes = sorted(
        Mailbox.objects.filter(enabled=True).order_by("pk"),
        key=lambda mailbox: mailbox.purpose != Purpose.INCOMING_EMAIL,
    )
    asked = [mailbox.template for mailbox in mailboxes if mailbox.purpose == mailboxes[0].purpose]
    return next((t for t in asked if t.has_key), next(iter(asked), None))


def reply_routes(
    *, recipients: Sequence[User], item: Issue | MergeRequest, discussion: str
) -> dict[int, ReplyRoute]:
    """How each person can reply about the item: keys are minted where missing, six queries in
    all."""
    template = find_template()
    if template is None:
        return {}
    keys = _ensure_keys(recipients=recipients, item=item, discussion=discussion)
    threads = _find_own_mails(recipients=recipients, item=item)
    return {
        user.pk: ReplyRoute(
            reply_to=template.address_for(keys[user.pk]),
            reference=reply_message_id(keys[user.pk], settings.MESSAGE_ID_HOST),
            unsubscribe=(
                template.address_for(f"{keys[user.pk]}-unsubscribe") if template.has_key else ""
            ),
            thread=tuple(threads.get(user.pk, ())),
        )
        for user in recipients
    }


def external_routes(
    *, addresses: Sequence[str], issue: Issue, template: AddressTemplate | None = None
) -> dict[str, ExternalRoute]:
    """How external participants can reply about the issue, in at most four queries: by `template`,
    or where none is given, by the mailbox of incoming email."""
    template = template or find_template()
    if template is None or not addresses:
        return {}
    valid = ReplyKey.objects.filter(
        external_email__in=addresses, issue=issue, discussion="", revoked_at=None
    )
    known = _find_lasting(valid, "external_email")
    if missing := [address for address in addresses if address not in known]:
        ReplyKey.objects.bulk_create(
            [
                ReplyKey(external_email=address, issue=issue, expires_at=find_end())
                for address in missing
            ],
            ignore_conflicts=True,  # somebody else may mint the same at the same time
        )
        known = dict(valid.values_list("external_email", "key"))
    return {address: _external_route(template, key) for address, key in known.items()}


def _external_route(template: AddressTemplate, key: str) -> ExternalRoute:
    keyed = template.address_for if template.has_key else lambda _key: ""
    return ExternalRoute(
        reply_to=template.address_for(key),
        reference=reply_message_id(key, settings.MESSAGE_ID_HOST),
        unsubscribe=keyed(f"{key}-unsubscribe"),
        bounce=keyed(f"{key}-bounce"),
        key=key,
    )


def _ensure_keys(
    *, recipients: Sequence[User], item: Issue | MergeRequest, discussion: str
) -> dict[int, str]:
    on_item = {item.COLUMN: item}
    valid = ReplyKey.objects.filter(
        recipient__in=recipients, discussion=discussion, revoked_at=None, **on_item
    )
    known = _find_lasting(valid, "recipient_id")
    missing = [user for user in recipients if user.pk not in known]
    if missing:
        ReplyKey.objects.bulk_create(
            [
                ReplyKey(recipient=user, discussion=discussion, expires_at=find_end(), **on_item)
                for user in missing
            ],
            ignore_conflicts=True,  # somebody else may mint the same at the same time
        )
        known = dict(valid.values_list("recipient_id", "key"))
    return known


def find_end() -> datetime | None:
    """When a key ends that goes out now; None for never."""
    days = settings.REPLY_KEY_DAYS
    return timezone.now() + timedelta(days=days) if days else None


def _find_lasting(valid: QuerySet[ReplyKey], person: str) -> dict[Any, str]:
    """The keys by person. One that goes out again lasts for REPLY_KEY_DAYS from now; one that has
    ended makes room for a new one, since who has it from an old mail must not get it back.

    The common case costs one query: an end is moved once in half of these days.
    """
    now, end, half = timezone.now(), find_end(), timedelta(days=settings.REPLY_KEY_DAYS) / 2
    rows = list(valid.only(person, "key", "created_at", "expires_at", "revoked_at"))
    lasting = [row for row in rows if row.is_valid(now)]
    if ended := [row.pk for row in rows if row not in lasting]:
        ReplyKey.objects.filter(pk__in=ended).update(revoked_at=now)
    soon = [row.pk for row in lasting if _is_moved(row.expires_at, end, half)]
    if soon:
        ReplyKey.objects.filter(pk__in=soon).update(expires_at=end)
    return {getattr(row, person): row.key for row in lasting}


def _is_moved(was: datetime | None, end: datetime | None, half: timedelta) -> bool:
    if was is None or end is None:
        return was is not end
    return was < end - half


def _find_own_mails(
    *, recipients: Sequence[User], item: Issue | MergeRequest
) -> dict[int, list[str]]:
    """Ids of the mails by which these people wrote about the item, so that threads hold."""
    on_item = {item.COLUMN: item}
    addresses = EmailAddress.objects.filter(user__in=recipients, verified=True)
    owners = {
        spelling: user_id
        for email, user_id in addresses.values_list("email", "user_id")
        for spelling in find_spellings(email)
    }
    mails = (
        InboundEmail.objects.filter(status=Status.PROCESSED, sender__in=owners, **on_item)
        .exclude(message_id="")
        .order_by("pk")
        .values_list("sender", WHOLE_ID)
    )
    threads: dict[int, list[str]] = {}
    for sender, message_id in mails:
        threads.setdefault(owners[sender], []).append(message_id)
    return {user_id: ids[-MAX_THREAD_IDS:] for user_id, ids in threads.items()}


def retire(
    instance: Issue | MergeRequest, origin: "Model | QuerySet[Any]", **kwargs: object
) -> None:
    """Before an issue or merge request is deleted, its keys with it: keep what is needed to tell
    those who answer. They are fewer rows than go, and none where the whole project goes."""
    if (origin.model if isinstance(origin, QuerySet) else type(origin)) is Project:
        return
    on_item = {instance.COLUMN: instance}
    RetiredReplyKey.objects.bulk_create(
        [
            RetiredReplyKey(
                key=row.key,
                recipient_id=row.recipient_id,
                external_email=row.external_email,
                project_id=instance.project_id,
                iid=instance.iid if isinstance(instance, Issue) else None,
            )
            for row in ReplyKey.objects.filter(**on_item)
        ],
        ignore_conflicts=True,  # a deletion that was tried before
    )


def find_retired(key: str) -> RetiredReplyKey | None:
    rows = RetiredReplyKey.objects.select_related("recipient", "project")
    return rows.filter(key=key).first()


def note_answer(key: str, *, now: datetime) -> None:
    """Of what was deleted, so that the team sees it; the first one counts."""
    RetiredReplyKey.objects.filter(key=key, answered_at=None).update(answered_at=now)


def find_answered_in_vain(project: Project, *, since: datetime, most: int) -> list[AnsweredInVain]:
    """Since then, newest first."""
    answered = RetiredReplyKey.objects.filter(project=project, answered_at__gte=since)
    rows = answered.exclude(external_email="").order_by("-answered_at", "-pk")
    columns = rows.values_list("external_email", "iid", "answered_at")[:most]
    return [AnsweredInVain(*row) for row in columns]
