"""Once a day, notifies those who can release held mail how much waits: counts, no content."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from incoming_email.models import InboundEmail
from incoming_email.monitoring.alerting.administrators import (
    address_of_page,
    compose_mails,
    find_administrators,
)
from issues import outbox
from issues.models import Membership, OutgoingEmail, Role, User

HELD_DIGEST = "held_digest"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages are held of one project; `path` is empty for those without a known one."""

    path: str
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Share:
    """The held messages that the digest of one person tells of, by project."""

    user: User
    waiting: list[Waiting] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(each.count for each in self.waiting)


def write_digests(*, now: datetime) -> int:
    """Write today's digests that are not written yet; return how many.

    The day (of TIME_ZONE) and the person make the mail's effect key, so neither a crash nor a
    second worker writes another one.
    """
    today = timezone.localtime(now)
    held = InboundEmail.objects.held()
    counts = dict(held.values_list("project").annotate(Count("pk")))
    if today.hour < settings.HELD_DIGEST_HOUR or not counts:
        return 0
    shares = {share.user.pk: share for share in _share_out(counts)}
    cause = f"{HELD_DIGEST}-{today:%Y-%m-%d}"
    keys = [f"{cause}-u{pk}" for pk in shares]
    written = set(
        OutgoingEmail.objects.filter(effect_key__in=keys).values_list("effect_key", flat=True)
    )

    def write(user: User) -> tuple[str, str]:
        return _write(shares[user.pk])

    people = [s.user for s in shares.values() if f"{cause}-u{s.user.pk}" not in written]
    mails = compose_mails(people, kind=HELD_DIGEST, cause=cause, write=write)
    if mails:
        outbox.enqueue_many(mails, now=now)
    return len(mails)


def _share_out(counts: Mapping[int | None, int]) -> Iterator[Share]:
    """Assigns each project's messages to its maintainers and owners, the rest to the
    administrators.

    The rest are messages without a project, or of one where nobody could be notified.
    """
    known = [pk for pk in counts if pk is not None]
    responsible = (
        Membership.objects.filter(project__in=known, role__gte=Role.MAINTAINER)
        .filter(~Q(user__email=""), user__is_active=True)
        .select_related("user", "project")
        .order_by("user_id", "project__path")
    )
    shares: dict[int, Share] = {}
    rest = dict(counts)
    for membership in responsible:
        share = shares.setdefault(membership.user_id, Share(membership.user))
        url = address_of_page(reverse("held-mail", args=[membership.project.path]))
        count = counts[membership.project_id]
        share.waiting.append(Waiting(membership.project.path, count, url))
        rest.pop(membership.project_id, None)
    if rest:
        others = Waiting("", sum(rest.values()), _ledger_url())
        for user in find_administrators():
            shares.setdefault(user.pk, Share(user)).waiting.append(others)
    return iter(shares.values())


def _ledger_url() -> str:
    path = reverse("admin:incoming_email_inboundemail_changelist")
    return address_of_page(f"{path}?status__exact=held")


def _write(share: Share) -> tuple[str, str]:
    subject = ngettext(
        "%(count)d message waits for review", "%(count)d messages wait for review", share.count
    )
    text = render_to_string("incoming_email/mail/held_digest.txt", {"waiting": share.waiting})
    return subject % {"count": share.count}, text
