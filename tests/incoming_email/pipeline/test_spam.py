"""Mail that the trusted server marks as spam: held in a list of its own, nobody is told of it, and
"not spam" does all that it would have done."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from incoming_email.models import BlockedSender, InboundEmail, Mailbox
from incoming_email.monitoring import figures
from incoming_email.monitoring.alerting import held_digest
from incoming_email.monitoring.health.installation import find_ledger
from incoming_email.monitoring.metrics import write_metrics
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, reviewing
from incoming_email.upkeep import purging
from issues import services
from issues.models import Issue, OutgoingEmail, Role
from servicedesk.spam import mark_as_spam
from servicedesk.templatetags import tickets
from tests.factories import MembershipFactory
from tests.incoming_email.world import make_mail, make_world
from tests.servicedesk.world import CUSTOMER, answer, as_received, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
FLAG = {"X_Spam_Flag": "YES"}


@pytest.fixture
def desk():
    desk = make_desk()
    Mailbox.objects.update(spam_policy="hold")
    desk.mailbox.refresh_from_db()
    return desk


@pytest.fixture
def spam(desk):
    row = desk.write(**FLAG)
    assert (row.status, row.reason, row.held_rule) == (Status.HELD, Reason.SPAM, "spam")
    return row


def ended(row):
    row.refresh_from_db()
    return row.status, row.reason


def test_it_is_held_and_nobody_is_told(desk, spam):
    assert not Issue.objects.exists()
    assert not OutgoingEmail.objects.exists()
    assert spam.project == desk.project
    steps = {step["step"]: step for step in spam.trace}
    assert steps["spam"] == {"step": "spam", "result": "marked", "because": "X-Spam-Flag: yes"}
    assert steps["notice"]["result"] == "not sent: the message is spam"


def test_nothing_is_held_while_the_policy_is_off():
    assert make_desk().write(**FLAG).status == Status.PROCESSED


def test_what_counts_not_is_traced(desk):
    row = desk.write(Received="by mx.letterbox.localhost; x\r\nReceived: by b.example; x", **FLAG)
    assert row.status == Status.PROCESSED
    (step,) = (step for step in row.trace if step["step"] == "spam")
    assert step["result"] == "not marked"


def test_not_spam_does_all_that_it_would_have_done(desk, spam):
    watcher = MembershipFactory(project=desk.project, role=Role.MAINTAINER).user
    assert reviewing.release([spam.pk], now=timezone.now()) == [spam.pk]
    processing.process(spam.pk)
    assert ended(spam) == (Status.PROCESSED, "")
    assert spam.outcome == f"ticket {spam.issue}"
    assert [mail.kind for mail in sent_to(CUSTOMER)] == ["desk_thank_you"]
    assert watcher
    processing.process(spam.pk)
    assert reviewing.release([spam.pk], now=timezone.now()) == []
    assert Issue.objects.count() == 1


@pytest.fixture
def marked(desk, spam):
    """Another ticket of its sender, by which a maintainer blocks them."""
    issue = desk.open_ticket(subject="Buy now")
    maintainer = MembershipFactory(project=desk.project, role=Role.MAINTAINER).user
    assert mark_as_spam(issue=issue, actor=maintainer, now=timezone.now())
    return issue


def release(row):
    reviewing.release([row.pk], now=timezone.now())
    processing.process(row.pk)
    return ended(row)


def test_not_spam_counts_for_this_message_while_another_ticket_of_its_sender_is_spam(
    desk, spam, marked
):
    assert release(spam) == (Status.PROCESSED, "")
    step = next(step for step in spam.trace if step["step"] == "blocked senders")
    assert step["result"] == "blocked by a ticket that is spam, which this message is not"
    assert desk.write(subject="More").reason == Reason.BLOCKED_SENDER


def test_not_spam_takes_the_block_back_where_nothing_else_of_the_sender_is_spam(desk, spam, marked):
    marked.delete()
    assert release(spam) == (Status.PROCESSED, "")
    assert not BlockedSender.objects.exists()
    assert desk.write(subject="More").status == Status.PROCESSED


def test_not_spam_of_an_answer_brings_its_ticket_back_and_unblocks_its_sender(desk):
    issue = desk.open_ticket()
    row = desk.receive(answer(sent_to(CUSTOMER)[-1], body="Hello?", **FLAG))
    assert ended(row) == (Status.HELD, Reason.SPAM)
    maintainer = MembershipFactory(project=desk.project, role=Role.MAINTAINER).user
    mark_as_spam(issue=issue, actor=maintainer, now=timezone.now())
    assert release(row) == (Status.PROCESSED, "")
    issue.refresh_from_db()
    assert issue.spam_at is None
    assert not BlockedSender.objects.exists()


@pytest.mark.parametrize("pattern", [CUSTOMER, "*@customer.example"])
def test_the_block_of_a_person_stays(desk, spam, marked, pattern):
    BlockedSender.objects.filter(pattern=pattern).delete()
    BlockedSender.objects.create(pattern=pattern, project=desk.project)
    assert release(spam) == (Status.IGNORED, Reason.BLOCKED_SENDER)


def test_a_members_secret_key_is_never_spam():
    world = make_world(spam_policy="hold")
    for to in (world.reply_address(), world.issue_address()):
        mail = make_mail(to=to, sender=world.member.email, **FLAG)
        assert world.receive(mail).status == Status.PROCESSED


def test_a_rejection_of_spam_is_not_told(desk):
    member = MembershipFactory(project=desk.project).user
    row = desk.write(sender=member.email, to="incoming+nothing@letterbox.localhost", **FLAG)
    assert (row.status, row.reason) == (Status.REJECTED, Reason.UNKNOWN_ADDRESS)
    assert not OutgoingEmail.objects.exists()


def test_spam_for_the_postmaster_waits_among_the_spam(desk):
    content = make_mail(to="postmaster@letterbox.localhost", sender=CUSTOMER, **FLAG)
    row = desk.receive(content, recipient="postmaster@letterbox.localhost")
    assert (row.status, row.reason) == (Status.HELD, Reason.SPAM)


def test_what_answers_an_internal_note_is_held_as_that_first(desk):
    """Its subject may be another team's, and the list of spam shows subjects."""
    other = MembershipFactory(role=Role.DEVELOPER)
    issue = services.create_issue(project=other.project, author=other.user, title="Layoffs")
    member = MembershipFactory(project=other.project, role=Role.REPORTER).user
    services.subscribe(user=member, item=issue)
    services.create_note(item=issue, author=other.user, body="All of them", internal=True)
    told = as_received(sent_to(member.email)[-1])
    ids = f"{told['References']} {told['Message-ID']}"
    row = desk.write(sender="dan@example.com", subject="Fwd: Layoffs", References=ids, **FLAG)
    assert (row.status, row.reason) == (Status.HELD, Reason.INTERNAL_ANSWER)
    reviewing.release([row.pk], now=timezone.now())
    processing.process(row.pk)
    assert ended(row) == (Status.HELD, Reason.SPAM)
    assert row.trace[-1]["result"] == "not sent: the message is spam"


