"""Which mail belongs to which ticket, and that each acts once."""

import pytest

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from issues import services
from issues.models import Issue, Note
from servicedesk.models import ServiceDesk, ThreadMessage, Ticket
from tests.factories import ProjectFactory
from tests.incoming_email.world import make_mail
from tests.servicedesk.world import (
    CUSTOMER,
    Desk,
    answer,
    as_received,
    make_desk,
    sent,
    sent_to,
)

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = "<first@customer.example>"


@pytest.fixture
def desk():
    return make_desk()


def ended(row):
    return row.status, row.reason


def notes():
    found = Note.objects.filter(system=False, internal=False)
    return list(found.order_by("pk").values_list("body", flat=True))


def test_a_forward_of_a_third_party_with_the_number_is_a_ticket_of_its_own(desk):  # D02
    issue = desk.open_ticket()
    subject = f"WG: It is broken (#{issue.iid})"
    row = desk.write("third@other.example", subject=subject, body="Have a look")
    assert row.issue != issue
    assert notes() == []


def test_a_forward_that_names_our_mail_is_held(desk):  # D02
    """Outlook writes References into forwards, too."""
    desk.open_ticket(Message_ID=FIRST)
    (thank_you,) = sent_to(CUSTOMER)
    ids = f"{FIRST} <{thank_you.message_id}>"
    row = desk.write("third@other.example", subject="Fwd: It is broken", References=ids)
    assert ended(row) == (Status.HELD, Reason.STRANGER)


def test_another_subject_changes_nothing_where_the_id_is_known(desk):  # D03, D14
    desk.open_ticket(Message_ID=FIRST)
    desk.write(In_Reply_To=FIRST, subject="Re:other title", body="One")
    desk.write(In_Reply_To=FIRST, subject="", body="Two")
    assert notes() == ["One", "Two"]
    assert Issue.objects.count() == 1


def test_the_second_address_of_a_person_is_held_and_can_be_released(desk):  # D03
    desk.open_ticket(Message_ID=FIRST)
    row = desk.write("carl@home.example", In_Reply_To=FIRST, body="From home")
    assert ended(row) == (Status.HELD, Reason.STRANGER)
    assert notes() == []


def test_a_participant_may_write_their_domain_either_way(desk):
    issue = desk.open_ticket("carl@bücher.example", Message_ID=FIRST)
    row = desk.write("carl@xn--bcher-kva.example", In_Reply_To=FIRST, body="It is me.")
    assert (row.issue, row.note is not None) == (issue, True)
    assert issue.ticket.participants.count() == 1
    desk.receive(answer(sent_to("carl@bücher.example")[0], body="By key", sender=row.sender))
    assert issue.notes.filter(system=False).count() == 2


def test_mail_without_message_id_makes_a_ticket_and_its_answers_find_it(desk):  # D04
    row = desk.write(Message_ID="")
    assert row.status == Status.PROCESSED
    (thank_you,) = sent_to(CUSTOMER)
    assert "In-Reply-To" not in as_received(thank_you)
    again = desk.write(Message_ID="")
    assert ended(again) == (Status.IGNORED, Reason.DUPLICATE)
    desk.receive(answer(thank_you, body="Found"))
    assert notes() == ["Found"]


def test_ids_of_other_systems_lead_nowhere(desk):  # D07
    desk.open_ticket(Message_ID=FIRST)
    for name in (
        "<reply-123-456-1700000000@other.example>",
        f"<reply-{'0' * 25}@letterbox.localhost>",
        "<note-1.p1.0000000000000000@letterbox.localhost>",
    ):
        desk.open_ticket(In_Reply_To=name)
    assert Issue.objects.count() == 4
    assert notes() == []


def test_a_copy_through_a_distribution_list_is_no_second_ticket(desk):  # D08
    desk.open_ticket(Message_ID=FIRST, body="It fails")
    copy = desk.write(
        Message_ID=FIRST, body="It fails\n___\nlist footer", List_Id="<l.customer.example>"
    )
    assert ended(copy) == (Status.IGNORED, Reason.DUPLICATE)
    assert copy.duplicate_of == InboundEmail.objects.order_by("pk").first()
    assert Issue.objects.count() == 1


