"""The addresses of a desk, and the short one in a mailbox that serves desks alone."""

import pytest
from django.conf import settings as project_settings
from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.outcomes import Reason, Status
from incoming_email.smtp import listener as smtp
from issues.models import Note
from servicedesk.addresses import ALIAS, find_addresses
from servicedesk.models import Ticket
from tests.factories import ProjectFactory
from tests.incoming_email.world import make_mail, make_smtp_mailbox
from tests.servicedesk.world import CUSTOMER, Desk, answer, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
PATTERN = "contact+%{key}@letterbox.localhost"


@pytest.fixture
def desk():
    """With a key, and its mail in the mailbox that serves desks alone."""
    made = make_desk(key="help_2", project=ProjectFactory(path="acme/shop"))
    return Desk(make_desk_mailbox(), made.settings, made.agent)


def make_desk_mailbox(**fields):
    return make_smtp_mailbox(
        name="desks", **({"address": PATTERN, "purpose": "service_desk_email"} | fields)
    )


@pytest.mark.parametrize("local", ["acme-shop-help_2", "renamed-since-help_2", "help_2"])
def test_the_slug_of_an_alias_is_decoration(desk, local):
    row = desk.write(to=f"contact+{local}@letterbox.localhost")
    assert (row.status, row.handler) == (Status.PROCESSED, "ticket_alias")
    assert row.outcome == f"ticket {Ticket.objects.get().issue}"


@pytest.mark.parametrize("local", ["acme-shop-help_3", "acme-shop-help_2-", "acme-shop-42"])
def test_an_alias_that_leads_nowhere_makes_no_ticket(desk, local):
    row = desk.write(to=f"contact+{local}@letterbox.localhost")
    assert (row.status, row.reason) == (Status.REJECTED, Reason.UNKNOWN_ADDRESS)


def test_a_desk_that_is_off_has_no_alias(desk):
    desk.settings.enabled = False
    desk.settings.save()
    row = desk.write(to="contact+acme-shop-help_2@letterbox.localhost")
    assert (row.status, row.reason) == (Status.REJECTED, Reason.DESK_OFF)


def test_an_alias_means_nothing_in_a_mailbox_of_incoming_email():
    desk = make_desk(key="help")
    row = desk.write(to="incoming+acme-shop-help@letterbox.localhost")
    assert (row.status, row.reason) == (Status.REJECTED, Reason.UNKNOWN_ADDRESS)


def test_a_key_of_a_feature_comes_before_an_alias(desk):
    """Also where a desk took the word before it got its other meaning."""
    desk.settings.key = "unsubscribe"
    desk.settings.save()
    row = desk.write(to="contact+acme-unsubscribe@letterbox.localhost")
    assert row.status == Status.REJECTED


def test_a_reply_by_key_works_in_the_desks_mailbox(desk):
    desk.write(to="contact+acme-shop-help_2@letterbox.localhost")
    (thank_you,) = sent_to(CUSTOMER)
    key = thank_you.headers["Reply-To"].partition("+")[2].partition("@")[0]
    row = desk.receive(
        make_mail(
            to=f"contact+{key}@letterbox.localhost", sender=CUSTOMER, body="Is there any news?"
        )
    )
    assert (row.handler, row.status) == ("ticket_reply", Status.PROCESSED)
    assert Note.objects.get().body == "Is there any news?"


def test_a_reply_by_in_reply_to_works_in_the_desks_mailbox(desk):
    desk.write(to="contact+acme-shop-help_2@letterbox.localhost", Message_ID="<1@customer.example>")
    desk.write(
        to="contact+acme-shop-help_2@letterbox.localhost",
        In_Reply_To="<1@customer.example>",
        body="More of it",
    )
    assert Ticket.objects.count() == 1
    assert Note.objects.get().body == "More of it"


def test_where_there_is_no_other_mailbox_answers_go_to_that_of_the_desks():
    made = make_desk()
    made.mailbox.delete()
    desk = Desk(make_desk_mailbox(), made.settings, made.agent)
    assert find_addresses(desk.settings).default.startswith("contact+acme-project")
    desk.write(to=find_addresses(desk.settings).default)
    (thank_you,) = sent_to(CUSTOMER)
    assert "<contact+" in thank_you.headers["Reply-To"]
    desk.receive(answer(thank_you, body="It works again"))
    assert Note.objects.get().body == "It works again"


def test_both_addresses_are_found(desk):
    found = find_addresses(desk.settings)
    pk = desk.project.pk
    assert found.default == f"incoming+acme-shop-{pk}-issue-@letterbox.localhost"
    assert found.alias == "contact+acme-shop-help_2@letterbox.localhost"


def test_without_key_or_mailbox_there_is_no_alias(desk):
    desk.settings.key = ""
    assert find_addresses(desk.settings).alias == ""
    desk.settings.key = "help"
    desk.mailbox.enabled = False
    desk.mailbox.save()
    assert find_addresses(desk.settings).alias == ""


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        ("a" * 70, "help", "contact+" + "a" * 51 + "-help"),
        ("a" * 25, "help", "contact+help"),
        ("acme/shop", "k" * 50, "contact+acme-" + "k" * 50),
    ],
)
def test_a_shown_alias_fits_and_is_no_secret(desk, path, key, expected):
    desk.project.path, desk.settings.key = path, key
    shown = find_addresses(desk.settings).alias
    assert shown == f"{expected}@letterbox.localhost"
    assert len(shown.partition("@")[0]) <= 64


def test_a_key_that_looks_like_a_secret_is_refused(desk):
    desk.settings.key = "a" * 25
    with pytest.raises(ValidationError, match="looks like a secret"):
        desk.settings.full_clean()


def test_the_listener_accepts_an_alias_of_a_desk_in_the_desks_mailbox_alone(desk):
    """Whoever writes there is thanked; all else has one answer, whether there is a project or
    not."""
    assert smtp.find_mailbox("contact+acme-shop-help_2@letterbox.localhost") == desk.mailbox
    assert smtp.find_mailbox("contact+no-such-word@letterbox.localhost") is None
    assert smtp.find_mailbox("contact+05k9t3m1q7z2w8x4c6v0b5n1h@letterbox.localhost") is None
    assert smtp.find_mailbox("incoming+acme-shop-help_2@letterbox.localhost") is None


def test_no_example_of_a_handler_is_an_alias():
    examples = [import_string(path).example for path in project_settings.INCOMING_EMAIL_HANDLERS]
    assert len(examples) >= 8
    assert [example for example in examples if ALIAS.fullmatch(example)] == []


@given(st.text("a-0_z", max_size=80))
def test_the_pattern_reads_the_word_after_the_last_hyphen(key):
    slug, _hyphen, word = key.rpartition("-")
    match = ALIAS.fullmatch(key)
    if match:
        assert match["desk_key"] == word
    elif "_" not in slug and ("a" in word or "z" in word):
        assert any(len(part) == 25 for part in key.split("-"))


def test_the_pattern_takes_time_in_proportion_to_the_length():
    """Seconds, where the pattern went back and forth."""
    for key in ("1-" * 50_000, "a-" * 50_000 + "-", "9" * 100_000 + "-", "z" * 100_000 + "!"):
        assert ALIAS.fullmatch(key) is None
