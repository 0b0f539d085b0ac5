"""A customer's mail becomes a ticket, and the conversation goes on in it."""

import pytest

from incoming_email.outcomes import Reason, Status
from issues import services
from issues.models import Issue, Note, State, Visibility
from servicedesk.joining import remove_people
from servicedesk.models import Participant, Ticket
from tests.factories import ProjectFactory, UserFactory
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, as_received, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk():
    return make_desk()


def addresses(issue):
    return list(issue.ticket.participants.order_by("pk").values_list("address", flat=True))


def test_mail_to_the_desk_becomes_a_confidential_ticket(desk):
    row = desk.write(body="My shop\n\n> does not open", subject="Help")
    issue = Issue.objects.get()
    assert (row.status, row.outcome) == (Status.PROCESSED, f"ticket {issue}")
    assert (issue.title, issue.description) == ("Help", "My shop\n\n> does not open")
    assert (issue.author.username, issue.external_author) == ("support-bot", CUSTOMER)
    assert issue.confidential
    assert addresses(issue) == [CUSTOMER]
    assert issue.ticket.waiting_since is not None


@pytest.mark.parametrize(
    ("visibility", "setting", "expected"),
    [
        (Visibility.PRIVATE, False, False),
        (Visibility.PRIVATE, True, True),
        (Visibility.PUBLIC, False, True),
    ],
)
def test_in_a_public_project_a_ticket_is_always_confidential(visibility, setting, expected):
    desk = make_desk(confidential=setting, project=ProjectFactory(visibility=visibility))
    assert desk.open_ticket().confidential is expected


def test_a_desk_that_is_off_takes_nothing_and_answers_nobody_unknown(desk):
    desk.settings.enabled = False
    desk.settings.save()
    row = desk.write()
    assert (row.status, row.reason) == (Status.REJECTED, Reason.DESK_OFF)
    assert sent() == []


def test_the_thank_you_stands_in_the_customers_thread(desk):
    row = desk.write(Message_ID="<first@customer.example>", References="<before@customer.example>")
    (mail,) = sent_to(CUSTOMER)
    message = as_received(mail)
    assert message["Subject"] == f"Your request #{row.issue.iid}"
    assert message["In-Reply-To"] == "<first@customer.example>"
    references = message["References"].split()
    assert references[1:] == ["<before@customer.example>", "<first@customer.example>"]
    assert message["Auto-Submitted"] == "auto-replied"
    assert f"#{row.issue.iid}" in message.get_body(("plain",)).get_content()
    assert mail.envelope_sender.endswith("-bounce@letterbox.localhost")


def test_a_public_comment_reaches_the_customer_and_an_internal_one_does_not(desk):
    issue = desk.open_ticket()
    services.create_note(item=issue, author=desk.agent, body="Try again, please.")
    services.create_note(item=issue, author=desk.agent, body="A fool.", internal=True)
    services.close_item(item=issue, actor=desk.agent)
    _thank_you, note = sent_to(CUSTOMER)
    assert "Try again, please." in note.text
    assert note.from_header.startswith(f'"{desk.agent}" <')


def test_replies_by_key_and_by_each_mail_of_the_thread_are_notes(desk):
    issue = desk.open_ticket(Message_ID="<first@customer.example>")
    services.create_note(item=issue, author=desk.agent, body="Which version?")
    thank_you, note = sent_to(CUSTOMER)
    desk.receive(answer(note, body="Version 3"))
    desk.receive(answer(thank_you, body="By the first mail"))
    desk.write(body="By my own mail", In_Reply_To="<first@customer.example>")
    desk.write(body="By References", References=f"<{note.message_id}>", subject="Other words")
    assert Issue.objects.count() == 1
    bodies = Note.objects.filter(external_author=CUSTOMER).order_by("pk")
    assert list(bodies.values_list("body", flat=True)) == [
        "Version 3",
        "By the first mail",
        "By my own mail",
        "By References",
    ]


def test_a_number_in_the_subject_grants_nothing(desk):
    issue = desk.open_ticket()
    row = desk.write("mallory@evil.example", subject=f"Re: It is broken (#{issue.iid})")
    assert row.outcome == f"ticket {Issue.objects.latest('pk')}"
    assert Note.objects.count() == 0


def test_a_stranger_who_answers_a_mail_of_the_thread_is_held(desk):
    desk.open_ticket(Message_ID="<first@customer.example>")
    row = desk.write("mallory@evil.example", In_Reply_To="<first@customer.example>")
    assert (row.status, row.reason) == (Status.HELD, Reason.STRANGER)
    assert Issue.objects.count() == 1
    assert Note.objects.filter(internal=False).count() == 0


def test_a_stranger_gets_a_ticket_of_their_own_where_the_desk_says_so():
    desk = make_desk(strangers="new_ticket")
    desk.open_ticket(Message_ID="<first@customer.example>")
    row = desk.write("mallory@evil.example", In_Reply_To="<first@customer.example>")
    assert row.outcome == f"ticket {Issue.objects.latest('pk')}"
    assert Issue.objects.count() == 2


def test_a_key_in_the_hands_of_a_stranger_is_held(desk):
    desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    row = desk.receive(answer(thank_you, sender="mallory@evil.example", body="Let me in"))
    assert (row.status, row.reason) == (Status.HELD, Reason.SENDER_MISMATCH)