def test_a_mail_to_two_addresses_of_a_desk_is_one_ticket(desk):
    other = desk.address.replace("incoming+", "incoming+x-")
    mail = make_mail(to=f"{desk.address}, {other}", sender=CUSTOMER, Message_ID=FIRST)
    first, second = desk.receive(mail, desk.address), desk.receive(mail, other)
    assert first.status == Status.PROCESSED
    assert ended(second) == (Status.IGNORED, Reason.DUPLICATE)
    assert second.duplicate_of == first
    assert Issue.objects.count() == 1


@pytest.mark.parametrize("by_key_first", [True, False])
def test_an_answer_to_all_with_the_desk_in_cc_is_one_note(desk, by_key_first):  # S01
    desk.open_ticket(Message_ID=FIRST)
    (thank_you,) = sent_to(CUSTOMER)
    mail = answer(thank_you, body="To all", Cc=desk.address)
    by_key = thank_you.headers["Reply-To"].partition("<")[2].rstrip(">")
    ways = [by_key, desk.address] if by_key_first else [desk.address, by_key]
    rows = [desk.receive(mail, way) for way in ways]
    assert notes() == ["To all"]
    assert Issue.objects.count() == 1
    assert [row.status for row in rows] == [Status.PROCESSED, Status.IGNORED]
    assert rows[1].duplicate_of == rows[0]
    assert [p.address for p in Ticket.objects.get().participants.all()] == [CUSTOMER]


def test_an_agents_answer_to_all_with_the_desk_in_cc_is_one_note_of_theirs(desk):  # S01
    issue = desk.open_ticket(Message_ID=FIRST)
    services.assign(item=issue, actor=desk.agent, users=[desk.agent])
    (thank_you,) = sent_to(CUSTOMER)
    desk.receive(answer(thank_you, body="Hello?"))
    notification = sent_to(desk.agent.email)[-1]
    references = f"{notification.headers['References']} <{notification.message_id}>"
    mail = make_mail(
        to=CUSTOMER,
        sender=desk.agent.email,
        body="To everybody",
        Cc=desk.address,
        In_Reply_To=f"<{notification.message_id}>",
        References=references,
    )
    row = desk.receive(mail)
    note = Note.objects.latest("pk")
    assert row.outcome == f"note {note.pk} on issue {issue}"
    assert (note.author, note.external_author, note.body) == (desk.agent, "", "To everybody")
    assert sent_to(CUSTOMER)[-1].effect_key.startswith(f"note-{note.pk}-")
    assert Issue.objects.count() == 1


def test_an_agents_key_does_not_carry_a_mail_into_another_project(desk):
    issue = desk.open_ticket()
    Issue.objects.filter(pk=issue.pk).update(confidential=False)
    services.assign(item=issue, actor=desk.agent, users=[desk.agent])
    services.create_note(item=issue, author=desk.agent, body="Note to myself")
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Hello?"))
    notification = sent_to(desk.agent.email)[-1]
    other = Desk(
        desk.mailbox,
        ServiceDesk.objects.create(project=ProjectFactory(), enabled=True),
        desk.agent,
    )
    row = other.write(desk.agent.email, References=notification.headers["References"])
    assert row.issue is not None
    assert row.issue.project == other.project


def test_constant_references_of_another_system_merge_nothing(desk):  # D10
    for number in range(5):
        desk.open_ticket(
            "jira@tracker.example",
            subject=f"(PRJ-{number}) changed",
            References="<JIRA.1@example.com>",
        )
    assert Issue.objects.count() == 5


def test_of_several_ids_in_in_reply_to_the_first_known_one_decides(desk):  # D11
    one = desk.open_ticket(Message_ID="<one@customer.example>")
    two = desk.open_ticket(Message_ID="<two@customer.example>")
    row = desk.write(In_Reply_To="<a@example.com> <two@customer.example> <one@customer.example>")
    assert row.issue == two
    row = desk.write(In_Reply_To="<one@customer.example>", References="<two@customer.example>")
    assert row.issue == one


def test_an_answer_finds_its_ticket_where_a_relay_changed_the_message_id(desk):  # D13
    """Amazon's relay does: the answer then names an id of theirs, and what our mail referred to."""
    issue = desk.open_ticket(Message_ID="")
    (thank_you,) = sent_to(CUSTOMER)
    row = desk.write(
        In_Reply_To="<0100abc@email.amazonses.com>",
        References=f"{thank_you.headers['References']} <0100abc@email.amazonses.com>",
        body="Through the relay",
    )
    assert row.issue == issue
    assert notes() == ["Through the relay"]


