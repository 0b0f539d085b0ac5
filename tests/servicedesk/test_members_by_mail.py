"""Members at a desk: never participants, their mail is their own, and nothing comes twice."""

import pytest
from django.urls import reverse
from django.utils import timezone

from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, reviewing
from issues import quick_actions, services
from issues.marked_text import typed
from issues.models import Issue, Note, OutgoingEmail, Role, State, Visibility
from servicedesk.models import Participant, Ticket
from tests.factories import EmailAddressFactory, MembershipFactory, ProjectFactory, UserFactory
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = "<first@customer.example>"
PRIVATE = "ada@home.example"
FORWARD = (
    "Please take over.\n\n---------- Forwarded message ---------\n"
    "From: Somebody <{author}>\nDate: Mon, 2 Mar 2026 10:00:00 +0000\n"
    "Subject: It is broken\nTo: <shop@example.com>\n\nIt does not open."
)


@pytest.fixture
def desk():
    desk = make_desk(add_cc=True)
    EmailAddressFactory(user=desk.agent, email=PRIVATE)
    return desk


def people(issue):
    return list(issue.ticket.participants.order_by("pk").values_list("address", flat=True))


def write(issue, author, body):
    return quick_actions.write_note(item=issue, author=author, body=typed(body), now=timezone.now())


def release(row):
    reviewing.release([row.pk], now=timezone.now())
    processing.process(row.pk)
    row.refresh_from_db()


def make_member_of(issue, role=Role.DEVELOPER, address=CUSTOMER):
    """The customer opens an account, verifies the address and joins."""
    user = UserFactory(email=address)
    MembershipFactory(project=issue.project, user=user, role=role)
    return user


def test_cc_of_a_customer_makes_no_member_a_participant(desk):
    issue = desk.open_ticket(Cc=f"{desk.agent.email}, {PRIVATE.upper()}, b@x.example", **PROVEN)
    assert people(issue) == [CUSTOMER, "b@x.example"]
    assert [row.kind for row in sent_to(PRIVATE)] == []


@pytest.mark.parametrize("command", ["/add_email", "/convert_to_ticket"])
def test_commands_say_why_a_member_is_no_participant(desk, command):
    issue = desk.open_ticket()
    if command == "/convert_to_ticket":
        Ticket.objects.all().delete()
    (refusal,) = write(issue, desk.agent, f"{command} {PRIVATE}").refused
    assert "a member of the project has this address" in refusal.why
    assert not Participant.objects.filter(address=PRIVATE).exists()


def test_a_forward_by_a_member_of_a_members_mail_is_the_forwarders(desk):
    desk.settings.take_forwarded = True
    desk.settings.save()
    other = MembershipFactory(project=desk.project, role=Role.DEVELOPER).user
    row = desk.write(desk.agent.email, body=FORWARD.format(author=other.email), **PROVEN)
    assert (row.status, row.issue.author) == (Status.PROCESSED, desk.agent)
    assert people(row.issue) == []


def test_a_form_that_names_a_member_is_held_since_anybody_may_fill_it_in(desk):
    desk.settings.form_senders = "form@shop.example"
    desk.settings.save()
    row = desk.write("form@shop.example", Reply_To=PRIVATE, **PROVEN)
    assert (row.status, row.reason) == (Status.HELD, Reason.MEMBER_UNPROVEN)
    assert sent_to(PRIVATE) == []


def test_a_proven_mail_of_a_member_to_the_desk_is_a_ticket_of_theirs(desk):
    row = desk.write(PRIVATE, Cc="b@x.example", body="Please help Bob.", **PROVEN)
    issue = row.issue
    assert (issue.author, issue.external_author, issue.confidential) == (desk.agent, "", True)
    assert people(issue) == ["b@x.example"]
    kinds = [(mail.recipient, mail.kind) for mail in sent()]
    assert kinds == [("b@x.example", "desk_participant")]


