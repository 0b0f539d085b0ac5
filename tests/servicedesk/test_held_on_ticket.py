"""Held mail on the page of its ticket: who sees it and hears of it, and what the buttons do."""

import signal
from functools import partial
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from incoming_email.models import InboundEmail, SenderPolicy
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing
from incoming_email.pipeline import reviewing as ledger
from issues import services
from issues.models import Note, OutgoingEmail, Role, State
from servicedesk import reviewing
from servicedesk.models import Ticket
from tests import steps
from tests.factories import MembershipFactory
from tests.incoming_email.pipeline.test_races import at_once
from tests.servicedesk.world import CUSTOMER, answer, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = "<first@customer.example>"
HOME = "carl@home.example"
SCRIPT = Path(__file__).with_name("held_steps.py")


@pytest.fixture
def desk():
    return make_desk()


@pytest.fixture
def issue(desk):
    return desk.open_ticket(Message_ID=FIRST)


@pytest.fixture
def reporter(desk, client):
    user = MembershipFactory(project=desk.project, role=Role.REPORTER).user
    client.force_login(user)
    return user


def hold(desk, way, *, sender=HOME, body="<b>From</b> home"):
    """A customer's answer from another address of his, by the desk's address or by his key."""
    if way == "desk":
        row = desk.write(sender, In_Reply_To=FIRST, subject="Re: broken", body=body)
    else:
        row = desk.receive(answer(sent_to(CUSTOMER)[0], body=body, sender=sender))
    reason = Reason.STRANGER if way == "desk" else Reason.SENDER_MISMATCH
    assert (row.status, row.reason) == (Status.HELD, reason)
    return row


WAYS = pytest.mark.parametrize("way", ["desk", "key"])


def url_of(issue, row, name="ticket-held"):
    return reverse(name, args=[issue.project.path, issue.iid, row.pk])


def page_of(client, issue):
    return client.get(reverse("issue-detail", args=[issue.project.path, issue.iid]))


def press(client, issue, row, button):
    return client.post(url_of(issue, row), {button: "1"}, follow=True)


def ended(row):
    row.refresh_from_db()
    return row.status, row.reason


def comments(issue):
    notes = issue.notes.filter(system=False, internal=False).order_by("pk")
    return list(notes.values_list("external_author", "body"))


def people(issue):
    return list(issue.ticket.participants.order_by("pk").values_list("address", flat=True))


@WAYS
def test_it_shows_on_the_ticket_and_can_be_looked_at(desk, issue, reporter, client, way):
    row = hold(desk, way)
    assert row.issue == issue
    page = page_of(client, issue)
    assert HOME in page.text
    assert url_of(issue, row) in page.text
    shown = client.get(url_of(issue, row)).text
    assert "home" in shown
    assert "<b>From</b>" not in shown
    assert "Accept and add the address" in shown
    html = client.get(url_of(issue, row, "ticket-held-html"))
    assert "sandbox" in html["Content-Security-Policy"]


@WAYS
def test_the_team_hears_of_it_as_of_a_note(desk, issue, way):
    services.subscribe(user=desk.agent, item=issue)
    before = len(sent_to(desk.agent.email))
    hold(desk, way)
    (mail,) = sent_to(desk.agent.email)[before:]
    assert f"A mail from `{HOME}` on this ticket waits for review" in mail.text
    assert "From home" not in mail.text
    assert not [m for m in sent() if m.recipient in {CUSTOMER, HOME} and "review" in m.text]


def test_of_a_flood_the_team_hears_a_few_times(desk, issue, reporter, client):
    rows = [hold(desk, "desk", sender=f"p{n}@home.example") for n in range(7)]
    assert Note.objects.filter(internal=True).count() == 5
    assert page_of(client, issue).text.count("home.example · ") == 7
    for row in rows[:3]:
        press(client, issue, row, "discard")
    hold(desk, "desk", body="Once more")
    assert Note.objects.filter(internal=True).count() == 6


def test_the_team_hears_once_of_what_is_held_for_a_second_reason(desk, issue):
    desk.mailbox.reply_sender_policy = SenderPolicy.REQUIRE
    desk.mailbox.save()
    row = hold(desk, "key")
    ledger.release([row.pk], now=timezone.now())
    processing.process(row.pk)
    assert ended(row) == (Status.HELD, Reason.NOT_AUTHENTICATED)
    assert Note.objects.filter(internal=True).count() == 1


