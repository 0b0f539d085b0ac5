"""How customers and agents really write: each habit is a conversation, with a step a day."""

import itertools
from collections.abc import Iterator

from issues.models import Project
from servicedesk.models import ServiceDesk
from tests.journeys.desk_week.office import Office
from tests.journeys.desk_week.words import Person

Steps = Iterator[None]
NAMES = (
    *("Carl Cole", "Zoë Groß", "김민수", "Smith, John", 'Bob "the builder" Stone', "李雷"),
    *("O'Neill", "dora", "ann@private.example", "<Eve>", "", "Måns Åberg", "Dr. A. B. Céline"),
    *("Support", "user\u202egnp.exe", "Anna-Lena von und zu der Aue"),
)
_numbers = itertools.count(1)


def somebody(office: Office, *, proven: bool | None = None) -> Person:
    """New each time, at a domain that some share."""
    number = next(_numbers)
    is_proven = office.dice.random() < 0.8 if proven is None else proven
    domain = office.dice.choice(["customer.example", "firm.example", f"home{number}.example"])
    return Person(office.dice.choice(NAMES), f"person{number}@{domain}", is_proven)


def ask_and_thank(office: Office) -> Steps:
    person = somebody(office)
    thread = office.ask(person, "The shop is down")
    yield
    office.comment(thread)
    yield
    office.answer(person, thread, question=False, text="Thank you!")
    office.close(thread)
    yield


def agent_by_mail(office: Office) -> Steps:
    person = somebody(office)
    thread = office.ask(person, "An invoice")
    yield
    office.comment(thread, internal=True, text="He never pays.")
    office.comment_by_mail(thread)
    yield
    office.answer(person, thread)
    yield
    office.comment_by_mail(thread)
    yield


def from_another_address(office: Office) -> Steps:
    person = somebody(office)
    thread = office.ask(person, "A question")
    yield
    office.comment(thread)
    yield
    other = Person(person.name, f"private.{person.email}", person.is_proven)
    office.answer(other, thread, seen_by=person)
    yield


def colleagues_in_copy(office: Office) -> Steps:
    person, colleague = somebody(office, proven=True), somebody(office, proven=True)
    thread = office.ask(person, "Our order", cc=[colleague])
    yield
    office.comment(thread)
    yield
    office.answer(colleague, thread, cc=[person])
    office.comment(thread, internal=True)
    yield
    third = somebody(office, proven=True)
    thread.people.add(third.email)
    office.answer(person, thread, cc=[colleague, third])
    yield
    office.comment(thread)
    yield


def reply_all_by_a_stranger(office: Office) -> Steps:
    person, stranger = somebody(office), somebody(office)
    thread = office.ask(person, "A parcel")
    yield
    office.programs.folder_of(stranger.email).append(thread.sent[0])
    office.answer(stranger, thread, cc=[person])
    yield
    office.comment(thread)
    yield


def another_subject(office: Office) -> Steps:
    person = somebody(office)
    thread = office.ask(person, "First things")
    yield
    office.comment(thread)
    yield
    office.answer(person, thread, subject="Something else now")
    yield
    office.comment_by_mail(thread)
    yield


def long_after(office: Office) -> Steps:
    person = somebody(office)
    thread = office.ask(person, "Once")
    office.comment(thread)
    office.close(thread)
    yield
    yield
    yield
    office.answer(person, thread, text="It is back.")
    yield


def out_of_office(office: Office) -> Steps:
    person = somebody(office)
    thread = office.ask(person, "Before my leave")
    yield
    office.comment(thread)
    yield
    office.answer(
        person, thread, question=False, subject="Out of office", Auto_Submitted="auto-replied"
    )
    yield


def two_at_once(office: Office) -> Steps:
    person = somebody(office)
    first = office.ask(person, "One thing")
    second = office.ask(person, "Another thing")
    yield
    office.comment(second)
    office.comment(first)
    office.comment_by_mail(first)
    yield
    office.answer(person, second)
    office.answer(person, second)
    yield


def unsubscribed_and_back(office: Office) -> Steps:
    person = somebody(office, proven=True)
    thread = office.ask(person, "Too much mail")
    office.comment(thread)
    yield
    office.leave(person, thread)
    office.comment(thread, text="Are you there?")
    yield
    thread.people.add(person.email)
    office.answer(person, thread, text="I am back.")
    yield
    office.comment(thread)
    yield


def bounced_and_back(office: Office) -> Steps:
    person = somebody(office, proven=True)
    thread = office.ask(person, "My mailbox is full")
    yield
    for _time in range(3):
        office.comment(thread)
        yield
        office.bounce(person, thread)
    office.answer(person, thread, text="There is room again.")
    yield
    office.comment(thread)
    yield


def by_a_list(office: Office) -> Steps:
    person = somebody(office)
    office.ask(
        person,
        "To the list",
        List_Id="<users.lists.example>",
        Precedence="list",
        Sender="l@x.example",
    )
    yield


def desk_off(office: Office) -> Steps:
    """For an hour, in which somebody writes."""
    person = somebody(office)
    thread = office.ask(person, "Before")
    ServiceDesk.objects.update(enabled=False)
    office.ask(person, "While it is off")
    ServiceDesk.objects.update(enabled=True)
    yield
    office.comment(thread)
    yield
    office.answer(person, thread)
    yield


def project_renamed(office: Office) -> Steps:
    person = somebody(office)
    thread = office.ask(person, "By the old name")
    office.comment(thread)
    yield
    name = f"acme/shop{next(_numbers)}"
    Project.objects.filter(pk=office.desk.project.pk).update(path=name)
    office.desk.project.path = name
    yield
    office.answer(person, thread)
    yield
    office.comment(thread)
    yield


def many_in_an_hour(office: Office) -> Steps:
    person = somebody(office)
    threads = [office.ask(person, f"Alarm {number}") for number in range(8)]
    yield
    for thread in threads:
        office.comment(thread)
    yield


def commands_in_the_text(office: Office) -> Steps:
    """Which a customer has no right to."""
    person, spy = somebody(office), somebody(office)
    text = f"/add_email {spy.email}\n/close\n/assign @rita\nPlease"
    thread = office.ask(person, "/close", text=text)
    yield
    office.comment(thread)
    yield
    office.answer(person, thread, text=text)
    yield


def member_in_copy(office: Office) -> Steps:
    """A customer who knows an agent's address."""
    person = somebody(office, proven=True)
    agent = office.agents["dora"]
    thread = office.ask(person, "For Dora", cc=[Person("Dora", agent.email)])
    thread.people.discard(agent.email)
    yield
    office.comment(thread)
    yield
    office.answer(person, thread, cc=[Person("Dora", agent.email)])
    yield


def agent_adds_somebody(office: Office) -> Steps:
    person, other = somebody(office, proven=True), somebody(office, proven=True)
    thread = office.ask(person, "With my lawyer")
    yield
    thread.people.add(other.email)
    office.allow_past(thread, other.email)
    office.comment(thread, text=f"/add_email {other.email}\n\nWelcome.")
    yield
    office.answer(other, thread)
    yield
    office.comment_by_mail(thread)
    yield


HABITS = (
    *(ask_and_thank, agent_by_mail, from_another_address, colleagues_in_copy),
    *(reply_all_by_a_stranger, another_subject, long_after, out_of_office, two_at_once),
    *(unsubscribed_and_back, bounced_and_back, by_a_list, desk_off, project_renamed),
    *(many_in_an_hour, commands_in_the_text, member_in_copy, agent_adds_somebody),
)
