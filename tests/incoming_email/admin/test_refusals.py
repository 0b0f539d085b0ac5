"""The list of refused recipients."""

import pytest

from incoming_email.models import RefusedRecipient
from tests.admin_site import incoming_url
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.smtp.test_refusals import KEY, SENDER, refuse


@pytest.mark.django_db
def test_an_operator_finds_them_and_changes_nothing(operator):
    MailboxFactory(address="incoming+%{key}@here.example")
    refuse(f"incoming+{KEY}@here.example")
    refuse("other@here.example", sender="bo@example.org", peer="203.0.113.2")
    page = incoming_url("refusedrecipient", "changelist")
    for word, found in ((SENDER, 1), ("here.example", 2), ("203.0.113.2", 1), ("203.0.113", 0)):
        text = operator.get(page, {"q": word}).text
        assert text.count("550 5.1.1") == found
        assert KEY not in text
    row = RefusedRecipient.objects.first()
    address = incoming_url("refusedrecipient", "change", row.pk)
    assert operator.get(address).status_code == 200
    assert operator.post(address, {}).status_code == 403
