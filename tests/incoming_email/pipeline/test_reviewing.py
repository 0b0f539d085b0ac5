"""What a person does with a row: process again, release, discard."""

import pytest
from django.utils import timezone

from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, reviewing
from issues.models import Note
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def held(world):
    return world.receive(make_mail(to=world.reply_address(), sender="mallory@example.org"))


def test_a_released_message_is_let_through(held):
    assert reviewing.release([held.pk], now=timezone.now()) == [held.pk]
    assert processing.process(held.pk)
    held.refresh_from_db()
    assert (held.status, held.waived_rules) == (Status.PROCESSED, ["sender_mismatch"])
    assert Note.objects.count() == 1


def test_a_discarded_message_is_ended(held):
    assert reviewing.discard([held.pk], now=timezone.now()) == [held.pk]
    held.refresh_from_db()
    assert (held.status, held.reason) == (Status.IGNORED, Reason.DISCARDED)
    assert not processing.process(held.pk)


def test_only_held_rows_are_released_and_discarded(world):
    done = world.receive(make_mail(to=world.reply_address(), sender=world.member.email))
    assert reviewing.release([done.pk], now=timezone.now()) == []
    assert reviewing.discard([done.pk], now=timezone.now()) == []


def test_what_was_turned_down_can_be_processed_again(world):
    address = world.reply_address()
    world.issue.locked = True
    world.issue.save()
    world.member.memberships.all().delete()
    world.issue.project.visibility = "public"
    world.issue.project.save()
    row = world.receive(make_mail(to=address, sender=world.member.email))
    assert row.reason == Reason.LOCKED
    world.issue.locked = False
    world.issue.save()
    assert reviewing.requeue([row.pk], now=timezone.now()) == [row.pk]
    assert processing.process(row.pk)
    row.refresh_from_db()
    assert (row.status, row.attempts) == (Status.PROCESSED, 1)


def test_what_acted_is_never_processed_again(world):
    done = world.receive(make_mail(to=world.reply_address(), sender=world.member.email))
    assert reviewing.requeue([done.pk], now=timezone.now()) == []


def test_a_duplicate_run_again_by_hand_stays_one(world):
    mail = make_mail(to=world.reply_address(), sender=world.member.email)
    world.receive(mail)
    copy = world.receive(mail)
    assert reviewing.requeue([copy.pk], now=timezone.now()) == [copy.pk]
    processing.process(copy.pk)
    copy.refresh_from_db()
    assert (copy.reason, Note.objects.count()) == (Reason.DUPLICATE, 1)
