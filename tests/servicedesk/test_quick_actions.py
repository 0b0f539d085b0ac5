"""/add_email, /remove_email and /convert_to_ticket: who outside takes part, said by members."""

import pytest
from django.utils import timezone

from issues import quick_actions, services
from issues.marked_text import typed
from issues.models import Issue, Note, Role, Visibility
from servicedesk.models import Participant, Ticket
from servicedesk.quick_actions import is_address, is_addresses, split_addresses
from tests.factories import IssueFactory, MembershipFactory, ProjectFactory, UserFactory
from tests.servicedesk.world import CUSTOMER, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk():
    return make_desk()


def write(issue, author, body):
    return quick_actions.write_note(item=issue, author=author, body=typed(body), now=timezone.now())


def addresses(issue):
    people = Participant.objects.filter(ticket=issue.pk).order_by("pk")
    return list(people.values_list("address", flat=True))


def system_notes(issue):
    return list(issue.notes.filter(system=True).order_by("pk").values_list("body", flat=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@x.example", ["a@x.example"]),
        ("a@x.example b@x.example", ["a@x.example", "b@x.example"]),
        ("a@x.example, <B@x.example>;c@x.example", ["a@x.example", "B@x.example", "c@x.example"]),
    ],
)
def test_addresses_are_read_as_people_write_them(text, expected):
    assert is_addresses(text)
    assert split_addresses(text) == expected


@pytest.mark.parametrize("text", ["", "ann", "a@x.example and b@x.example", "@", "a@x " * 51])
def test_other_words_are_no_addresses(text):
    assert not is_addresses(text)
    assert not is_address(text)


def test_added_people_take_part_and_get_a_welcome(desk):
    issue = desk.open_ticket()
    written = write(issue, desk.agent, "/add_email Ann@customer.example bob@customer.example")
    assert written.refused == ()
    assert addresses(issue) == [CUSTOMER, "Ann@customer.example", "bob@customer.example"]
    assert system_notes(issue) == ["added Ann@customer.example, bob@customer.example to the ticket"]
    services.create_note(item=issue, author=desk.agent, body="Hello all")
    kinds = [row.kind for row in sent_to("Ann@customer.example")]
    assert kinds == ["desk_participant", "desk_note"]
    assert Participant.objects.get(address="bob@customer.example").added_by == desk.agent


def test_who_takes_part_already_gets_no_second_welcome(desk):
    issue = desk.open_ticket()
    written = write(issue, desk.agent, f"/add_email {CUSTOMER.upper()} ann@customer.example")
    assert written.refused == ()
    assert addresses(issue) == [CUSTOMER, "ann@customer.example"]
    (again,) = write(issue, desk.agent, f"/add_email {CUSTOMER}").refused
    assert again.why == "They take part already."
    assert [row.kind for row in sent_to(CUSTOMER)] == ["desk_thank_you"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("a@x.example b@x.example c@x.example", "At most 2 people can be added at once."),
        ("a@x.example incoming+x@letterbox.localhost", "no valid address, or one of ours"),
        ("a@x.example bad@-", "bad@- can't take part"),
    ],
)
def test_all_are_added_or_none(desk, settings, words, why):
    settings.DESK_MAX_PARTICIPANTS_A_CALL = 2
    issue = desk.open_ticket()
    (refusal,) = write(issue, desk.agent, f"/add_email {words}").refused
    assert why in refusal.why
    assert addresses(issue) == [CUSTOMER]
    assert sent_to("a@x.example") == []
    assert system_notes(issue) == []


def test_a_full_ticket_takes_nobody_more(desk, settings):
    settings.DESK_MAX_PARTICIPANTS = 2
    issue = desk.open_ticket()
    write(issue, desk.agent, "/add_email a@x.example")
    (refusal,) = write(issue, desk.agent, "/add_email b@x.example").refused
    assert refusal.why == "A ticket takes at most 2 external participants. Remove somebody first."


def test_removed_people_get_no_more_mail(desk):
    issue = desk.open_ticket()
    write(issue, desk.agent, "/add_email a@x.example")
    written = write(issue, desk.agent, "/remove_email A@X.example")
    assert written.refused == ()
    services.create_note(item=issue, author=desk.agent, body="Without you")
    assert [row.kind for row in sent_to("a@x.example")] == ["desk_participant"]
    assert system_notes(issue)[-1] == "removed a@x.example from the ticket"