@pytest.mark.parametrize("answered", [True, False])
def test_a_mail_in_a_members_name_that_nothing_proves_is_held(desk, answered):
    desk.open_ticket(Message_ID=FIRST)
    row = desk.write(PRIVATE, body="/close", **({"In_Reply_To": FIRST} if answered else {}))
    assert (row.status, row.reason) == (Status.HELD, Reason.MEMBER_UNPROVEN)
    assert Issue.objects.get().state == State.OPENED
    (notice,) = sent_to(PRIVATE)
    assert "nothing proves that you wrote" in notice.text


def test_a_released_one_is_the_members_own(desk):
    issue = desk.open_ticket(Message_ID=FIRST)
    row = desk.write(PRIVATE, body="Done.\n\n/close", In_Reply_To=FIRST)
    release(row)
    note = Note.objects.get(system=False)
    assert (row.outcome, note.author, note.external_author) == (
        f"note {note.pk} on issue {issue}",
        desk.agent,
        "",
    )
    assert note.body.strip() == "Done."
    issue.refresh_from_db()
    assert issue.state == State.CLOSED


def test_a_proven_reply_to_all_is_the_members_note_and_goes_to_all_by_the_desk(desk):
    """Who has it from the member too must be able to answer the desk."""

    issue = desk.open_ticket(Message_ID=FIRST, Cc="b@x.example", **PROVEN)
    before = len(sent())
    mail = "<ada-1@home.example>"
    row = desk.write(PRIVATE, body="Try again.", Cc=CUSTOMER, In_Reply_To=FIRST, Message_ID=mail)
    assert row.reason == Reason.MEMBER_UNPROVEN
    row = desk.write(
        PRIVATE, body="Try again.", Cc=CUSTOMER, In_Reply_To=FIRST, Message_ID=mail, **PROVEN
    )
    note = Note.objects.get()
    assert (note.author, note.external_author, note.internal) == (desk.agent, "", False)
    told = [m.recipient for m in sent()[before:] if m.kind == "desk_note"]
    assert told == [CUSTOMER, "b@x.example"]
    # who answers that very mail is in the same ticket
    row = desk.write(CUSTOMER, body="It works.", In_Reply_To=mail, References=f"{FIRST} {mail}")
    assert row.issue == issue


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "lara@law.example"},
        {"to": "bob@team.example", "In_Reply_To": FIRST},
        {"In_Reply_To": "<1@law.example>", "References": f"{FIRST} <2@b.example> <1@law.example>"},
        {
            "to": CUSTOMER,
            "In_Reply_To": "<1@law.example>",
            "References": f"{FIRST} <2@b.example> <1@law.example>",
        },
    ],
)
def test_what_a_member_writes_to_others_about_a_ticket_is_not_for_the_customer(desk, fields):
    """The desk is in Cc by accident, or so that the team knows."""
    desk.open_ticket(Message_ID=FIRST, **PROVEN)
    before = len(sent_to(CUSTOMER))
    given = {"In_Reply_To": FIRST, "Cc": desk.address} | fields
    row = desk.write(PRIVATE, subject="Re: it", body="He is a fool.", **given, **PROVEN)
    assert (row.status, row.reason) == (Status.HELD, Reason.NOT_A_REPLY)
    assert len(sent_to(CUSTOMER)) == before
    release(row)
    assert row.note.author == desk.agent


@pytest.mark.parametrize(
    ("field", "reason"),
    [("replies_by_mail", Reason.SWITCHED_OFF), ("mail_needs_second_factor", "no_second_factor")],
)
def test_the_projects_rules_for_mail_of_members_hold(desk, field, reason):
    desk.open_ticket(Message_ID=FIRST)
    setattr(desk.project, field, field.startswith("mail_needs"))
    desk.project.save()
    row = desk.write(PRIVATE, In_Reply_To=FIRST, **PROVEN)
    assert (row.status, row.reason) == (Status.REJECTED, reason)


def test_a_guest_who_cannot_read_the_ticket_is_a_customer_like_others(desk):
    guest = MembershipFactory(project=desk.project, role=Role.GUEST).user
    issue = desk.open_ticket(guest.email)
    assert issue.confidential
    assert people(issue) == [guest.email]
    assert [row.kind for row in sent_to(guest.email)] == ["desk_thank_you"]


