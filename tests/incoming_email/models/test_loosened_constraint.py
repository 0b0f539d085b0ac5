"""The migration that lets failed rows have a reason, taken back and made again."""

import importlib

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from tests.incoming_email.factories import MailboxFactory

pytestmark = pytest.mark.django_db(transaction=True)
migration = importlib.import_module("incoming_email.migrations.0018_unreadable_on_server")


def store(mailbox, status, reason):
    now = timezone.now()
    ended = None if status == Status.PENDING else now
    with transaction.atomic():
        return InboundEmail.objects.create(
            mailbox=mailbox,
            source_id=f"{status}",
            raw=b"",
            received_at=now,
            next_attempt_at=now,
            finished_at=ended,
            status=status,
            reason=reason,
        )


def apply(change):
    with connection.schema_editor() as editor:
        change(apps, editor)


def test_it_is_taken_back_and_made_again():
    mailbox, reason = MailboxFactory(), Reason.UNREADABLE_ON_SERVER
    row = store(mailbox, Status.FAILED, reason)
    with pytest.raises(IntegrityError):
        store(mailbox, Status.PENDING, reason)

    apply(migration.tighten)
    try:
        row.refresh_from_db()
        assert row.reason == ""
        row.delete()
        with pytest.raises(IntegrityError):
            store(mailbox, Status.FAILED, reason)
    finally:
        apply(migration.loosen)

    store(mailbox, Status.FAILED, reason)
    with pytest.raises(IntegrityError):
        store(mailbox, Status.PENDING, reason)
