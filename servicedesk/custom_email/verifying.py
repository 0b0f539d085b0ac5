"""A verification from its start to its end: started, then finished or failed, and reported once.

One mail goes by the project's server, and shows that this works. Its owner can read that on the
way, so it proves nothing about the address: until that is proven once, another mail goes by our
own server, which only who has the address can hand on to us. Both must come back.
"""

import smtplib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from issues import outbox
from issues.models import User
from issues.outbox import clean_header
from issues.services.refusals import Invalid, require
from servicedesk.custom_email.connecting import ProjectBackend
from servicedesk.custom_email.messages import (
    notify,
    withdraw_start,
    write_challenge,
    write_verification,
)
from servicedesk.models import CustomEmail, Fault, Verification

TOKEN_LENGTH = 12
EXCHANGE_SECONDS = 12.0
"""For connection and log-in, and again for the mail: a person waits for the page meanwhile."""

UNSENT = (OSError, ValueError)
"""Of the network and the server (smtplib.SMTPException is an OSError), and of values that can't
be sent, such as a password that is not ASCII."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Those that are awaited, as the column has them; each "" once it came back or is not asked
    for."""

    theirs: str
    """In the mail by the project's server."""

    ours: str
    """In the mail by our own."""

    @classmethod
    def new(cls, *, is_proven: bool) -> Self:
        ours = "" if is_proven else get_random_string(TOKEN_LENGTH)
        return cls(get_random_string(TOKEN_LENGTH), ours)

    @classmethod
    def of(cls, custom: CustomEmail) -> Self:
        """None of a verification that an earlier version started, which had one: start it again."""
        theirs, colon, ours = custom.token.partition(":")
        return cls(theirs, ours) if colon else cls("", "")

    def __str__(self) -> str:
        return f"{self.theirs}:{self.ours}"


def start_verification(custom: CustomEmail, *, actor: User, now: datetime) -> CustomEmail:
    """Send the verification mails; takes as long as the project's mail server does, which
    DESK_SMTP_TIMEOUT_SECONDS and EXCHANGE_SECONDS limit. Call outside a transaction.

    The start is committed before the mail is sent: a mail that comes back is always expected, and
    one that was never sent times out.
    """
    require(actor, "issues.administer_project", custom.desk.project)
    with transaction.atomic(durable=True):
        started = _lock(custom)
        started.enabled = False
        started.state, started.fault, started.fault_detail = Verification.STARTED, "", ""
        tokens = Tokens.new(is_proven=started.verified_at is not None)
        started.token = str(tokens)
        started.triggerer, started.started_at = actor, now
        started.save()
        notify(started, now=now)
        if tokens.ours:
            outbox.enqueue_many([write_challenge(started, tokens.ours)], now=now)
    try:
        _send(started, tokens.theirs, now=now)
    except UNSENT as error:
        with transaction.atomic():
            withdraw_start(started)
            conclude(started, find_fault(error), detail=_describe(error), now=now)
    return CustomEmail.objects.select_related("desk__project").get(pk=custom.pk)


def _lock(custom: CustomEmail) -> CustomEmail:
    rows = CustomEmail.objects.select_for_update(of=("self",)).select_related("desk__project")
    found = rows.filter(pk=custom.pk, retired_at=None).first()
    if found is None:
        raise Invalid([_("This address was replaced meanwhile. Look at the desk's settings.")])
    return found


def _send(custom: CustomEmail, token: str, *, now: datetime) -> None:
    message = write_verification(custom, token, now=now)
    connection = ProjectBackend(custom, exchange_seconds=EXCHANGE_SECONDS)
    try:
        connection.send_messages([message])
    finally:
        connection.close()


def find_fault(error: Exception) -> Fault:
    """What a failure to send says about the settings."""
    if isinstance(error, smtplib.SMTPAuthenticationError | UnicodeEncodeError):
        return Fault.INVALID_CREDENTIALS
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TimeoutError):
            return Fault.READ_TIMEOUT
        cause = cause.__cause__ or cause.__context__  # smtplib says only "disconnected"
    return Fault.SMTP_HOST


def _describe(error: Exception) -> str:
    """The server's message; of a value that can't be sent nothing, since it may be the password."""
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
        return clean_header(f"{error.smtp_code} {text}")[:500]
    return "" if isinstance(error, ValueError) else clean_header(str(error))[:500]


@transaction.atomic
def conclude(custom: CustomEmail, fault: Fault | None, *, now: datetime, detail: str = "") -> bool:
    """End this round and notify; False where another process has ended it, or started a new one."""
    round_ = CustomEmail.objects.filter(
        pk=custom.pk, state=Verification.STARTED, started_at=custom.started_at
    )
    custom.state = Verification.FINISHED if fault is None else Verification.FAILED
    custom.fault, custom.fault_detail, custom.token = fault or "", detail, ""
    if fault is None and custom.verified_at is None:
        custom.verified_at = now
    ended = round_.update(
        state=custom.state,
        fault=custom.fault,
        fault_detail=custom.fault_detail,
        token="",
        verified_at=custom.verified_at,
    )
    if ended:
        notify(custom, now=now)
    return bool(ended)


def is_over(custom: CustomEmail, *, now: datetime) -> bool:
    """Whether the time in which the mail must have come back has passed."""
    limit = timedelta(minutes=settings.DESK_VERIFICATION_MINUTES)
    return custom.started_at is not None and custom.started_at + limit < now


def give_up_awaited(*, now: datetime) -> int:
    """Scheduled: fail verifications whose mail did not come back in time; returns how many."""
    limit = timedelta(minutes=settings.DESK_VERIFICATION_MINUTES)
    awaited = CustomEmail.objects.filter(state=Verification.STARTED, started_at__lt=now - limit)
    rows = list(awaited.select_related("desk__project", "triggerer")[: settings.SWEEP_BATCH])
    return sum(conclude(row, Fault.NOT_RECEIVED, now=now) for row in rows)