@WAYS
def test_accepted_it_is_a_comment_of_its_sender(desk, issue, reporter, client, way):
    row = hold(desk, way)
    text = press(client, issue, row, "accept").text
    assert "The mail is accepted as a comment of its sender." in text
    assert ended(row) == (Status.PROCESSED, "")
    assert comments(issue) == [(HOME, "<b>From</b> home")]
    assert people(issue) == [CUSTOMER]
    assert Ticket.objects.waiting().get() == issue.ticket
    assert LogEntry.objects.get().user == reporter
    assert "Mail that waits for review" not in page_of(client, issue).text


@WAYS
def test_accepted_with_its_address_they_get_what_is_written(desk, issue, reporter, client, way):
    row = hold(desk, way)
    services.close_item(item=issue, actor=desk.agent)
    press(client, issue, row, "join")
    assert comments(issue) == [(HOME, "<b>From</b> home")]
    assert people(issue) == [CUSTOMER, HOME]
    issue.refresh_from_db()
    assert issue.state == State.OPENED
    assert [mail.kind for mail in sent_to(HOME)] == ["desk_participant"]
    services.create_note(item=issue, author=desk.agent, body="I see.")
    assert [mail.kind for mail in sent_to(HOME)] == ["desk_participant", "desk_note"]


def test_past_the_limit_of_participants_nothing_is_changed(desk, issue, reporter, client, settings):
    settings.DESK_MAX_PARTICIPANTS = 1
    row = hold(desk, "desk")
    assert "takes at most 1 external participants" in press(client, issue, row, "join").text
    assert ended(row) == (Status.HELD, Reason.STRANGER)
    assert people(issue) == [CUSTOMER]
    assert not LogEntry.objects.exists()
    press(client, issue, row, "accept")
    assert comments(issue) == [(HOME, "<b>From</b> home")]


@WAYS
def test_discarded_it_does_nothing(desk, issue, reporter, client, way):
    row = hold(desk, way)
    before = OutgoingEmail.objects.count()
    assert "The mail is discarded." in press(client, issue, row, "discard").text
    assert ended(row) == (Status.IGNORED, Reason.DISCARDED)
    assert comments(issue) == []
    assert OutgoingEmail.objects.count() == before
    assert LogEntry.objects.get().user == reporter


def test_what_is_decided_already_is_said(desk, issue, reporter, client):
    row = hold(desk, "desk")
    press(client, issue, row, "accept")
    for button in ("join", "discard"):
        assert "Nothing was changed" in press(client, issue, row, button).text
    assert "Nothing was changed" in client.get(url_of(issue, row), follow=True).text
    assert comments(issue) == [(HOME, "<b>From</b> home")]
    assert people(issue) == [CUSTOMER]


@pytest.mark.parametrize("joins", [False, True])
def test_of_two_who_accept_at_once_one_does(desk, issue, reporter, joins):
    row = hold(desk, "desk")
    done = []

    def accept(actor):
        found = reviewing.accept(
            issue=issue, actor=actor, message=row.pk, joins=joins, now=timezone.now()
        )
        done.extend(found)

    at_once(partial(accept, desk.agent), partial(accept, reporter))
    assert done == [row.pk]
    assert comments(issue) == [(HOME, "<b>From</b> home")]
    assert people(issue) == [CUSTOMER, HOME][: 1 + joins]
    assert LogEntry.objects.count() == 1


def test_a_copy_that_is_accepted_too_is_no_second_comment(desk, issue, reporter, client):
    """To the key and to the desk: two messages, one text."""
    thanks = sent_to(CUSTOMER)[0]
    content = answer(thanks, body="Twice", sender=HOME, Cc=desk.address)
    by_key = thanks.headers["Reply-To"].partition("<")[2].rstrip(">")
    rows = [desk.receive(content, by_key), desk.receive(content, desk.address)]
    assert {row.status for row in rows} == {Status.HELD}
    assert Note.objects.filter(internal=True).count() == 1
    for row in rows:
        press(client, issue, row, "accept")
    assert comments(issue) == [(HOME, "Twice")]


def test_on_a_locked_ticket_nothing_is_accepted_and_nothing_lost(desk, issue, reporter, client):
    row = hold(desk, "desk")
    services.set_locked(item=issue, actor=desk.agent, locked=True)
    assert "Unlock it" in press(client, issue, row, "accept").text
    assert ended(row) == (Status.HELD, Reason.STRANGER)