def test_a_guest_who_reads_tickets_is_a_member():
    desk = make_desk(confidential=False, project=ProjectFactory(visibility=Visibility.PRIVATE))
    guest = MembershipFactory(project=desk.project, role=Role.GUEST).user
    assert desk.write(guest.email).reason == Reason.MEMBER_UNPROVEN
    assert desk.open_ticket(guest.email, **PROVEN).author == guest


def test_a_participant_who_joins_the_team_gets_nothing_twice_and_loses_nothing(desk):
    issue = desk.open_ticket()
    max_ = make_member_of(issue)
    services.create_note(item=issue, author=desk.agent, body="One")
    assert [row.kind for row in sent_to(CUSTOMER)] == ["desk_thank_you", "desk_note"]
    services.subscribe(item=issue, user=max_)
    services.create_note(item=issue, author=desk.agent, body="Two")
    kinds = [row.kind for row in sent_to(CUSTOMER)]
    assert kinds == ["desk_thank_you", "desk_note", "new_note"]


def test_their_answer_to_the_desks_mail_is_from_then_on_a_members_note(desk):
    issue = desk.open_ticket()
    max_ = make_member_of(issue)
    row = desk.receive(answer(sent_to(CUSTOMER)[0], body="It is me.\n\n/label nothing"))
    note = Note.objects.get(system=False)
    assert (row.status, note.author, note.external_author) == (Status.PROCESSED, max_, "")
    assert [m.kind for m in sent_to(CUSTOMER) if m.kind.endswith("note")] == []
    services.create_note(item=issue, author=desk.agent, body="Thanks")
    assert [m.kind for m in sent_to(CUSTOMER) if m.kind.endswith("note")] == ["new_note"]


def test_the_key_of_a_customer_gives_nobody_the_word_of_a_member(desk):
    """Not even where the mailbox asks for no fitting sender."""
    desk.mailbox.reply_sender_policy = "off"
    desk.mailbox.save()
    desk.open_ticket()
    row = desk.receive(answer(sent_to(CUSTOMER)[0], sender=PRIVATE, body="/close"))
    assert (row.status, row.reason) == (Status.HELD, Reason.MEMBER_UNPROVEN)


def test_who_unsubscribed_as_a_member_gets_no_desk_mail_instead(desk):
    issue = desk.open_ticket()
    max_ = make_member_of(issue)
    services.unsubscribe(item=issue, user=max_)
    services.create_note(item=issue, author=desk.agent, body="One")
    assert [row.kind for row in sent_to(CUSTOMER)] == ["desk_thank_you"]


def test_who_reads_a_public_issue_with_an_account_gets_one_mail_too(desk):
    """Not only members: anybody with an account may subscribe to what they can read."""
    issue = desk.open_ticket()
    Issue.objects.filter(pk=issue.pk).update(confidential=False)
    user = UserFactory(email=CUSTOMER)
    issue.refresh_from_db()
    sent()
    services.subscribe(item=issue, user=user)
    services.create_note(item=issue, author=desk.agent, body="One")
    assert [row.kind for row in sent_to(CUSTOMER)] == ["desk_thank_you", "new_note"]


def test_the_page_marks_a_participant_who_is_a_member_by_now(desk, client):
    issue = desk.open_ticket()
    client.force_login(desk.agent)
    page = reverse("issue-detail", args=[issue.project.path, issue.iid])
    assert "A member of the project has this address" not in client.get(page).content.decode()
    make_member_of(issue)
    assert "A member of the project has this address" in client.get(page).content.decode()


def test_a_member_costs_a_constant_number_of_queries(desk, django_assert_max_num_queries):
    issue = desk.open_ticket(Cc=", ".join(f"p{n}@x.example" for n in range(5)), **PROVEN)
    for number in range(5):
        make_member_of(issue, address=f"p{number}@x.example")
    services.create_note(item=issue, author=desk.agent, body="One")
    sent()
    services.create_note(item=issue, author=desk.agent, body="Two")
    with django_assert_max_num_queries(35):  # as for one
        sent()
    assert OutgoingEmail.objects.filter(kind="desk_note").count() == 2 * 6
