"""The ledger: one row for each message that arrived, from its bytes to its end."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from incoming_email.models.contents import MessageContent, piece_of
from incoming_email.models.mailboxes import Mailbox
from incoming_email.outcomes import Reason, Status
from incoming_email.versions import find_version
from issues.models import Issue, MergeRequest, Note, Project, WithMessageId

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def reason_choices() -> "list[tuple[str, StrOrPromise]]":
    """A callable, so that a new reason or label needs no migration."""
    return list(Reason.choices)


SWEEP_AFTER = timedelta(seconds=60)
"""A row that is due for less has most likely a task queued."""

HEAD_START = timedelta(hours=1)
"""Due rows are taken in the order of their time, and so long before they came begins that of mail
to a secret key: it need not wait for what strangers sent meanwhile."""

HAS_OWN_RAW = Q(content=None, raw_purged_at=None) & ~Q(digest="")
"""Rows of earlier versions whose bytes are to be moved."""

IS_HELD_SPAM = Q(status=Status.HELD, reason=Reason.SPAM)

LIMITED_BY = {"sender": "sender", "project": "project", "token_digest": "token"}
"""Columns that limits are counted by, with the names of their indexes."""


class InboundEmailQuerySet(models.QuerySet["InboundEmail"]):
    def due(self, now: datetime) -> Self:
        return self.filter(
            status=Status.PENDING,
            next_attempt_at__lte=now,
            attempts__lt=settings.MAX_ATTEMPTS,
        )

    def exhausted(self, now: datetime) -> Self:
        return self.filter(
            status=Status.PENDING,
            next_attempt_at__lte=now,
            attempts__gte=settings.MAX_ATTEMPTS,
        )

    def claim(self, pk: int, *, now: datetime) -> bool:
        """Claim one attempt at the message; the next may start only after a growing pause.

        The attempt is counted and committed before the work, so a message that kills its worker
        runs out of attempts too.
        """
        attempts = self.due(now).filter(pk=pk).values_list("attempts", flat=True).first()
        if attempts is None:
            return False
        return bool(
            self.due(now)
            .filter(pk=pk, attempts=attempts)
            .update(
                attempts=attempts + 1,
                next_attempt_at=now + pause_after(attempts),
                version=find_version(),
            )
        )

    def unclaim(self, pks: Sequence[int], *, attempts: int, until: datetime, now: datetime) -> int:
        """Undo claims by which nothing was done, known by what they wrote; return how many.

        The rows count as due for so long that the next sweep takes them: no task is on its way.
        """
        claimed = self.filter(
            pk__in=pks, status=Status.PENDING, attempts=attempts, next_attempt_at=until
        )
        return claimed.update(attempts=attempts - 1, next_attempt_at=now - SWEEP_AFTER)

    def store_contents(self, rows: Sequence["InboundEmail"]) -> None:
        """Store the bytes of these rows, each message once; the rows refer to them from then on.
        Call it in the transaction that writes the rows."""
        contents = MessageContent.objects.store({row.digest: row.raw for row in rows})
        for row in rows:
            row.content, row.own_raw = contents[row.digest], b""

    def get_whole(self, pk: int) -> "InboundEmail":
        """One row with its mailbox and its bytes. Raises DoesNotExist."""
        row = self.select_related("mailbox").annotate(begin=piece_of("content__raw")).get(pk=pk)
        begin = row.__dict__.pop("begin")
        if row.content_id is not None and begin is not None:
            with suppress(MessageContent.DoesNotExist):  # removed since; `raw` finds out as well
                row.content = MessageContent.objects.read(row.content_id, begin)
        return row

    def held(self) -> Self:
        """What waits until a person has decided; spam has a list of its own."""
        return self.filter(status=Status.HELD).exclude(reason=Reason.SPAM)

    def held_spam(self) -> Self:
        return self.filter(IS_HELD_SPAM)

    def failed_before(self, version: str) -> Self:
        """What another version gave up, and is still whole."""
        failed = self.filter(status=Status.FAILED, raw_purged_at=None, reason="")
        return failed.filter(Q(version=None) | ~Q(version=version))


NOT_READ = (Reason.UNREADABLE_ON_SERVER, Reason.GONE_FROM_SERVER)
"""Reasons of failed rows without bytes: the mail server has the message, or had it."""


def pause_after(attempts: int) -> timedelta:
    """How long an attempt may take before the next one may start: 5 minutes, doubling."""
    return timedelta(seconds=settings.PROCESSING_LEASE_SECONDS * 2.0**attempts)


class InboundEmail(WithMessageId):
    """The ledger: one row for each message that arrived, from its bytes to its end.

    PENDING is to be processed and HELD waits for a person; the other four are final. `requeue` sets
    a REJECTED, IGNORED or FAILED row to PENDING again, a release does so with a HELD one.
    """

    mailbox = models.ForeignKey(Mailbox, on_delete=models.PROTECT, verbose_name=_("mailbox"))
    source_id = models.CharField(_("source id"), max_length=255)
    recipient = models.CharField(_("envelope recipient"), max_length=254, blank=True)
    peer = models.GenericIPAddressField(_("peer"), null=True, editable=False)
    """Who handed it to our own listener; null where it was fetched, or piped in on this machine."""

    content = models.ForeignKey(
        MessageContent,
        null=True,
        editable=False,
        on_delete=models.DO_NOTHING,
        db_index=False,
        related_name="rows",
    )
    """The bytes; null where they were removed or never came. The database lets nobody remove them
    sooner."""

    own_raw = models.BinaryField(db_column="raw", default=b"")
    """The bytes where `content` is not made yet: of a row that is not stored, and of earlier
    versions until the upkeep has moved them."""

    oversize = models.BooleanField(default=False, editable=False)
    """Only the header was stored, since the message is larger than MAX_MESSAGE_BYTES."""

    raw_purged_at = models.DateTimeField(null=True, editable=False)
    """When the bytes were removed: their retention is over, or a person was erased."""

    trace_purged_at = models.DateTimeField(null=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    """SHA-256 of the bytes."""

    received_at = models.DateTimeField(_("received at"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    reason = models.CharField(_("reason"), max_length=40, choices=reason_choices, blank=True)
    handler = models.CharField(_("handler"), max_length=40, blank=True)
    outcome = models.CharField(_("outcome"), max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"))
    version = models.CharField(  # noqa: DJ001  (a column without default is added at once)
        _("version"), max_length=40, null=True
    )
    """Which Letterbox made the last attempt; null before there was one, or in old rows."""

    finished_at = models.DateTimeField(_("finished at"), null=True)
    last_error = models.TextField(_("last error"), blank=True)
    # Filled in when the message is processed.
    sender = models.CharField(_("sender"), max_length=254, blank=True)
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    key_digest = models.CharField(max_length=64, blank=True, editable=False)
    effect_key = models.CharField(  # noqa: DJ001  (only the acting row holds one)
        max_length=64, unique=True, null=True, editable=False
    )
    """Set together with the effect and unique, so that a copy can't commit a second effect."""

    trace = models.JSONField(_("trace"), default=list)
    defects = models.JSONField(_("defects"), default=list)
    held_rule = models.CharField(_("held by rule"), max_length=40, blank=True)
    waived_rules = models.JSONField(_("waived rules"), default=list)
    duplicate_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="duplicates"
    )
    project = models.ForeignKey(
        Project,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        verbose_name=_("project"),
    )
    """The target's project, once a key was resolved, whatever the status of the message."""

    token_digest = models.CharField(  # noqa: DJ001  (a column without default is added at once)
        max_length=64, null=True, editable=False
    )
    """Of the secret in the key, where limits are counted for this message."""

    counted_at = models.DateTimeField(null=True, editable=False)
    """When the limits let the message through; empty where it counts for none."""

    issue = models.ForeignKey(Issue, null=True, on_delete=models.SET_NULL, related_name="+")
    """What the message made or is a note on; of one by an external participant that is held or was
    rejected, the ticket that it is about."""

    merge_request = models.ForeignKey(
        MergeRequest, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.ForeignKey(Note, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = InboundEmailQuerySet.as_manager()

    class Meta:
        verbose_name = _("inbound email")
        verbose_name_plural = _("inbound email")
        permissions: ClassVar = [
            ("download_raw", _("Can download the raw message")),
            ("requeue_inboundemail", _("Can process again, release and discard")),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mailbox", "source_id"], name="one_row_a_message"),
            models.CheckConstraint(
                condition=Q(status__in=[Status.PENDING, Status.HELD], finished_at=None)
                | (~Q(status__in=[Status.PENDING, Status.HELD]) & Q(finished_at__isnull=False)),
                name="finished_when_ended",
            ),
            models.CheckConstraint(
                condition=(Q(status=Status.PROCESSED) & ~Q(handler="") & ~Q(outcome=""))
                | (~Q(status=Status.PROCESSED) & Q(handler="", outcome="")),
                name="outcome_when_processed",
            ),
            models.CheckConstraint(
                condition=(
                    Q(status__in=[Status.REJECTED, Status.IGNORED, Status.HELD]) & ~Q(reason="")
                )
                | Q(status=Status.FAILED)
                | (Q(status__in=[Status.PENDING, Status.PROCESSED]) & Q(reason="")),
                name="reason_when_not_acted_on",
            ),
            models.CheckConstraint(
                condition=Q(effect_key=None) | Q(status=Status.PROCESSED),
                name="effect_key_when_processed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status=Status.PENDING),
                name="inbound_due",
            ),
            # The last two are for counts over time, which must not read the raw messages.
            models.Index(
                fields=["status", "received_at", "finished_at", "mailbox"],
                name="inbound_over_time",
            ),
            models.Index(fields=["message_id"], name="inbound_by_message_id"),
            models.Index(fields=["sender"], name="inbound_by_sender"),
            models.Index(
                fields=["project"], condition=Q(project__isnull=False), name="inbound_by_project"
            ),
            models.Index(
                fields=["content"], condition=Q(content__isnull=False), name="inbound_by_content"
            ),
            models.Index(fields=["id"], condition=HAS_OWN_RAW, name="inbound_with_own_raw"),
            # The first two are for SQLite, which would choose another index.
            models.Index(
                fields=["status", "reason", "project", "received_at"],
                condition=IS_HELD_SPAM,
                name="inbound_spam",
            ),
            # What a purge has still to look at, by mailbox and age.
            *(
                models.Index(
                    fields=["mailbox", "received_at"],
                    condition=Q(**{f"{kept}_purged_at": None}),
                    name=f"inbound_kept_{kept}",
                )
                for kept in ("raw", "trace")
            ),
            *(
                models.Index(
                    fields=[field, "counted_at"],
                    condition=Q(counted_at__isnull=False),
                    name=f"inbound_limit_{name}",
                )
                for field, name in LIMITED_BY.items()
            ),
        ]

    def __str__(self) -> str:
        return gettext("inbound email %(number)s") % {"number": self.pk}

    @property
    def raw(self) -> bytes:
        """The message byte for byte; empty where it was removed or never came."""
        if self.content_id is None:
            return bytes(self.own_raw)
        content = self._state.fields_cache.get("content")
        if content is None:
            try:
                content = self.content = MessageContent.objects.read(self.content_id)
            except MessageContent.DoesNotExist:  # removed since this row was read
                return b""
        return bytes(content.raw)

    @raw.setter
    def raw(self, value: bytes) -> None:
        self.own_raw = value

    def forget_raw(self) -> None:
        """Give the memory back; whoever asks for the bytes again has them from the database."""
        self.__dict__.pop("own_raw", None)
        if self.content_id is not None:
            self._state.fields_cache.pop("content", None)


@receiver(post_delete, sender=InboundEmail)
def _remove_content(*, instance: InboundEmail, **_: object) -> None:
    MessageContent.objects.remove_unused([instance.content_id])
