"""A project's own mail server that takes no mail: its leaders hear of it once, and of its end."""

import datetime as dt
import time

import pytest
from django.urls import reverse
from django.utils import timezone

from issues import outbox, services
from issues.models import OutgoingEmail, OutgoingState, Role
from issues.outbox import failing
from servicedesk.custom_email import find_outage, retire, watch_servers
from servicedesk.models import CustomEmail
from tests.factories import MembershipFactory
from tests.issues.outgoing import enqueue
from tests.issues.smtp_sink import free_port
from tests.servers.scripted_smtp import drip, running_smtp
from tests.servicedesk.customer_server import (
    ADDRESS,
    PASSWORD,
    custom_email,
    running_customer_server,
)
from tests.servicedesk.world import CUSTOMER, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = dt.timedelta(minutes=1)
FAILS = f"The mail server of {ADDRESS} is rejecting mail"
WORKS = f"The mail server of {ADDRESS} works again"


@pytest.fixture
def desk(settings):
    settings.DESK_SMTP_LOCAL_NETWORKS = True
    settings.MAILBOX_ALERT_MINUTES = 30
    return make_desk()


@pytest.fixture
def leaders(desk):
    roles = (Role.MAINTAINER, Role.OWNER)
    return [MembershipFactory(project=desk.project, role=role).user for role in roles]


def told():
    rows = OutgoingEmail.objects.filter(kind="custom_email").order_by("pk")
    return list(rows.values_list("recipient", "subject"))


def to_each(people, *subjects):
    return [(user.email, subject) for subject in subjects for user in people]


def test_a_refused_password_is_told_once_and_its_end_once(desk, leaders):
    now = timezone.now() + MINUTE  # past what is written below
    with running_customer_server() as server:
        custom = custom_email(desk.settings, server.port, password="wrong")
        desk.open_ticket()
        for minute in range(0, 60, 5):
            at = now + minute * MINUTE
            outbox.deliver_due(now=at)
            assert watch_servers(now=at) == (minute == 30)
        assert told() == to_each(leaders, FAILS)
        assert server.messages == []
        outage = find_outage(custom)
        assert outage.waiting == 1
        assert outage.message.startswith("SMTPAuthenticationError: 535 5.7.8 ")
        CustomEmail.objects.update(password=PASSWORD)
        outbox.deliver_due(now=now + 61 * MINUTE)
        assert len(server.messages) == 1
    assert watch_servers(now=now + 61 * MINUTE) == 1
    assert watch_servers(now=now + 62 * MINUTE) == 0
    assert told() == to_each(leaders, FAILS, WORKS)
    assert sent_to(CUSTOMER)[0].state == OutgoingState.SENT


def test_a_failure_that_began_by_a_clock_that_was_ahead_is_told_in_time(desk, leaders):
    now = timezone.now() + MINUTE
    custom_email(desk.settings, free_port())
    desk.open_ticket()
    outbox.deliver_due(now=now)
    for minute in (24 * 60, 0, 30):
        watch_servers(now=now + minute * MINUTE)
    assert told() == to_each(leaders, FAILS)


def test_a_second_spell_is_told_again(desk, leaders):
    now = timezone.now() + MINUTE
    custom = custom_email(desk.settings, free_port())
    desk.open_ticket()
    for start in (0, 100):
        outbox.deliver_due(now=now + start * MINUTE)
        for minute in (0, 30, 31):
            watch_servers(now=now + (start + minute) * MINUTE)
        failing.record_success(f"custom-email-{custom.pk}", now=now)
        watch_servers(now=now + (start + 40) * MINUTE)
    assert told() == to_each(leaders, FAILS, WORKS, FAILS, WORKS)


def test_a_short_outage_is_told_to_nobody(desk, leaders):
    now = timezone.now() + MINUTE
    custom = custom_email(desk.settings, free_port())
    desk.open_ticket()
    outbox.deliver_due(now=now)
    for minute in (0, 29):
        watch_servers(now=now + minute * MINUTE)
    failing.record_success(f"custom-email-{custom.pk}", now=now)
    watch_servers(now=now + 30 * MINUTE)
    assert told() == []
    assert CustomEmail.objects.get().failing_since is None