def test_what_answers_mail_of_others_is_held_as_spam(desk):
    row = desk.write(In_Reply_To="<x@other.example>", **FLAG)
    assert (row.status, row.reason) == (Status.HELD, Reason.SPAM)


def test_spam_counts_for_no_limit(desk, spam):
    assert spam.counted_at is None


def test_it_is_not_counted_with_what_waits_for_a_person(desk, spam, settings):
    settings.HELD_DIGEST_HOUR = 0
    MembershipFactory(project=desk.project, role=Role.MAINTAINER)
    assert held_digest.write_digests(now=timezone.now()) == 0
    stages = {stage.name: stage.waiting for stage in figures.find_stages()}
    assert stages["review"] == 0
    assert figures.count_current().held_spam == 1
    assert b"letterbox_held_spam 1.0" in write_metrics(now=timezone.now())
    found = {each.step: each.answer.value for each in find_ledger(now=timezone.now())}
    assert found["held rows"] == "yes"


@pytest.mark.parametrize(("days", "age", "status"), [(30, 31, "ignored"), (30, 29, "held")])
def test_it_is_discarded_in_the_end(spam, settings, days, age, status):
    settings.KEEP_SPAM_DAYS = days
    now = timezone.now() + timedelta(days=age)
    assert purging.discard_spam(now=now) == int(status == "ignored")
    assert ended(spam)[0] == status
    assert purging.discard_spam(now=now) == 0


