"""Automatic mail and loops: what a desk answers by itself, and when it falls silent."""

import pytest

from incoming_email.limits.answer_budget import ANSWERING_KINDS, find_over_limit
from incoming_email.models import InboxMethod, Mailbox
from incoming_email.outcomes import Reason, Status
from issues import services
from issues.models import Issue, Note, OutgoingEmail, State
from issues.outbox.messages import build_message
from servicedesk.models import Participant
from tests.issues.outgoing import NOW, enqueue
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, as_received, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
OUT_OF_OFFICE = {
    "Auto_Submitted": "auto-replied",
    "X_Auto_Response_Suppress": "All",
    "subject": "Out of office",
}


@pytest.fixture
def desk():
    return make_desk()


def test_an_absence_notice_to_the_thank_you_does_nothing(desk):  # L03
    desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    row = desk.write(In_Reply_To=f"<{thank_you.message_id}>", **OUT_OF_OFFICE)
    assert (row.status, row.reason) == (Status.IGNORED, Reason.AUTOMATIC)
    assert (Issue.objects.count(), Note.objects.count(), len(sent())) == (1, 0, 1)


def test_absence_notices_never_open_a_closed_ticket_again(desk):  # L14, L19
    issue = desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    services.close_item(item=issue, actor=desk.agent)
    for _ in range(5):
        row = desk.write(In_Reply_To=f"<{thank_you.message_id}>", **OUT_OF_OFFICE)
        assert (row.status, row.reason) == (Status.IGNORED, Reason.AUTOMATIC)
    issue.refresh_from_db()
    assert issue.state == State.CLOSED
    assert sent_to(CUSTOMER) == [thank_you]


@pytest.mark.parametrize(
    "signs",
    [
        {"Precedence": "list", "List_Id": "<team.example.com>"},  # L11
        {"Precedence": "Bulk"},  # L09
        {"Return_Path": "<>"},  # L16
    ],
    ids=["list", "bulk", "null reverse-path"],
)
def test_what_must_not_be_answered_makes_a_ticket_without_a_thank_you(desk, signs):
    issue = desk.open_ticket(body="A person wrote this", **signs)
    assert issue.description.strip() == "A person wrote this"
    assert sent() == []
    services.create_note(item=issue, author=desk.agent, body="A person answers")
    assert [row.kind for row in sent_to(CUSTOMER)] == ["desk_note"]


def test_a_reply_with_a_null_reverse_path_opens_the_ticket_again(desk):  # L16
    issue = desk.open_ticket(Message_ID="<first@customer.example>")
    services.close_item(item=issue, actor=desk.agent)
    desk.write(In_Reply_To="<first@customer.example>", Return_Path="<>", body="Still broken")
    issue.refresh_from_db()
    assert issue.state == State.OPENED


def test_auto_submitted_no_is_a_persons_mail(desk):  # L08
    desk.open_ticket(Auto_Submitted="no")
    assert len(sent_to(CUSTOMER)) == 1


def test_a_list_is_not_made_a_participant():
    desk = make_desk(add_cc=True)
    issue = desk.open_ticket(Cc="team@lists.example", List_Id="<team.lists.example>")
    assert [p.address for p in issue.ticket.participants.all()] == [CUSTOMER]


def test_mails_of_the_desk_say_that_they_are_automatic(desk):  # L07
    issue = desk.open_ticket()
    services.create_note(item=issue, author=desk.agent, body="Hello")
    signs = [
        (m["Auto-Submitted"], m["X-Auto-Response-Suppress"], "Precedence" in m, "List-Id" in m)
        for m in map(as_received, sent_to(CUSTOMER))
    ]
    assert signs == [
        ("auto-replied", "All", False, False),
        ("auto-generated", "All", False, False),
    ]


def test_a_mail_of_ours_that_comes_back_is_dropped(desk):  # L06
    desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    content = build_message(thank_you).message().as_bytes()
    row = desk.receive(content, recipient=desk.address)
    assert (row.status, row.reason) == (Status.IGNORED, Reason.OWN_MAIL)