def test_a_mail_that_a_forward_is_becomes_a_comment_once_accepted(desk, issue, reporter, client):
    """Its sender participates then, whose forwards are tickets of their own otherwise."""
    body = (
        "See below.\n\n---------- Forwarded message ---------\nFrom: Ann <ann@x.example>\n"
        "Date: Mon, 3 May 2024 at 10:00\nSubject: x\nTo: <carl@home.example>\n\nMine too."
    )
    row = desk.write(HOME, In_Reply_To=FIRST, subject="Fwd: x", body=body)
    assert ended(row) == (Status.HELD, Reason.STRANGER)
    press(client, issue, row, "join")
    assert [author for author, _body in comments(issue)] == [HOME]


def test_what_a_members_key_was_used_for_is_for_maintainers(desk, issue, reporter, client):
    """Released, it would be a comment in the member's name, with their commands."""
    services.subscribe(user=desk.agent, item=issue)
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Hello?"))
    told = sent_to(desk.agent.email)[-1]
    row = desk.receive(answer(told, body="/close", sender="eve@evil.example"))
    assert (row.status, row.reason, row.issue) == (Status.HELD, Reason.SENDER_MISMATCH, None)
    assert "Mail that waits for review" not in page_of(client, issue).text
    press(client, issue, row, "accept")
    assert ended(row) == (Status.HELD, Reason.SENDER_MISMATCH)


@pytest.mark.parametrize("reason", [Reason.SPAM, Reason.INTERNAL_ANSWER])
def test_spam_and_what_is_about_something_else_is_for_maintainers(
    desk, issue, reporter, client, reason
):
    row = hold(desk, "desk")
    InboundEmail.objects.filter(pk=row.pk).update(reason=reason)
    assert "Mail that waits for review" not in page_of(client, issue).text
    press(client, issue, row, "accept")
    assert ended(row) == (Status.HELD, reason)


@pytest.mark.parametrize("who", [Role.GUEST, "assigned", "other project", "nobody"])
@pytest.mark.parametrize("name", ["ticket-held", "ticket-held-html"])
def test_nobody_else_sees_or_does_anything(desk, issue, client, who, name):
    row = hold(desk, "desk")
    if who != "nobody":
        role = who if isinstance(who, Role) else Role.GUEST
        project = {} if who == "other project" else {"project": desk.project}
        user = MembershipFactory(role=role, **project).user
        client.force_login(user)
        if who == "assigned":
            services.assign(item=issue, actor=desk.agent, users=[user])
            assert "Mail that waits for review" not in page_of(client, issue).text
    for response in (
        client.get(url_of(issue, row, name)),
        client.post(url_of(issue, row, name), {"accept": "1"}),
    ):
        assert response.status_code in {302, 404, 405}
        assert HOME not in response.text
    assert ended(row) == (Status.HELD, Reason.STRANGER)


def test_mail_of_another_ticket_is_not_found(desk, issue, reporter, client):
    row = hold(desk, "desk")
    other = desk.open_ticket(subject="Another one")
    press(client, other, row, "accept")
    assert ended(row) == (Status.HELD, Reason.STRANGER)
    assert client.get(url_of(other, row, "ticket-held-html")).status_code == 404


def test_without_a_parser_nothing_is_decided(desk, issue, reporter, client, request):
    row = hold(desk, "desk")
    request.getfixturevalue("without_parser")
    for method in (client.get, client.post):
        assert method(url_of(issue, row), {"accept": "1"}).status_code == 503
    assert ended(row) == (Status.HELD, Reason.STRANGER)


def test_more_of_it_costs_no_more_queries(
    desk, issue, reporter, client, django_assert_max_num_queries
):
    def count_for(number):
        for n in range(number):
            hold(desk, "desk", body=str(n))
        with django_assert_max_num_queries(80) as queries:
            page_of(client, issue)
        return len(queries)

    page_of(client, issue)
    assert count_for(1) == count_for(3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "left"),
    [
        ("die_before_the_commit", "held stranger|carl@customer.example"),
        ("die_after_the_commit", "pending |carl@customer.example|carl@home.example"),
        ("die_at_the_comment", "pending |carl@customer.example|carl@home.example"),
    ],
)
def test_killed_in_between_it_is_done_once(tmp_path, step, left):
    (tmp_path / "prepared").mkdir()
    prepared = steps.prepare(SCRIPT, tmp_path / "prepared")
    run = steps.on_copy(SCRIPT, prepared, tmp_path)
    run(step, returncode=-signal.SIGKILL)
    assert run("show") == left
    after = "processed |carl@customer.example|carl@home.example|From home"
    assert run("accept", "process_later", "process_later", "show") == after
