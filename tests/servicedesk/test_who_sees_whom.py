"""Who sees whom: the table of docs/operating.md, one case a cell, on pages and in mails."""

import re
from email.header import decode_header, make_header
from urllib.parse import urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone

from issues import services
from issues.models import Issue, Role, Visibility
from servicedesk import links
from servicedesk.joining import add_people
from tests.factories import MembershipFactory, ProjectFactory, UserFactory
from tests.servicedesk.world import (
    CUSTOMER,
    PROVEN,
    answer,
    as_received,
    make_desk,
    sent,
    sent_to,
)

pytestmark = pytest.mark.django_db(transaction=True)
NAMED, NAMELESS, THIRD = CUSTOMER, "dora@customer.example", "third@customer.example"
ADDRESSES = (NAMED, NAMELESS, THIRD)
NAME, MARKED, HIDDEN = "Carl König", "Carl König (customer)", "Customer"
TEAM = ("owner", "maintainer", "developer", "reporter")
READERS = (*TEAM, "guest", "outsider")


@pytest.fixture
def desk():
    """Its tickets are read by everybody, so that everybody sees something."""
    project = ProjectFactory(visibility=Visibility.PUBLIC)
    return make_desk(confidential=False, add_cc=True, project=project)


def make_reader(desk, name):
    if name == "outsider":
        return UserFactory()
    return MembershipFactory(project=desk.project, role=Role[name.upper()]).user


def make_ticket(desk):
    """Carl, who has a name, and Dora, who has none, have both written."""
    issue = desk.open_ticket(f'"{NAME}" <{NAMED}>', Cc=NAMELESS, **PROVEN)
    add_people(issue=issue, actor=desk.agent, addresses=[THIRD], now=timezone.now())
    Issue.objects.filter(pk=issue.pk).update(confidential=False)
    issue.refresh_from_db()
    sent()
    return issue


def let_both_write(desk):
    sent()
    for address in (NAMED, NAMELESS):
        desk.receive(
            answer(sent_to(address)[0], body=f"A word of number {ADDRESSES.index(address)}")
        )


def authors_on(html):
    return re.findall(r"<strong><bdi>([^<]*)</bdi></strong>", html)


@pytest.mark.parametrize("reader", READERS)
def test_on_the_page_of_the_ticket(desk, client, reader):
    issue = make_ticket(desk)
    let_both_write(desk)
    client.force_login(make_reader(desk, reader))
    html = client.get(
        reverse("issue-detail", args=[issue.project.path, issue.iid])
    ).content.decode()
    nameless = {"guest": HIDDEN, "outsider": HIDDEN}.get(reader, f"{NAMELESS} (customer)")
    named = HIDDEN if reader == "outsider" else MARKED
    assert [name for name in authors_on(html) if "Support" not in name][:1] == [named]
    assert {named, nameless} <= set(authors_on(html))
    shown = {address for address in ADDRESSES if address in html}
    assert shown == (set(ADDRESSES) if reader in TEAM else set())
    assert (NAME in html) is (reader != "outsider")


@pytest.mark.parametrize("reader", [*READERS, "anonymous"])
def test_on_lists(desk, client, reader):
    make_ticket(desk)
    if reader != "anonymous":
        client.force_login(make_reader(desk, reader))
    html = client.get(reverse("issue-list", args=[desk.project.path])).content.decode()
    shown = HIDDEN if reader in {"outsider", "anonymous"} else MARKED
    assert f"<bdi>{shown}</bdi>" in html
    assert not any(address in html for address in ADDRESSES)
    tickets = client.get(reverse("ticket-list", args=[desk.project.path]))
    if reader in TEAM:
        listed = tickets.content.decode()
        assert f"<bdi>{MARKED}</bdi> · {NAMED}" in listed
        found = client.get(reverse("ticket-list", args=[desk.project.path]) + "?q=könig")
        assert len(found.context["tickets"]) == 1
    else:
        assert tickets.status_code in {302, 404}