def test_people_in_cc_take_part_only_where_the_desk_says_so():
    desk = make_desk(add_cc=True)
    issue = desk.open_ticket(
        Cc="ann@customer.example, incoming@letterbox.localhost, bad@", **PROVEN
    )
    assert addresses(issue) == [CUSTOMER, "ann@customer.example"]
    services.create_note(item=issue, author=desk.agent, body="Hello both")
    assert [row.kind for row in sent_to("ann@customer.example")] == [
        "desk_participant",
        "desk_note",
    ]


def test_without_that_setting_nobody_in_cc_is_told(desk):
    issue = desk.open_ticket(Cc="ann@customer.example")
    assert addresses(issue) == [CUSTOMER]
    assert sent_to("ann@customer.example") == []


def test_a_reply_of_one_reaches_the_others_and_not_its_author():
    desk = make_desk(add_cc=True)
    desk.open_ticket(Cc="ann@customer.example", **PROVEN)
    mail = sent_to("ann@customer.example")[0]
    desk.receive(answer(mail, body="I see it too"))
    assert [row.kind for row in sent_to("ann@customer.example")] == ["desk_participant"]
    assert [row.kind for row in sent_to(CUSTOMER)] == ["desk_thank_you", "desk_note"]


def test_a_closed_ticket_stays_closed_where_the_desk_says_so():
    desk = make_desk(reopen=False)
    issue = desk.open_ticket()
    services.close_item(item=issue, actor=desk.agent)
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Thanks"))
    issue.refresh_from_db()
    assert issue.state == State.CLOSED


def test_names_in_a_customers_text_call_nobody(desk):
    ann = UserFactory(username="ann")
    services.add_member(project=desk.project, user=ann, role=30)
    desk.open_ticket(body="@ann @support-bot /close")
    assert sent_to(ann.email) == []
    assert Issue.objects.get().state == State.OPENED


def test_reply_to_counts_only_in_mail_of_a_form():
    desk = make_desk(form_senders="form@shop.example")
    one = desk.open_ticket("form@shop.example", Reply_To="real@customer.example")
    two = desk.open_ticket("other@shop.example", Reply_To="real@customer.example")
    assert (one.external_author, two.external_author) == (
        "real@customer.example",
        "other@shop.example",
    )


def test_unsubscribing_by_mail_and_the_waiting_time(desk):
    issue = desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    services.create_note(item=issue, author=desk.agent, body="One")
    assert len(sent_to(CUSTOMER)) == 2
    assert Ticket.objects.get().waiting_since is None
    address = thank_you.headers["List-Unsubscribe"].partition("mailto:")[2].rstrip(">")
    row = desk.write(to=address)
    assert row.outcome == f"unsubscribe from issue {issue}"
    services.create_note(item=issue, author=desk.agent, body="Two")
    assert len(sent_to(CUSTOMER)) == 2


def delivery_report(to, *, action="failed", status="5.1.1"):
    return (
        f"From: MAILER-DAEMON@mx.example\r\nTo: {to}\r\nSubject: Undelivered\r\n"
        "Return-Path: <>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {CUSTOMER}\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 no such user\r\n--b--\r\n"
    ).encode()


def test_delivery_failures_end_the_mails_to_a_participant(desk, settings):
    settings.DESK_MAX_BOUNCES = 2
    issue = desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    to = thank_you.envelope_sender
    desk.receive(delivery_report(to, action="delayed", status="4.4.1"), recipient=to)
    desk.receive(delivery_report(to).replace(b"Sorry", b"Sorry 1"), recipient=to)
    services.create_note(item=issue, author=desk.agent, body="One")
    assert len(sent_to(CUSTOMER)) == 2
    row = desk.receive(delivery_report(to).replace(b"Sorry", b"Sorry 2"), recipient=to)
    assert row.status == Status.PROCESSED
    services.create_note(item=issue, author=desk.agent, body="Two")
    assert len(sent_to(CUSTOMER)) == 2
    participant = Participant.objects.get()
    assert (participant.bounces, participant.undeliverable_at is not None) == (2, True)
    assert participant.bounce_reason == "5.1.1 smtp; 550 no such user"


def test_a_report_to_any_other_address_does_nothing(desk):
    desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    row = desk.receive(delivery_report(thank_you.headers["Reply-To"].partition("<")[2][:-1]))
    assert (row.status, row.reason) == (Status.IGNORED, Reason.BOUNCE)
    assert Participant.objects.get().bounces == 0


def test_a_comment_costs_the_same_however_many_take_part(desk, django_assert_max_num_queries):
    desk.settings.add_cc = True
    desk.settings.save()
    issue = desk.open_ticket(Cc=", ".join(f"p{n}@customer.example" for n in range(5)))
    services.create_note(item=issue, author=desk.agent, body="One")
    sent()
    services.create_note(item=issue, author=desk.agent, body="Two")
    with django_assert_max_num_queries(31):
        assert len(sent()) > 10


def test_whom_the_team_removed_does_not_come_back_by_a_cc():
    """They may still answer what they have, and bring nobody in by it."""
    desk = make_desk(add_cc=True)
    issue = desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    remove_people(issue=issue, actor=desk.agent, addresses=[CUSTOMER])
    row = desk.receive(
        answer(thank_you, body="Let me in", Cc=f"{CUSTOMER}, friend@customer.example")
    )
    assert (row.handler, row.note.body) == ("ticket_reply", "Let me in")
    assert addresses(issue) == []
    services.create_note(item=issue, author=desk.agent, body="Not for them")
    assert [row.kind for row in sent_to("friend@customer.example")] == []
