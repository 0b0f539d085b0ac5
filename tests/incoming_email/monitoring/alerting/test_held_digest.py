"""Held mail is told of once a day, to those who can do something about it, and without content."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incoming_email import tasks
from incoming_email.models import InboundEmail
from incoming_email.monitoring.alerting import held_digest
from incoming_email.monitoring.alerting.held_digest import write_digests
from incoming_email.outcomes import Status
from incoming_email.pipeline import reviewing
from issues.models import OutgoingEmail, Role
from tests.admin_site import admin, admin_user
from tests.factories import MembershipFactory, ProjectFactory, UserFactory
from tests.incoming_email.factories import InboundEmailFactory
from tests.incoming_email.world import make_mail, make_world

__all__ = ["admin", "admin_user"]
pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def hold(project=None, **more):
    given = {"status": Status.HELD, "reason": "sender_mismatch", "held_rule": "sender_mismatch"}
    return InboundEmailFactory(project=project, **given | more)


def told():
    """Person → text of the newest mail."""
    return dict(OutgoingEmail.objects.order_by("pk").values_list("recipient", "text"))


def test_maintainers_and_owners_hear_how_much_waits_for_their_projects():
    shop, door = ProjectFactory(path="acme/shop"), ProjectFactory(path="acme/door")
    owner = MembershipFactory(project=shop, role=Role.OWNER).user
    maintainer = MembershipFactory(project=shop, role=Role.MAINTAINER).user
    MembershipFactory(project=door, role=Role.MAINTAINER, user=maintainer)
    MembershipFactory(project=shop, role=Role.DEVELOPER)
    hold(shop, subject="A secret matter")
    hold(shop)
    hold(door)
    assert write_digests(now=NOW) == 2
    assert set(told()) == {owner.email, maintainer.email}
    assert "acme/shop: 2" in told()[owner.email]
    assert "acme/door" not in told()[owner.email]
    assert "acme/door: 1" in told()[maintainer.email]
    assert "/acme/door/-/held_mail/" in told()[maintainer.email]
    subjects = set(OutgoingEmail.objects.values_list("subject", flat=True))
    assert subjects == {"2 messages wait for review", "3 messages wait for review"}
    assert not any("A secret matter" in text for text in told().values())


def test_superusers_hear_of_the_rest():
    root = UserFactory(is_superuser=True)
    UserFactory(is_superuser=True, is_active=False)
    lonely, led = ProjectFactory(), ProjectFactory()
    MembershipFactory(project=lonely, role=Role.OWNER, user=UserFactory(is_active=False))
    MembershipFactory(project=led, role=Role.OWNER)
    hold()
    hold(lonely)
    hold(led)
    write_digests(now=NOW)
    assert "can be told: 2\n" in told()[root.email]
    assert led.path not in told()[root.email]


def test_each_person_is_told_once_a_day_and_only_while_something_waits():
    UserFactory(is_superuser=True)
    row = hold()
    counts = [write_digests(now=NOW + n * HOUR) for n in (0, 1, 14)]
    counts.append(write_digests(now=NOW + DAY))
    reviewing.discard([row.pk], now=NOW + DAY)
    counts.append(write_digests(now=NOW + 2 * DAY))
    assert counts == [1, 0, 0, 1, 0]
    assert OutgoingEmail.objects.count() == 2


def test_the_day_begins_at_the_hour_of_the_setting_and_the_time_zone(settings):
    UserFactory(is_superuser=True)
    settings.HELD_DIGEST_HOUR = 8
    settings.TIME_ZONE = "Asia/Seoul"
    hold()
    before = datetime(2026, 3, 4, 22, 59, tzinfo=UTC)  # 07:59 of the next day
    assert [write_digests(now=before), write_digests(now=before + HOUR)] == [0, 1]


def test_who_comes_late_is_told_the_same_day():
    project = ProjectFactory()
    UserFactory(is_superuser=True)
    hold()
    write_digests(now=NOW)
    late = MembershipFactory(project=project, role=Role.OWNER).user
    hold(project)
    assert write_digests(now=NOW + HOUR) == 1
    assert late.email in told()


def test_of_two_workers_at_once_one_writes(monkeypatch):
    """The second looked before the first had written."""
    UserFactory(is_superuser=True)
    hold()
    real = held_digest.compose_mails

    def let_another_in_first(*args, **kwargs):
        monkeypatch.setattr(held_digest, "compose_mails", real)
        assert write_digests(now=NOW) == 1
        return real(*args, **kwargs)

    monkeypatch.setattr(held_digest, "compose_mails", let_another_in_first)
    write_digests(now=NOW)
    assert OutgoingEmail.objects.count() == 1


def test_killed_in_between_nobody_is_left_out(monkeypatch):
    UserFactory.create_batch(2, is_superuser=True)
    hold()

    def die(mails, *, now):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(held_digest.outbox, "enqueue_many", die)
        with pytest.raises(KeyboardInterrupt):
            write_digests(now=NOW)
    assert write_digests(now=NOW + HOUR) == 2


def test_the_number_of_queries_does_not_grow():
    def cost(now):
        with CaptureQueriesContext(connection) as queries:
            write_digests(now=now)
        return len(queries)

    def add():
        project = ProjectFactory()
        MembershipFactory.create_batch(2, project=project, role=Role.OWNER)
        UserFactory(is_superuser=True)
        hold(project)
        hold()

    add()
    once = cost(NOW)
    for _ in range(5):
        add()
    assert cost(NOW + DAY) == once


def test_a_held_message_knows_its_project_and_the_link_finds_it(client):
    world = make_world()
    row = world.receive(make_mail(to=world.reply_address(), sender="mallory@example.org"))
    hold()
    assert (row.status, row.project) == (Status.HELD, world.issue.project)
    owner = MembershipFactory(project=world.issue.project, role=Role.OWNER).user
    write_digests(now=NOW)
    text = OutgoingEmail.objects.get(recipient=owner.email).text
    link = next(line for line in text.splitlines() if "held_mail" in line)
    client.force_login(owner)
    response = client.get(link.partition("127.0.0.1:8000")[2])
    assert [each.pk for each in response.context["page"]] == [row.pk]


def test_the_task_tells(settings):
    settings.HELD_DIGEST_HOUR = 0
    UserFactory(is_superuser=True)
    hold()
    tasks.notify_about_held_mail()
    assert OutgoingEmail.objects.count() == InboundEmail.objects.count() == 1