@pytest.mark.parametrize("reader", READERS)
def test_in_mails_of_those_with_an_account(desk, reader):
    issue = make_ticket(desk)
    user = make_reader(desk, reader)
    services.subscribe(item=issue, user=user)
    let_both_write(desk)
    add_people(issue=issue, actor=desk.agent, addresses=["x@x.example"], now=timezone.now())
    services.close_item(item=issue, actor=desk.agent)
    by_name, by_address, *others = [as_received(row) for row in sent_to(user.email)]
    named = HIDDEN if reader == "outsider" else MARKED
    nameless = f"{NAMELESS} (customer)" if reader in TEAM else HIDDEN
    for message, name in ((by_name, named), (by_address, nameless)):
        assert shown_from(message) == name
        assert message.get_body(("plain",)).get_content().startswith(f"{name} wrote:")
    shown = {address for address in ADDRESSES if address in whole([by_name, by_address, *others])}
    assert shown == ({NAMELESS} if reader in TEAM else set())
    assert (NAME in whole([by_name])) is (reader != "outsider")


def shown_from(message):
    (address,) = message["From"].addresses
    return address.display_name


def whole(messages):
    """All that the person can read of them."""
    parts = [str(make_header(decode_header(str(v)))) for m in messages for v in m.values()]
    parts += [part.get_content() for m in messages for part in m.walk() if not part.is_multipart()]
    return "\n".join(parts)


@pytest.mark.parametrize(
    ("reader", "seen"),
    [
        (NAMED, [HIDDEN, "agent"]),  # the requester
        (NAMELESS, [MARKED, "agent"]),  # another participant, who wrote as well
        (THIRD, [MARKED, HIDDEN, "agent"]),  # and one who did not
    ],
)
def test_in_mails_of_participants(desk, reader, seen):
    issue = make_ticket(desk)
    let_both_write(desk)
    services.create_note(item=issue, author=desk.agent, body="We look into it.")
    rows = sent_to(reader)
    names = [shown_from(as_received(row)) for row in rows if row.kind == "desk_note"]
    assert names == [str(desk.agent) if name == "agent" else name for name in seen]
    text = whole([as_received(row) for row in rows])
    assert {address for address in ADDRESSES if address in text} == {reader}
    assert desk.agent.email not in text


def test_on_the_page_of_participants(desk, client):
    """The only one that they have says nothing of others."""
    issue = make_ticket(desk)
    let_both_write(desk)
    for person in issue.ticket.participants.all():
        html = client.get(urlsplit(links.leaving_url(person)).path).content.decode()
        assert issue.title in html
        assert not any(word in html for word in (NAME, desk.agent.email, *ADDRESSES))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("victim@x.example", HIDDEN),
        ("Carl at <victim@x.example>", HIDDEN),
        ("\u202eadA", "adA (customer)"),
        ("Ada\r\n Bcc: victim", "Ada Bcc: victim (customer)"),
        ('Ada" <victim', 'Ada" <victim (customer)'),
        ("Ada", "Ada (customer)"),
    ],
)
def test_a_name_never_is_an_address_a_header_or_a_member(desk, name, shown):
    """Whatever a customer calls himself, and be it like a member."""
    desk.agent.first_name = "Ada"
    desk.agent.save()
    issue = make_ticket(desk)
    services.remember_name(issue.project, NAMED, name, proven=True)
    if shown == HIDDEN:
        issue.project.external_people.filter(address=NAMED, name=NAME).delete()
    desk.receive(answer(sent_to(NAMED)[0], body="A word"))
    row = sent_to(THIRD)[-1]
    message = as_received(row)
    assert shown_from(message) == shown
    assert [a.addr_spec for a in message["From"].addresses] == [desk.address]
    assert message["Bcc"] is None
    assert "victim@x.example" not in whole([message])


def test_the_name_of_an_unproven_mail_reaches_nobody_outside(desk):
    issue = desk.open_ticket(f"Bomb <{CUSTOMER}>")
    add_people(issue=issue, actor=desk.agent, addresses=[THIRD], now=timezone.now())
    desk.receive(answer(sent_to(CUSTOMER)[0], body="It is me"))
    assert shown_from(as_received(sent_to(THIRD)[-1])) == HIDDEN
