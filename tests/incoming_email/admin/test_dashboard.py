"""The dashboard: what it counts, what it costs, and who may see it."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incoming_email.admin import dashboard
from incoming_email.models import InboundEmail
from incoming_email.monitoring.health import signs
from incoming_email.outcomes import Status
from issues.models import OutgoingEmail, OutgoingState
from tests.factories import ProjectFactory, UserFactory
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.beating import record_all_workers
from tests.incoming_email.factories import MailboxFactory

pytestmark = pytest.mark.django_db
URL = "/admin/dashboard/"


def test_every_status_and_every_process_has_its_place():
    assert set(dashboard.STACKED) == set(Status)
    assert set(dashboard.PROCESSES) == set(signs.PROCESSES.values())
    style = (settings.BASE_DIR / "templates/static/admin/letterbox.css").read_text()
    assert [s for s in Status if f":is(.chart, .swatch) .status-{s} " not in style] == []


def test_a_database_that_does_not_answer_in_time_is_said(admin_client, monkeypatch):
    def wait(*_args, **_more):
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(dashboard, "_describe", wait)
    page = admin_client.get(URL)
    assert page.status_code == 503
    assert "did not answer in time" in page.text


def answers(recipient, count, mailbox, **fields):
    now = timezone.now()
    OutgoingEmail.objects.bulk_create(
        OutgoingEmail(
            kind="rejection",
            effect_key=f"{recipient}-{n}",
            message_id=f"{recipient}-{n}",
            recipient=recipient,
            budget=f"mailbox {mailbox.pk}",
            created_at=now,
            next_attempt_at=now,
            **fields,
        )
        for n in range(count)
    )


def a_day(mailbox):
    """Rows of each kind that came in during the last hour."""
    now = timezone.now()
    for status in Status.values:
        ended(status, mailbox=mailbox, received_at=now - timedelta(minutes=1))


def test_it_shows_what_came_in_and_how_it_ended(operator):
    mailbox = MailboxFactory(name="Support", last_success_at=timezone.now())
    received_at = timezone.now() - timedelta(minutes=1)
    for took in (2, 2, 90):
        row = ended(Status.PROCESSED, mailbox=mailbox, received_at=received_at)
        finished_at = received_at + timedelta(seconds=took)
        InboundEmail.objects.filter(pk=row.pk).update(finished_at=finished_at)
    page = operator.get(URL)
    assert page.status_code == 200
    tiles = {tile.label: (tile.value, tile.note) for tile in page.context["tiles"]}
    assert tiles["Received"] == ("3", "")
    assert tiles["Median time"] == ("2 s", "95 of 100 within: 1 min")
    assert 'class="status-processed"' in page.text
    assert "<desc" in page.text
    (line,) = page.context["mailboxes"]
    assert (line.state, line.received) == ("works", 3)


def test_it_alarms_of_what_wants_a_person(operator):
    mailbox = MailboxFactory(failing_since=timezone.now(), last_error="no route to host")
    ended(Status.PENDING, mailbox=mailbox, received_at=timezone.now() - timedelta(hours=3))
    ended(Status.FAILED, mailbox=mailbox)
    ended(Status.HELD, mailbox=mailbox)
    answers("ada@example.com", 1, mailbox, state=OutgoingState.FAILED)
    page = operator.get(URL)
    alarming = {tile.label for tile in page.context["tiles"] if tile.alarm}
    assert alarming == {
        "Held for a person",
        "Failed",
        "Outgoing mail that waits",
        "Oldest that waits",
    }
    assert "no route to host" in page.text
    assert {tile.label for tile in page.context["processes"] if tile.alarm} == {
        *("worker: incoming", "worker: fetching", "worker: outgoing", "worker: upkeep"),
        *("beat", "watcher"),
    }
    assert "celery -A config worker -Q outgoing" in page.text


def test_a_mailbox_that_nobody_reads_is_shown(operator):
    MailboxFactory(last_success_at=timezone.now() - timedelta(hours=1), enabled_at=None)
    (line,) = operator.get(URL).context["mailboxes"]
    assert (line.state, line.state_class) == ("read by nobody", "answer-no")


def test_a_disk_that_is_nearly_full_is_said(operator, settings):
    assert "a disk is nearly full" not in operator.get(URL).text
    settings.CHECK_DISK_MIN_BYTES = 10**18
    page = operator.get(URL).text
    assert "No mail is taken in, because a disk is nearly full:" in page
    assert "and 1000000000000 MB are needed" in page


def test_processes_that_live_do_not_alarm(operator):
    record_all_workers(now=timezone.now())
    page = operator.get(URL)
    assert not any(tile.alarm for tile in page.context["processes"])


def test_the_budget_names_who_got_most_answers(operator, settings):
    settings.NOTICE_DOMAIN_LIMIT_PER_DAY = 0
    mailbox = MailboxFactory(name="Support")
    answers("ada@example.com", 3, mailbox)
    answers("bob@example.com", 1, mailbox)
    page = operator.get(URL)
    tables = {table.label: table.lines for table in page.context["budget"]}
    assert [(line.name, line.count) for line in tables["Sender"]] == [
        ("ada@example.com", 3),
        ("bob@example.com", 1),
    ]
    assert [(line.name, line.count, line.limit) for line in tables["Domain"]] == [
        ("example.com", 4, 0)
    ]
    assert [(line.name, line.count) for line in tables["Mailbox"]] == [("Support", 4)]


def test_the_budget_of_an_hour_counts_the_mails_of_desks_and_names_projects(operator, settings):
    settings.ANSWER_PROJECT_LIMIT_PER_HOUR = 7
    mailbox, project = MailboxFactory(name="Support"), ProjectFactory(path="acme/shop")
    fields = {"project": project, "answered_mailbox": mailbox.pk}
    answers("ada+1@gmail.com", 2, mailbox, **fields)
    answers("a.da@gmail.com", 1, mailbox, **fields)
    OutgoingEmail.objects.update(kind="desk_thank_you", budget=f"desk {project.pk}")
    page = operator.get(URL)
    tables = {table.label: table.lines for table in page.context["hour_budget"]}
    named = {label: [(line.name, line.count) for line in lines] for label, lines in tables.items()}
    assert named == {
        "Sender": [("ada@gmail.com", 3)],
        "Domain": [("gmail.com", 3)],
        "Mailbox": [("Support", 3)],
        "Project": [("acme/shop", 3)],
    }
    assert tables["Project"][0].limit == 7
    assert not any(table.lines[0].count for table in page.context["budget"] if table.lines)


@pytest.mark.parametrize("period", ["day", "week", "month", "nonsense"])
def test_every_period_has_its_table_beside_the_chart(operator, period):
    a_day(MailboxFactory())
    page = operator.get(URL, {"period": period})
    last = page.context["rows"][-1]
    before = page.context["rows"][-2]
    assert last[1] + before[1] == 6, "received; the hour may just have begun"
    assert len(page.context["rows"]) == page.context["period"].count


def test_the_number_of_queries_does_not_grow(operator):
    a_day(MailboxFactory())
    with CaptureQueriesContext(connection) as few:
        operator.get(URL, {"period": "month"})
    for _ in range(5):
        mailbox = MailboxFactory()
        a_day(mailbox)
        answers(f"{mailbox.pk}@example.com", 3, mailbox)
    with CaptureQueriesContext(connection) as many:
        operator.get(URL, {"period": "month"})
    assert len(many) == len(few)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="asks SQLite how it would look")
def test_counts_over_time_read_an_index_only(operator):
    """Not the rows, where the raw message stands before the columns that are counted."""
    with CaptureQueriesContext(connection) as queries:
        operator.get(URL)
    counts = [
        query["sql"]
        for query in queries
        if "inboundemail" in query["sql"] and "COUNT(*)" in query["sql"]
    ]
    assert len(counts) >= 3
    for sql in counts:
        with connection.cursor() as cursor:
            plan = cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
        assert "COVERING INDEX" in str(plan), sql


def test_it_has_a_strict_policy_and_nothing_inline(operator):
    a_day(MailboxFactory())
    page = operator.get(URL)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in page.text
    assert "<style" not in page.text
    assert "<script>" not in page.text


def test_who_may_not_see_the_ledger_does_not_see_it(client):
    client.force_login(UserFactory(is_staff=True))
    assert client.get(URL).status_code == 403
    assert "/admin/dashboard/" not in client.get("/admin/").text
    client.force_login(UserFactory())
    assert client.get(URL).status_code == 302


def test_the_admin_links_to_it(operator):
    assert "/admin/dashboard/" in operator.get("/admin/").text
    assert operator.post(URL).status_code == 405
