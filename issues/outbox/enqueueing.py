"""Rows for new mail, written in the transaction of the effect that causes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from issues.broker import wake_worker
from issues.models import OutgoingEmail, Project, storable
from issues.outbox.header_fields import bare_id, clean_header
from issues.outbox.headers import MailHeaders, make_headers

PLAIN = MailHeaders()
"""Of a mail that answers nothing and that nobody answers."""

MAX_HEADER = 500
"""Characters of a subject or From that a row holds."""
INSERT_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMail:
    """A mail to one person. `effect_key` names the cause and the person: once is enough.

    `envelope_sender` "" is the null reverse-path; `from_header` None is DEFAULT_FROM_EMAIL;
    `uploads` are ids of files to attach; it is sent `not_before` this time by `account`; `budget`
    is the limit it is counted for; `announcement_id` is the event that it notifies of;
    `answered_mailbox` is the mailbox whose mail is answered.
    """

    kind: str
    effect_key: str
    recipient: str
    subject: str
    text: str
    envelope_sender: str
    message_id: str
    html: str = ""
    from_header: str | None = None
    headers: MailHeaders = PLAIN
    project: Project | None = None
    uploads: Sequence[int] = ()
    account: str = ""
    not_before: datetime | None = None
    budget: str | None = None
    announcement_id: int | None = None
    answered_mailbox: int | None = None

    def as_row(self, now: datetime) -> OutgoingEmail:
        return OutgoingEmail(
            kind=self.kind,
            effect_key=self.effect_key,
            recipient=self.recipient,
            envelope_sender=self.envelope_sender,
            message_id=bare_id(self.message_id),
            from_header=clean_header(self.from_header or settings.DEFAULT_FROM_EMAIL)[:MAX_HEADER],
            subject=clean_header(self.subject)[:MAX_HEADER],
            headers={
                name: clean_header(value) for name, value in make_headers(self.headers).items()
            },
            text=storable(self.text),
            html=storable(self.html),
            project=self.project,
            uploads=list(self.uploads),
            account=self.account,
            budget=self.budget,
            announcement_id=self.announcement_id,
            answered_mailbox=self.answered_mailbox,
            next_attempt_at=self.not_before or now,
            created_at=now,
        )


def enqueue(  # noqa: PLR0913  (one argument a column)
    *,
    kind: str,
    effect_key: str,
    recipient: str,
    subject: str,
    text: str,
    envelope_sender: str,
    message_id: str,
    now: datetime,
    headers: MailHeaders = PLAIN,
    html: str = "",
    from_header: str | None = None,
    project: Project | None = None,
    budget: str | None = None,
) -> OutgoingEmail | None:
    """Write one row in the caller's transaction; None where the effect has its mail already."""
    new = NewMail(
        kind=kind,
        effect_key=effect_key,
        recipient=recipient,
        subject=subject,
        text=text,
        envelope_sender=envelope_sender,
        headers=headers,
        message_id=message_id,
        html=html,
        from_header=from_header,
        project=project,
        budget=budget,
    )
    row = new.as_row(now)
    values = {
        f.attname: getattr(row, f.attname)
        for f in OutgoingEmail._meta.concrete_fields
        if f.attname not in {"id", "effect_key"}
    }
    found, created = OutgoingEmail.objects.get_or_create(effect_key=effect_key, defaults=values)
    if not created:
        return None
    wake_worker()
    return found


def enqueue_many(mails: Sequence[NewMail], *, now: datetime) -> None:
    """Write all in one statement; those whose effect has its mail already are passed over."""
    OutgoingEmail.objects.bulk_create(
        [new.as_row(now) for new in mails], ignore_conflicts=True, batch_size=INSERT_BATCH
    )
    wake_worker()