def test_an_answer_to_a_deleted_note_is_a_note_on_the_ticket(desk):  # D15
    issue = desk.open_ticket()
    note = services.create_note(item=issue, author=desk.agent, body="Gone soon")
    mail = sent_to(CUSTOMER)[-1]
    note.delete()
    assert desk.receive(answer(mail, body="What?")).issue == issue
    assert desk.write(In_Reply_To=f"<{mail.message_id}>", body="And by id").issue == issue
    assert notes() == ["What?", "And by id"]


def test_a_number_in_the_text_leads_nowhere(desk):  # D20
    issue = desk.open_ticket()
    body = f"[Ticket#{issue.iid}] {issue}\n\n> [#{issue.iid}]"
    row = desk.write(subject="Something else", body=body)
    assert row.issue != issue
    assert notes() == []


def test_an_id_longer_than_its_column_is_found_again(desk):
    long = f"{'x' * 300}@customer.example"
    issue = desk.open_ticket(Message_ID=f"<{long}>")
    assert ThreadMessage.objects.filter(from_outside=True).count() == 1
    assert desk.write(In_Reply_To=f"<{long}>").issue == issue


def test_ids_that_differ_only_far_behind_are_two(desk):
    """Some mail programs put all that they know into an id."""
    ids = [f"{'x' * 300}{end}@customer.example" for end in "ab"]
    tickets = [desk.open_ticket(Message_ID=f"<{each}>") for each in ids]
    assert len(set(tickets)) == 2
    answers = [desk.write(In_Reply_To=f"<{each}>", body="More") for each in ids]
    assert [row.issue for row in answers] == tickets
    thank_yous = [as_received(mail) for mail in sent_to(CUSTOMER)][:2]
    assert [mail["In-Reply-To"] for mail in thank_yous] == [f"<{each}>" for each in ids]
    rows = InboundEmail.objects.order_by("pk")[:2]
    assert [row.whole_message_id for row in rows] == ids


def test_an_answer_finds_the_ticket_whose_id_an_earlier_version_cut(desk):
    long = f"{'x' * 300}@customer.example"
    issue = desk.open_ticket(Message_ID=f"<{long}>")
    cut = ThreadMessage.objects.filter(from_outside=True)
    assert cut.update(message_id=long[:255], long_message_id=None) == 1
    assert desk.write(In_Reply_To=f"<{long}>").issue == issue
    assert desk.write(Message_ID=f"<{long[:299]}@customer.example>").issue != issue


def test_who_joins_by_a_reply_reads_the_welcome_below_that_reply():
    desk = make_desk(add_cc=True)
    desk.open_ticket(Message_ID=FIRST, body="The whole story")
    (thank_you,) = sent_to(CUSTOMER)
    desk.receive(
        answer(
            thank_you,
            body="Dan knows more",
            Message_ID="<second@customer.example>",
            Cc="dan@customer.example",
        )
    )
    welcome = as_received(sent_to("dan@customer.example")[0])
    assert welcome["In-Reply-To"] == "<second@customer.example>"
    text = welcome.get_body(("plain",)).get_content()
    assert "The whole story" not in text
    assert "\n\n\n" not in text


def test_a_late_fan_out_does_not_say_that_nobody_waits(desk):
    """The customer wrote again after the agent, and before our mail went out."""
    issue = desk.open_ticket()
    services.create_note(item=issue, author=desk.agent, body="One")
    sent()
    assert Ticket.objects.get().waiting_since is None
    services.create_note(item=issue, author=desk.agent, body="Two")
    desk.write(In_Reply_To=f"<{sent_ids()[0]}>", body="Three")
    sent()
    assert Ticket.objects.get().waiting_since is not None


def sent_ids():
    return list(
        ThreadMessage.objects.filter(from_outside=False).values_list("message_id", flat=True)
    )


def test_a_ticket_with_the_id_of_somebody_elses_mail_gets_none_of_its_answers():
    """Who was in Cc of a mail knows its Message-ID, and may write another one with it."""
    desk = make_desk(add_cc=True)
    first = desk.open_ticket(Message_ID=FIRST, Cc="mallory@evil.example")
    other = desk.open_ticket(sender="mallory@evil.example", Message_ID=FIRST, Cc=CUSTOMER)
    assert other != first
    row = desk.write(In_Reply_To=FIRST, body="For the desk alone")
    assert row.issue == first
    assert other.notes.filter(system=False).count() == 0
