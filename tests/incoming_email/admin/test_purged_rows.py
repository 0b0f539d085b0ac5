"""A row whose bytes and trace are gone, and the days of a mailbox."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incoming_email.models import Kept
from incoming_email.outcomes import Status
from incoming_email.upkeep import purging
from tests.admin_site import incoming_url, page_of
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.factories import MailboxFactory

pytestmark = pytest.mark.django_db


def test_page_of_a_purged_row_says_so_and_offers_nothing(admin):
    row = ended(Status.REJECTED)
    wanted = purging.Wanted(kinds=(Kept.RAW, Kept.TRACE), days=30)
    row.received_at -= timedelta(days=31)
    row.save()
    assert [each.count for each in purging.purge(wanted, now=timezone.now())] == [1, 1]
    response = page_of(admin, row)
    assert "Raw message removed" in response.text
    assert "Trace removed" in response.text
    assert "Download raw" not in response.text
    assert "no header fields" not in response.text
    assert response.context["buttons"] == []
    assert admin.get(incoming_url("inboundemail", "raw", row.pk)).status_code == 404


def test_mailbox_form_takes_days(admin):
    mailbox = MailboxFactory()
    response = page_of(admin, mailbox)
    assert 'name="keep_raw_days"' in response.text
    assert "Retention" in response.text
