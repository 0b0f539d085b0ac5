"""Mail to the unsubscribe address: the key alone decides."""

import pytest
from django.utils import timezone

from incoming_email.models import ReplyKey
from incoming_email.outcomes import Reason, Status
from issues.models import Subscription
from tests.incoming_email.world import make_mail

pytestmark = pytest.mark.django_db


def test_unsubscribe_works_from_any_address(world):
    address = world.reply_address().replace("@", "-unsubscribe@")
    row = world.receive(make_mail(to=address, sender="alias@example.org", body=""))
    assert row.outcome == f"unsubscribe from issue {world.issue}"
    assert Subscription.objects.get(user=world.member).subscribed is False


def test_an_expired_and_revoked_key_still_unsubscribes(world):
    address = world.reply_address().replace("@", "-unsubscribe@")
    ReplyKey.objects.update(expires_at=timezone.now(), revoked_at=timezone.now())
    assert world.receive(make_mail(to=address, sender="x@example.org")).status == Status.PROCESSED
    assert Subscription.objects.get(user=world.member).subscribed is False


def test_who_lost_access_can_still_leave(world):
    address = world.reply_address().replace("@", "-unsubscribe@")
    world.member.memberships.all().delete()
    world.issue.project.visibility = "private"
    world.issue.project.save()
    world.receive(make_mail(to=address, sender=world.member.email))
    assert Subscription.objects.get(user=world.member).subscribed is False


def test_an_unknown_key_leads_nowhere(world):
    address = world.mailbox.template.address_for("0" * 25 + "-unsubscribe")
    row = world.receive(make_mail(to=address, sender=world.member.email))
    assert (row.status, row.reason) == (Status.REJECTED, Reason.UNKNOWN_ADDRESS)
    assert Subscription.objects.count() == 0
