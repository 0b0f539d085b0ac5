"""Keys that make a notification answerable: one a person, item and discussion."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from incoming_email.keys import answered, reply_keys
from incoming_email.models import ReplyKey
from incoming_email.models.keys import new_key
from tests.factories import IssueFactory, MergeRequestFactory, UserFactory
from tests.incoming_email.factories import InboundEmailFactory, MailboxFactory, ReplyKeyFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue():
    MailboxFactory(address="in+%{key}@example.com")
    return IssueFactory()


def routes(users, item, discussion=""):
    return reply_keys.reply_routes(recipients=users, item=item, discussion=discussion)


def test_a_route_says_where_and_how_to_answer(issue):
    user = UserFactory()
    route = routes([user], issue, "d" * 32)[user.pk]
    key = ReplyKey.objects.get()
    assert re.fullmatch("[0-9a-z]{25}", key.key)
    assert (key.recipient, key.item, key.discussion) == (user, issue, "d" * 32)
    assert route.reply_to == f"in+{key.key}@example.com"
    assert route.reference == f"reply-{key.key}@letterbox.localhost"
    assert route.unsubscribe == f"in+{key.key}-unsubscribe@example.com"
    assert route.thread == ()


def test_keys_are_bound_to_person_item_and_discussion(issue):
    users = UserFactory.create_batch(2)
    other = MergeRequestFactory(project=issue.project)
    for item, discussion in ((issue, ""), (issue, "d" * 32), (other, ""), (issue, "")):
        routes(users, item, discussion)
    assert ReplyKey.objects.count() == 6


def test_a_key_is_used_again_until_it_is_revoked(issue):
    user = UserFactory()
    first = routes([user], issue)
    assert routes([user], issue) == first
    ReplyKey.objects.update(revoked_at=timezone.now())
    assert routes([user], issue)[user.pk].reply_to != first[user.pk].reply_to


def test_a_key_ends_after_the_newest_notification_with_it(issue, settings):
    settings.REPLY_KEY_DAYS = 10
    user, now, day = UserFactory(), timezone.now(), timedelta(days=1)
    first = routes([user], issue)
    key = ReplyKey.objects.get()
    assert 9 * day < key.expires_at - now <= 10 * day + day / 24
    for left, moved in ((6, False), (4, True)):
        ReplyKey.objects.update(expires_at=now + left * day)
        assert routes([user], issue) == first
        key.refresh_from_db()
        assert (key.expires_at > now + 9 * day) is moved

    ReplyKey.objects.update(expires_at=now)

    assert routes([user], issue)[user.pk].reply_to != first[user.pk].reply_to
    key.refresh_from_db()
    assert not key.is_valid(now - day), "who has it from an old mail does not get it back"


def test_a_key_from_before_the_setting_ends_too(issue, settings):
    routes([UserFactory()], issue)
    key, year = ReplyKey.objects.get(), timedelta(days=365)
    assert key.is_valid(timezone.now() + 100 * year)
    settings.REPLY_KEY_DAYS = 10
    assert not key.is_valid(timezone.now() + year)
    assert key.is_valid(timezone.now())


def test_a_customers_key_ends_as_well(issue, settings):
    settings.REPLY_KEY_DAYS = 10
    found = [reply_keys.external_routes(addresses=["c@example.org"], issue=issue) for _ in range(2)]
    assert found[0] == found[1]
    ReplyKey.objects.update(expires_at=timezone.now())
    again = reply_keys.external_routes(addresses=["c@example.org"], issue=issue)
    assert again["c@example.org"].key != found[0]["c@example.org"].key


def test_the_same_statements_however_many_people(issue, django_assert_num_queries):
    users = UserFactory.create_batch(10)
    with django_assert_num_queries(6):
        routes(users, issue)
    with django_assert_num_queries(4):
        routes(users, issue)


def test_a_dedicated_address_has_no_place_for_a_key():
    MailboxFactory(address="replies@example.com")
    user = UserFactory()
    route = routes([user], IssueFactory())[user.pk]
    assert (route.reply_to, route.unsubscribe) == ("replies@example.com", "")
    assert route.reference == f"reply-{ReplyKey.objects.get().key}@letterbox.localhost"


def test_an_address_with_a_key_is_preferred():
    MailboxFactory(address="replies@example.com")
    MailboxFactory(address="off+%{key}@example.com", enabled=False)
    MailboxFactory(address="in+%{key}@example.com")
    assert reply_keys.find_template().text == "in+%{key}@example.com"


def test_without_a_mailbox_nobody_can_answer():
    assert routes([UserFactory()], IssueFactory()) == {}
    assert ReplyKey.objects.count() == 0


def test_the_thread_names_a_persons_own_mails(issue):
    user, other = UserFactory.create_batch(2)
    for number in range(7):
        InboundEmailFactory(
            status="processed",
            handler="note",
            outcome="note",
            finished_at=timezone.now(),
            sender=user.email,
            message_id=f"{number}@example.com",
            issue=issue,
        )
    found = routes([user, other], issue)
    assert found[user.pk].thread == tuple(f"{number}@example.com" for number in range(2, 7))
    assert found[other.pk].thread == ()


def test_keys_are_found_by_whole_address_keys_in_two_queries(django_assert_num_queries):
    rows = ReplyKeyFactory.create_batch(3)
    names = [rows[0].key, f"{rows[1].key}-unsubscribe", f"{rows[2].key}x", "acme-1-issue", ""]
    with django_assert_num_queries(2):
        found = answered.find_keys_named(names)
        assert [len(row.recipient.verified_addresses) for row in found.values()] == [1, 1]
    assert found == {rows[0].key: rows[0], rows[1].key: rows[1]}


def test_a_key_has_128_random_bits():
    keys = {new_key() for _ in range(200)}
    assert {len(key) for key in keys} == {25}
    numbers = [int(key, 36) for key in keys]
    assert all(number < 2**128 for number in numbers)
    assert all(0 < sum(number >> bit & 1 for number in numbers) < 200 for bit in range(128))