def test_a_word_about_one_mail_is_no_outage(desk):
    custom = custom_email(desk.settings)
    desk.open_ticket()
    OutgoingEmail.objects.update(attempts=1, last_error="SMTPRecipientsRefused: 450 later")
    assert find_outage(custom) is None


def test_the_mail_says_what_to_do_and_no_secret(desk, leaders):
    now = timezone.now() + MINUTE
    custom_email(desk.settings, free_port())
    desk.open_ticket()
    outbox.deliver_due(now=now)
    for minute in (0, 30):
        watch_servers(now=now + minute * MINUTE)
    mail = OutgoingEmail.objects.filter(kind="custom_email").first()
    assert "wait (now 1)" in mail.text
    assert reverse("desk-address", args=[desk.project.path]) in mail.text
    assert "Connection refused" in mail.text
    assert PASSWORD not in mail.text
    assert mail.account == ""


def test_a_password_beyond_ascii_keeps_nobody_elses_mail_waiting(desk, mailoutbox):
    with running_customer_server() as server:
        custom = custom_email(desk.settings, server.port, password="geh\u00e9im")
        issue = desk.open_ticket()
        member = MembershipFactory(project=desk.project, role=Role.DEVELOPER).user
        services.subscribe(user=member, item=issue)
        outbox.enqueue(
            kind="notice",
            effect_key="notice",
            recipient="ann@example.com",
            subject="Hello",
            text="x",
            envelope_sender="",
            message_id="<n@letterbox.localhost>",
            now=timezone.now(),
        )
        assert outbox.deliver_due(now=timezone.now() + MINUTE) == 1
    assert [mail.to for mail in mailoutbox] == [["ann@example.com"]]
    assert find_outage(custom).message == "UnicodeEncodeError"


def test_the_page_shows_it(desk, leaders, client):
    custom_email(desk.settings, free_port())
    desk.open_ticket()
    client.force_login(leaders[0])
    url = reverse("desk-address", args=[desk.project.path])
    assert "mail waits" not in client.get(url).text
    outbox.deliver_due(now=timezone.now())
    page = client.get(url).text
    assert "1 mail waits: the mail server can" in page
    assert "Connection refused" in page


def test_a_replaced_address_is_forgotten(desk, leaders):
    now = timezone.now() + MINUTE
    custom = custom_email(desk.settings, free_port())
    desk.open_ticket()
    outbox.deliver_due(now=now)
    for minute in (0, 30):
        watch_servers(now=now + minute * MINUTE)
    retire(custom, actor=leaders[0], now=now)
    assert watch_servers(now=now + 31 * MINUTE) == 0
    assert told() == to_each(leaders, FAILS)
    custom.refresh_from_db()
    assert (custom.failing_since, custom.alerted_at) == (None, None)


@pytest.mark.parametrize("stage", ["EHLO", "RCPT", "."])
def test_a_server_that_drips_costs_one_bounded_time(desk, settings, stage):
    settings.EMAIL_EXCHANGE_SECONDS = 0.5
    with running_smtp(script={stage: drip(b"250-x\r\n")}) as server:
        custom = custom_email(desk.settings, server.port, user="")
        desk.open_ticket()
        began = time.monotonic()
        assert outbox.deliver_due(now=timezone.now()) == 0
        assert time.monotonic() - began < 20
    assert server.connections == 1
    assert find_outage(custom).waiting == 1


def test_relaying_that_a_desks_server_refuses_holds_its_mail_only(desk, mailoutbox):
    with running_smtp(script={"RCPT": b"554 5.7.1 Relay access denied"}) as server:
        custom = custom_email(desk.settings, server.port, user="")
        desk.open_ticket()
        enqueue(now=timezone.now())
        assert outbox.deliver_due(now=timezone.now() + MINUTE) == 1
    assert [mail.to for mail in mailoutbox] == [["ann1@example.com"]]
    assert find_outage(custom).message == "RCPT TO: 554 5.7.1 Relay access denied"
    assert outbox.find_failure() is None