def test_who_takes_no_part_cannot_be_removed(desk):
    issue = desk.open_ticket()
    (refusal,) = write(issue, desk.agent, f"/remove_email {CUSTOMER} z@x.example").refused
    assert refusal.why == "z@x.example: takes no part in this ticket."
    assert addresses(issue) == [CUSTOMER]


def test_an_issue_becomes_a_ticket_and_what_was_said_before_stays_inside(desk):
    issue = IssueFactory(project=desk.project, author=desk.agent)
    services.create_note(item=issue, author=desk.agent, body="Before")
    written = write(issue, desk.agent, f"/convert_to_ticket {CUSTOMER}")
    assert written.refused == ()
    assert Ticket.objects.get(issue=issue).requester == CUSTOMER
    assert Issue.objects.get(pk=issue.pk).confidential
    assert sent_to(CUSTOMER) == []
    services.create_note(item=issue, author=desk.agent, body="From now on")
    (mail,) = sent_to(CUSTOMER)
    assert "From now on" in mail.text
    (again,) = write(issue, desk.agent, "/convert_to_ticket a@x.example").refused
    assert again.why == "This is a ticket already."


def test_a_ticket_in_a_project_that_is_not_public_is_as_visible_as_the_desk_says():
    desk = make_desk(confidential=False, project=ProjectFactory(visibility=Visibility.PRIVATE))
    issue = IssueFactory(project=desk.project, author=desk.agent)
    write(issue, desk.agent, f"/convert_to_ticket {CUSTOMER}")
    assert not Issue.objects.get(pk=issue.pk).confidential


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/add_email a@x.example", "This is no ticket."),
        ("/remove_email a@x.example", "This is no ticket."),
        ("/convert_to_ticket a@x.example", "This project has no service desk."),
    ],
)
def test_outside_of_a_desk_it_is_said_what_to_do(command, why):
    agent = MembershipFactory(role=Role.REPORTER)
    issue = IssueFactory(project=agent.project)
    (refusal,) = write(issue, agent.user, command).refused
    assert refusal.why.startswith(why)


@pytest.mark.parametrize(("role", "may"), [(Role.GUEST, False), (Role.REPORTER, True)])
def test_it_takes_a_reporter(role, may):
    desk = make_desk(confidential=False, project=ProjectFactory(visibility=Visibility.PRIVATE))
    issue = desk.open_ticket()
    person = MembershipFactory(project=desk.project, role=role).user
    written = write(issue, person, "/add_email a@x.example")
    assert (written.refused == ()) is may
    assert (addresses(issue) == [CUSTOMER, "a@x.example"]) is may


@pytest.mark.parametrize("role", [None, Role.GUEST])
def test_people_without_the_right_see_no_addresses_in_the_system_note(client, desk, role):
    issue = desk.open_ticket()
    write(issue, desk.agent, "/add_email a@x.example")
    Issue.objects.filter(pk=issue.pk).update(confidential=False)
    url = f"/{desk.project.path}/-/issues/{issue.iid}/"
    person = UserFactory()
    if role is not None:
        MembershipFactory(project=desk.project, user=person, role=role)
    client.force_login(person)
    text = client.get(url).text
    assert "added …@… to the ticket" in text
    assert "a@x.example" not in text
    client.force_login(desk.agent)
    assert "added a@x.example to the ticket" in client.get(url).text


def test_the_help_page_shows_them(client):
    text = client.get("/help/quick-actions/").text
    assert "/add_email ann@example.com bob@example.com" in text


def test_a_refused_command_leaves_the_rest_of_the_note(desk):
    issue = desk.open_ticket()
    written = write(issue, desk.agent, "Hello\n/remove_email z@x.example\n/close")
    assert written.done == ("/close",)
    assert Note.objects.get(system=False).body == "Hello"


def test_who_could_not_be_reached_is_tried_again_after_joining_anew(desk):
    issue = desk.open_ticket()
    Participant.objects.update(undeliverable_at=timezone.now(), bounces=3)
    services.create_note(item=issue, author=desk.agent, body="One")
    written = write(issue, desk.agent, f"/remove_email {CUSTOMER}\n/add_email {CUSTOMER}")
    assert written.refused == ()
    services.create_note(item=issue, author=desk.agent, body="Two")
    kinds = [row.kind for row in sent_to(CUSTOMER)]
    assert kinds == ["desk_thank_you", "desk_participant", "desk_note"]
    assert "Two" in sent_to(CUSTOMER)[-1].text