def test_it_is_kept_for_ever_where_the_setting_says_so(spam, settings):
    settings.KEEP_SPAM_DAYS = 0
    assert purging.discard_spam(now=timezone.now() + timedelta(days=9999)) == 0


def test_held_mail_that_is_no_spam_is_never_discarded(desk, settings):
    desk.settings.strangers = "hold"
    desk.settings.save()
    row = desk.write(sender="")
    assert row.status == Status.HELD
    assert purging.discard_spam(now=timezone.now() + timedelta(days=9999)) == 0


def test_the_pages_of_maintainers(desk, spam, client):
    user = MembershipFactory(project=desk.project, role=Role.MAINTAINER).user
    client.force_login(user)
    path = desk.project.path
    assert CUSTOMER not in client.get(reverse("held-mail", args=[path])).text
    listed = client.get(reverse("held-spam", args=[path])).text
    assert CUSTOMER in listed
    assert "Not spam" in listed
    one = reverse("held-message", args=[path, spam.pk])
    assert "Not spam" in client.get(one).text
    assert reverse("held-spam", args=[path]) in client.get(reverse("issue-list", args=[path])).text
    answer = client.post(reverse("held-spam", args=[path]), {"release": "1", "row": spam.pk})
    assert answer.url == reverse("held-spam", args=[path])
    assert ended(spam)[0] == Status.PROCESSED


def test_the_page_counts_and_names_messages_and_tickets(desk, spam, marked, client, monkeypatch):
    client.force_login(MembershipFactory(project=desk.project, role=Role.MAINTAINER).user)
    for name in ("held-mail", "held-spam"):
        page = client.get(reverse(name, args=[desk.project.path])).text
        assert 'Spam <span class="count">2</span>' in page
    assert "messages to tickets that are marked as spam" in page
    assert "After 30 days messages are discarded and tickets are deleted." in page
    assert "of them are shown" not in page
    reviewing.discard([spam.pk], now=timezone.now())
    desk.open_ticket(sender="eve@x.example")
    Issue.objects.filter(spam_at=None).update(spam_at=timezone.now())
    monkeypatch.setattr(tickets, "MOST_SPAM", 1)
    page = client.get(reverse("held-spam", args=[desk.project.path])).text
    assert "The newest 1 of them are shown." in page
    assert "No message is held as spam." in page


def test_the_list_of_held_mail_releases_no_spam(desk, spam, client):
    client.force_login(MembershipFactory(project=desk.project, role=Role.MAINTAINER).user)
    client.post(reverse("held-mail", args=[desk.project.path]), {"release": "1", "row": spam.pk})
    assert ended(spam)[0] == Status.HELD


@pytest.mark.parametrize("role", [Role.DEVELOPER, None])
def test_nobody_else_sees_spam(desk, spam, client, role):
    if role:
        client.force_login(MembershipFactory(project=desk.project, role=role).user)
    answer = client.get(reverse("held-spam", args=[desk.project.path]))
    assert answer.status_code in {302, 404}


def test_the_console(spam, client):
    client.force_login(get_user_model().objects.create_superuser("root", "r@example.com"))
    assert "1 message is held as spam" in client.get(reverse("admin:index")).text
    page = client.get(reverse("admin:incoming_email_inboundemail_change", args=[spam.pk])).text
    assert "Not spam" in page
    assert ">Release<" not in page
    url = reverse("admin:incoming_email_inboundemail_press", args=[spam.pk, "not-spam"])
    client.post(url)
    assert ended(spam)[0] == Status.PROCESSED


def test_the_policy_costs_no_query():
    def count(policy):
        Mailbox.objects.all().update(spam_policy=policy)
        world.mailbox.refresh_from_db()
        mail = make_mail(to=world.reply_address(), sender=world.member.email, body=policy, **FLAG)
        with CaptureQueriesContext(connection) as queries:
            assert world.receive(mail).status == Status.PROCESSED
        return len(queries)

    world = make_world()
    count("off")
    assert count("off") == count("hold")
    assert InboundEmail.objects.count() == 3
