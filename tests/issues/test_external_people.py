"""Names of people without an account: what of From is one, and who may read it."""

import pytest

from issues import services
from issues.external_people import MAX_NAME, Sight, find_people, parse_name, sight_of_role
from issues.models import ExternalPerson, Role
from issues.outbox import address_with_name
from tests.factories import ProjectFactory

CARL = "carl@customer.example"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Max Müller", "Max Müller"),
        ("  Max \t\r\n Müller ", "Max Müller"),
        ("Max\r\nBcc: victim@x.example", ""),
        ("Max\r\nSubject: hi", "Max Subject: hi"),
        ("Max\u202egro.live", "Maxgro.live"),
        ("\u2066Max\u2069\u200f", "Max"),
        ("M\u200ba\x00x\x07", "Ma x"),
        ("Max\u3164\u3164\u2800Ada", "Max Ada"),
        ("نرگس\u200cها", "نرگس\u200cها"),
        ("\ud800Max", "Max"),
        ("مكس", "مكس"),
        ("3M", "3M"),
        ("Ada (customer)", "Ada (customer)"),
        # none
        ("", ""),
        (" . - \u200b", ""),
        (CARL, ""),
        ("Carl <carl@customer.example>", ""),
        ("carl＠customer.example", ""),
        ("carl﹫customer.example", ""),
        ("Free money https://evil.example/", ""),
        ("www.evil.example", ""),
    ],
)
def test_what_is_a_name(text, expected):
    assert parse_name(text) == expected


def test_a_long_name_leaves_room_for_what_stands_behind_it():
    name = parse_name("A" * 5000)
    assert len(name) == MAX_NAME
    header = address_with_name(f"{name} (customer)", "desk@x.example")
    assert header.endswith('A (customer)" <desk@x.example>')


def test_no_name_of_an_account_turns_the_address_round():
    assert address_with_name("Ada\u202e", "a@x.example") == '"Ada" <a@x.example>'


@pytest.mark.parametrize(
    ("role", "sight"),
    [
        (0, Sight.NOTHING),
        (Role.GUEST, Sight.NAME),
        (Role.REPORTER, Sight.ADDRESS),
        (Role.DEVELOPER, Sight.ADDRESS),
        (Role.MAINTAINER, Sight.ADDRESS),
        (Role.OWNER, Sight.ADDRESS),
    ],
)
def test_how_much_a_role_sees(role, sight):
    assert sight_of_role(role) is sight


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sight", "proven", "unproven", "nameless"),
    [
        (Sight.ADDRESS, "Carl (customer)", "Dora (customer)", "eve@x.example (customer)"),
        (Sight.NAME, "Carl (customer)", "Customer", "Customer"),
        (Sight.NOTHING, "Customer", "Customer", "Customer"),
    ],
)
def test_what_is_shown_of_a_person(sight, proven, unproven, nameless, django_assert_num_queries):
    project = ProjectFactory()
    services.remember_name(project, "Carl@Customer.example", "Carl", proven=True)
    services.remember_name(project, "dora@x.example", "Dora", proven=False)
    with django_assert_num_queries(0 if sight is Sight.NOTHING else 1):
        people = find_people(project.pk, [CARL, "dora@x.example", "eve@x.example", ""], sight)
    assert people.show("carl@CUSTOMER.example") == proven
    assert people.show("dora@x.example") == unproven
    assert people.show("eve@x.example") == nameless
    assert people.show("removed person") == "removed person"
    is_team = sight is Sight.ADDRESS
    assert people.show_address(CARL) == (CARL if is_team else "")
    assert people.show_address("eve@x.example") == ""
    text = people.show_text(f"added {CARL} to the ticket")
    assert (CARL in text) is is_team


@pytest.mark.django_db
def test_only_proven_mail_changes_a_proven_name():
    project, other = ProjectFactory(), ProjectFactory()
    for name, proven in [("Forged", False), ("Guess", False), ("Carl", True), ("Forged", False)]:
        services.remember_name(project, CARL, name, proven=proven)
    services.remember_name(project, CARL, CARL, proven=True)  # an address is no name
    services.remember_name(project, "", "Nobody", proven=True)
    services.remember_name(other, CARL, "Somebody", proven=False)
    person = ExternalPerson.objects.get(project=project)
    assert (person.name, person.proven) == ("Carl", True)
    services.remember_name(project, CARL, "Carl König", proven=True)
    person.refresh_from_db()
    assert person.name == "Carl König"
    assert ExternalPerson.objects.get(project=other).name == "Somebody"
