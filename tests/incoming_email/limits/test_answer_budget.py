"""The budget of automatic answers: by sender, domain, mailbox and day."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from incoming_email.limits import answer_budget
from issues.models import OutgoingEmail
from tests.factories import UserFactory
from tests.incoming_email.world import make_mail, make_smtp_mailbox, make_world

pytestmark = pytest.mark.django_db
NOWHERE = "incoming+nothing-here@letterbox.localhost"


@pytest.fixture
def world(settings):
    settings.NOTICE_PAUSE_MINUTES = 0
    return make_world()


def turn_down(world, *senders):
    """What became of the word to the last of these senders."""
    for sender in senders:
        row = world.receive(make_mail(to=NOWHERE, sender=sender))
    return next(step["result"] for step in row.trace if step["step"] == "notice")


def silent(name):
    return f"not sent: the limit of automatic answers is reached ({name})"


def test_a_sender_has_so_many_answers_in_a_day(world, settings):
    settings.NOTICE_SENDER_LIMIT_PER_DAY = 2
    sender, other = UserFactory().email, UserFactory().email
    assert turn_down(world, sender, sender) == "sent"
    assert turn_down(world, sender) == silent("NOTICE_SENDER_LIMIT_PER_DAY")
    assert turn_down(world, other) == "sent"

    OutgoingEmail.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert turn_down(world, sender) == "sent"


def test_a_domain_has_so_many_answers_in_a_day(world, settings):
    settings.NOTICE_DOMAIN_LIMIT_PER_DAY = 2
    people = [UserFactory(email=f"{name}@crowd.example").email for name in ("ada", "bob", "cyd")]
    elsewhere = UserFactory(email="ada@notcrowd.example").email
    assert turn_down(world, *people[:2]) == "sent"
    assert turn_down(world, people[2]) == silent("NOTICE_DOMAIN_LIMIT_PER_DAY")
    assert turn_down(world, elsewhere) == "sent", "no other domain that ends alike"


def test_a_mailbox_has_so_many_answers_in_a_day(world, settings):
    settings.NOTICE_MAILBOX_LIMIT_PER_DAY = 2
    people = [UserFactory(email=f"p{n}@host{n}.example").email for n in range(4)]
    assert turn_down(world, *people[:2]) == "sent"
    assert turn_down(world, people[2]) == silent("NOTICE_MAILBOX_LIMIT_PER_DAY")

    other = make_smtp_mailbox(name="other", address="other+%{key}@letterbox.localhost")
    assert turn_down(replace(world, mailbox=other), people[3]) == "sent"


def test_0_is_no_limit(world, settings):
    settings.NOTICE_SENDER_LIMIT_PER_DAY = settings.NOTICE_DOMAIN_LIMIT_PER_DAY = 0
    settings.NOTICE_MAILBOX_LIMIT_PER_DAY = 0
    sender = UserFactory().email
    assert turn_down(world, sender, sender, sender) == "sent"


def test_what_was_not_told_is_still_in_the_ledger(world, settings):
    settings.NOTICE_SENDER_LIMIT_PER_DAY = 1
    sender = UserFactory().email
    turn_down(world, sender, sender)
    assert OutgoingEmail.objects.count() == 1
    assert [row.status for row in world.mailbox.inboundemail_set.all()] == ["rejected"] * 2


def test_the_counter_tells_the_three_apart(world, django_assert_num_queries):
    ada, bob = (UserFactory(email=f"{name}@crowd.example").email for name in ("ada", "bob"))
    turn_down(world, ada, ada, bob)
    OutgoingEmail.objects.filter(recipient=bob).update(budget=None)
    with django_assert_num_queries(1):
        spent = answer_budget.find_spent(now=timezone.now())
    assert spent.senders == {ada: 2, bob: 1}
    assert spent.domains == {"crowd.example": 3}
    assert spent.mailboxes == {world.mailbox.pk: 2, None: 1}