@pytest.mark.parametrize("marked", [True, False])
def test_an_address_of_ours_is_never_a_requester(desk, settings, marked):  # L05, S10
    Mailbox.objects.create(
        name="second",
        enabled=True,
        address="support+%{key}@letterbox.localhost",
        inbox_method=InboxMethod.SMTP,
    )
    settings.DEFAULT_FROM_EMAIL = "Letterbox <letterbox@letterbox.localhost>"
    senders = [
        *("incoming@letterbox.localhost", desk.address, "support+x@letterbox.localhost"),
        "letterbox@letterbox.localhost",
    ]
    marks = {"Auto_Submitted": "no"} if marked else {}
    for sender in senders:
        row = desk.write(sender, **marks)
        assert (row.status, row.reason) == (Status.HELD, Reason.NO_SENDER), sender
    assert Issue.objects.count() == 0
    assert sent() == []


def test_past_the_limit_tickets_are_made_and_nothing_is_answered(desk, settings):
    settings.LOOP_LIMIT_PER_HOUR = 3
    for number in range(5):
        desk.open_ticket(subject=f"Number {number}")
    assert Issue.objects.count() == 5
    assert Participant.objects.filter(address=CUSTOMER).count() == 5
    assert len(sent_to(CUSTOMER)) == 3
    assert len(desk.open_ticket("other@customer.example").ticket.participants.all()) == 1
    assert len(sent_to("other@customer.example")) == 1


def test_welcomes_count_too_so_that_nobody_is_flooded_through_cc(settings):
    settings.LOOP_LIMIT_PER_HOUR = 3
    desk = make_desk(add_cc=True)
    for number in range(5):
        desk.open_ticket(f"m{number}@evil.example", Cc="victim@customer.example", **PROVEN)
    assert len(sent_to("victim@customer.example")) == 3


def test_words_of_people_are_no_automatic_answers(desk, settings):
    settings.LOOP_LIMIT_PER_HOUR = 1
    issue = desk.open_ticket()
    for body in ("One", "Two", "Three"):
        services.create_note(item=issue, author=desk.agent, body=body)
    assert len(sent_to(CUSTOMER)) == 4


def test_every_kind_that_answers_by_itself_is_counted(settings):
    settings.LOOP_LIMIT_PER_HOUR = 1
    for kind in ANSWERING_KINDS:
        OutgoingEmail.objects.all().delete()
        row = enqueue(kind=kind, recipient=CUSTOMER, now=NOW)
        assert len(kind) <= row._meta.get_field("kind").max_length
        assert find_over_limit([CUSTOMER, "other@example.com"], now=NOW) == {CUSTOMER}
    settings.LOOP_LIMIT_PER_HOUR = 0
    assert find_over_limit([CUSTOMER, "other@example.com"], now=NOW) == set()


def test_a_reply_says_nothing_automatic_to_its_author(desk):
    desk.open_ticket()
    (thank_you,) = sent_to(CUSTOMER)
    for number in range(3):
        desk.receive(answer(thank_you, body=f"And {number}"))
    assert sent_to(CUSTOMER) == [thank_you]


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        ("no-reply@shop.example", {}),
        ("donotreply@shop.example", {}),
        ("mailer-daemon@shop.example", {}),
        (CUSTOMER, {"X_Auto_Response_Suppress": "All"}),
        (CUSTOMER, {"Precedence": "bulk"}),
        (CUSTOMER, {"List_Unsubscribe": "<mailto:out@shop.example>"}),
        (CUSTOMER, {"Return_Path": "<>"}),
    ],
)
def test_who_asks_for_no_answer_has_a_ticket_and_no_thank_you(sender, fields):
    desk = make_desk()
    assert desk.open_ticket(sender, **fields).external_author == sender
    assert sent_to(sender) == []
