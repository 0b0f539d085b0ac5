"""What strangers, forgers and curious people try at a desk, and how little they get."""

import re

import pytest
from django.utils import timezone

from incoming_email.models import Mailbox, SenderPolicy
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, reviewing
from issues import services
from issues.models import Issue, Note, Role, State, User
from servicedesk import joining
from servicedesk.models import Participant, Ticket
from tests.factories import MembershipFactory, UserFactory
from tests.incoming_email.world import make_mail
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
FIRST = "<first@customer.example>"
MALLORY = "mallory@evil.example"
TRUSTED = "mx.letterbox.localhost"


@pytest.fixture
def desk():
    return make_desk()


def ended(row):
    return row.status, row.reason


def people(issue):
    return list(issue.ticket.participants.order_by("pk").values_list("address", flat=True))


def test_the_ticket_trick_shows_nothing_of_a_third_partys_mail(desk):
    """An attacker signs up elsewhere with the address of their ticket, to read the answer there."""
    desk.open_ticket(MALLORY)
    (thank_you,) = sent_to(MALLORY)
    address = thank_you.headers["Reply-To"].partition("<")[2].rstrip(">")
    row = desk.receive(
        make_mail(to=address, sender="no-reply@forge.example", body="Your code is 123456")
    )
    assert ended(row) == (Status.HELD, Reason.SENDER_MISMATCH)
    assert Note.objects.filter(internal=False).count() == 0
    assert sent() == [thank_you]


def test_the_ticket_trick_by_the_desks_address_shows_nothing_either(desk):
    """A sign-up with the desk's address makes a ticket that only members read."""
    issue = desk.open_ticket("no-reply@forge.example", body="Your code is 123456")
    assert issue.confidential
    assert sent_to(MALLORY) == []


def test_a_held_stranger_is_told_nothing_and_told_to_nobody(desk):
    desk.open_ticket(Message_ID=FIRST)
    before = len(sent())
    row = desk.write(MALLORY, In_Reply_To=FIRST, Cc="more@evil.example")
    assert ended(row) == (Status.HELD, Reason.STRANGER)
    assert len(sent()) == before


LOOK_ALIKES = ("m\u0131ke@kiosk.example", "mi\u212ae@kiosk.example", "mike@k\u0131osk.example")
"""Of mike@kiosk.example: dotless i and Kelvin sign, which databases and lower() fold to i and k."""


@pytest.mark.parametrize("sender", LOOK_ALIKES)
def test_an_address_that_looks_like_a_participants_is_a_strangers(desk, sender):
    issue = desk.open_ticket("mike@kiosk.example", Message_ID=FIRST)
    assert ended(desk.write(sender, In_Reply_To=FIRST)) == (Status.HELD, Reason.STRANGER)
    assert desk.write("Mike@Kiosk.example", In_Reply_To=FIRST).status == Status.PROCESSED
    assert people(issue) == ["mike@kiosk.example"]


@pytest.mark.parametrize("sender", LOOK_ALIKES)
def test_a_key_of_somebody_who_looks_alike_is_not_theirs(desk, sender):
    desk.open_ticket(sender)
    (thank_you,) = sent_to(sender)
    forged = desk.receive(answer(thank_you, body="Mine", sender="mike@kiosk.example"))
    assert ended(forged) == (Status.HELD, Reason.SENDER_MISMATCH)
    assert desk.receive(answer(thank_you, body="Mine", sender=sender)).status == Status.PROCESSED


def test_cc_yourself_in_by_a_forged_from_fails():
    """From of a participant and a Message-ID that got known are enough for a note, not for Cc."""
    desk = make_desk(add_cc=True)
    issue = desk.open_ticket(Message_ID=FIRST)
    row = desk.write(CUSTOMER, In_Reply_To=FIRST, Cc=MALLORY, body="Please tell me the password")
    assert row.status == Status.PROCESSED
    assert people(issue) == [CUSTOMER]
    assert sent_to(MALLORY) == []


@pytest.mark.parametrize(
    ("result", "joins"), [("dmarc=pass", True), ("dmarc=fail", False), ("spf=none", False)]
)
def test_cc_joins_by_an_answer_without_key_only_if_the_sender_is_proven(result, joins):
    desk = make_desk(add_cc=True)
    desk.mailbox.trusted_authserv_id = TRUSTED
    desk.mailbox.save()
    issue = desk.open_ticket(Message_ID=FIRST)
    desk.write(
        CUSTOMER,
        In_Reply_To=FIRST,
        Cc="dan@customer.example",
        Authentication_Results=f"{TRUSTED}; {result} header.from=customer.example",
    )
    assert ("dan@customer.example" in people(issue)) is joins


def test_cc_joins_by_an_answer_with_the_key_and_reads_nothing_from_before():
    desk = make_desk(add_cc=True)
    issue = desk.open_ticket(body="The secret of the first mail")
    services.create_note(item=issue, author=desk.agent, body="The secret of the answer")
    desk.receive(answer(sent_to(CUSTOMER)[-1], body="Dan, look", Cc="dan@customer.example"))
    assert people(issue) == [CUSTOMER, "dan@customer.example"]
    assert not any("secret" in row.text + row.html for row in sent_to("dan@customer.example"))


def test_a_desk_that_was_told_behind_peoples_backs_writes_to_none_of_them():  # S04
    desk = make_desk(add_cc=True)
    mail = make_mail(
        to="vendor@vendor.example",
        sender=CUSTOMER,
        Cc="boss@vendor.example",
        Delivered_To=desk.address,
    )
    row = desk.receive(mail)
    assert row.issue is not None
    assert row.issue.external_author == CUSTOMER
    assert people(row.issue) == [CUSTOMER]


def test_cc_of_the_first_mail_takes_part_where_the_desk_says_so():  # S05
    desk = make_desk(add_cc=True)
    issue = desk.open_ticket(Cc="a@example.com, b@example.com")
    assert people(issue) == [CUSTOMER, "a@example.com", "b@example.com"]


def test_hundreds_of_recipients_are_held_and_invited_by_nobody():  # S13
    desk = make_desk(add_cc=True)
    to = ", ".join([desk.address, *(f"p{n}@example.com" for n in range(300))])
    row = desk.write(to=to)
    assert ended(row) == (Status.HELD, Reason.TOO_MANY_RECIPIENTS)
    assert (Issue.objects.count(), Participant.objects.count(), sent()) == (0, 0, [])


def test_an_address_of_two_accounts_is_a_person_outside():  # S09
    desk = make_desk(add_cc=True)
    users = [UserFactory().pk for _ in range(2)]
    User.objects.filter(pk__in=users).update(email="bob@example.com")
    issue = desk.open_ticket(Cc="bob@example.com", **PROVEN)
    assert people(issue) == [CUSTOMER, "bob@example.com"]
    assert [row.kind for row in sent_to("bob@example.com")] == ["desk_participant"]


def test_reply_to_of_a_form_is_the_requester_and_of_others_is_not():  # S12
    desk = make_desk(form_senders="shop@example.com")
    form = desk.open_ticket("shop@example.com", Reply_To="cust@example.com")
    forged = desk.open_ticket("evil@example.com", Reply_To="cust@example.com")
    assert (people(form), people(forged)) == (["cust@example.com"], ["evil@example.com"])


def test_where_proof_is_asked_for_a_forged_participant_is_held(desk):
    desk.mailbox.reply_sender_policy = SenderPolicy.REQUIRE
    desk.mailbox.trusted_authserv_id = TRUSTED
    desk.mailbox.save()
    desk.open_ticket(Message_ID=FIRST)
    forged = desk.write(In_Reply_To=FIRST, body="Send it to my new address")
    assert ended(forged) == (Status.HELD, Reason.NOT_AUTHENTICATED)
    assert Note.objects.filter(internal=False).count() == 0
    proof = f"{TRUSTED}; dmarc=pass header.from=customer.example"
    real = desk.write(In_Reply_To=FIRST, Authentication_Results=proof)
    assert real.status == Status.PROCESSED
    by_key = desk.receive(answer(sent_to(CUSTOMER)[0], body="Forged, with the key"))
    assert ended(by_key) == (Status.HELD, Reason.NOT_AUTHENTICATED)


def test_a_locked_ticket_takes_no_word_from_outside_and_stays_closed(desk):  # S08
    issue = desk.open_ticket(Message_ID=FIRST)
    (thank_you,) = sent_to(CUSTOMER)
    services.close_item(item=issue, actor=desk.agent)
    services.set_locked(item=issue, actor=desk.agent, locked=True)
    by_key = desk.receive(answer(thank_you, body="Buy now"))
    by_id = desk.write(In_Reply_To=FIRST, body="Buy more")
    assert ended(by_key) == ended(by_id) == (Status.REJECTED, Reason.LOCKED)
    issue.refresh_from_db()
    assert issue.state == State.CLOSED
    assert Note.objects.filter(system=False, internal=False).count() == 0
    (notice,) = sent_to(CUSTOMER)[1:]
    assert "locked" in notice.text, "who has the key is told why"


def test_internal_notes_never_leave():
    everything = "%{ISSUE_DESCRIPTION} %{NOTE_TEXT} %{ISSUE_ID} %{ISSUE_URL}"
    desk = make_desk(
        add_cc=True, thank_you=everything, new_note=everything, new_participant=everything
    )
    issue = desk.open_ticket(Cc="ann@customer.example")
    internal = services.create_note(
        item=issue, author=desk.agent, body="The customer is a s3cret fool", internal=True
    )
    services.create_note(
        item=issue,
        author=desk.agent,
        body="Also s3cret",
        internal=True,
        discussion=internal.discussion,
    )
    services.create_note(
        item=issue, author=desk.agent, body="Still s3cret", discussion=internal.discussion
    )
    services.create_note(item=issue, author=desk.agent, body="Public %{NOTE_TEXT}")
    desk.receive(answer(sent_to(CUSTOMER)[0], body="A word %{NOTE_TEXT} %{ISSUE_DESCRIPTION}"))
    services.close_item(item=issue, actor=desk.agent)
    outside = [row for row in sent() if row.recipient.endswith("@customer.example")]
    assert [row.kind for row in outside].count("desk_note") == 3
    assert not any("s3cret" in row.text + row.html + str(row.headers) for row in outside)
    assert not any("closed" in row.text for row in outside)


def test_what_a_customer_wrote_is_never_read_as_a_placeholder():
    desk = make_desk(new_participant="[%{ISSUE_DESCRIPTION}]")
    issue = desk.open_ticket(body="%{ADDITIONAL_TEXT} %{UNSUBSCRIBE_URL}", **PROVEN)
    ann = ["ann@customer.example"]
    joining.add_people(issue=issue, actor=desk.agent, addresses=ann, now=timezone.now())
    text = as_received(sent_to("ann@customer.example")[0]).get_body(("plain",)).get_content()
    assert text.strip() == "[%{ADDITIONAL_TEXT} %{UNSUBSCRIBE_URL}]"


def test_the_title_of_a_ticket_stands_on_its_participants_page_only(desk, client):
    desk.open_ticket(subject="Divorce papers", **PROVEN)
    (thank_you,) = sent_to(CUSTOMER)
    url = re.search(r"<https?://[^/]+(/[^>]+)>", thank_you.headers["List-Unsubscribe"])[1]
    assert "Divorce papers" in client.get(url).content.decode()
    head, _, tail = url.rstrip("/").rpartition(":")
    forged = f"{head}:{tail[:-1]}{'A' if tail[-1] != 'A' else 'B'}/"
    answered = client.get(forged)
    assert answered.status_code == 404
    assert "Divorce" not in answered.content.decode()
    Participant.objects.all().delete()
    assert client.get(url).status_code == 404


def test_commands_and_names_in_customers_mail_are_words_to_agents_too(desk):
    ann = MembershipFactory(project=desk.project, user__username="ann", role=Role.DEVELOPER).user
    issue = desk.open_ticket(body="/close\n@ann")
    services.assign(item=issue, actor=desk.agent, users=[desk.agent])
    desk.receive(answer(sent_to(CUSTOMER)[0], body="@ann look\n/close\n/assign @ann"))
    notification = sent_to(desk.agent.email)[-1]
    assert "/close" in notification.text
    quoted = "".join(f"> {line}\n" for line in notification.text.splitlines())
    row = desk.receive(
        make_mail(
            to=notification.headers["Reply-To"],
            sender=desk.agent.email,
            body=f"I see.\n\n{quoted}",
            In_Reply_To=f"<{notification.message_id}>",
        )
    )
    assert row.status == Status.PROCESSED
    issue.refresh_from_db()
    assert issue.state == State.OPENED
    assert list(issue.assignees.all()) == [desk.agent]
    assert sent_to(ann.email) == []


def test_addresses_of_participants_are_not_told_to_each_other():
    desk = make_desk(add_cc=True)
    desk.open_ticket(Cc="ann@customer.example", **PROVEN)
    desk.receive(answer(sent_to("ann@customer.example")[0], body="Hello"))
    mail = sent_to(CUSTOMER)[-1]
    assert "ann@customer.example" not in as_received(mail).as_string()


def test_a_released_stranger_writes_one_note_and_takes_no_part(desk):
    issue = desk.open_ticket(Message_ID=FIRST)
    row = desk.write(MALLORY, In_Reply_To=FIRST, body="I know the answer")
    reviewing.release([row.pk], now=timezone.now())
    processing.process(row.pk)
    row.refresh_from_db()
    assert row.issue == issue
    assert people(issue) == [CUSTOMER]
    assert sent_to(MALLORY) == []
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize("message_id", ["<one@customer.example>", ""])
def test_a_message_to_a_hundred_spellings_of_a_desk_opens_one_ticket(message_id):
    desk = make_desk(key="help")
    mail = make_mail(to=desk.address, sender=CUSTOMER, Message_ID=message_id)
    slugs = ["", "a-", "b-", "a-b-"]
    for slug in slugs:
        desk.receive(mail, recipient=f"incoming+{slug}{desk.project.pk}-issue-@letterbox.localhost")
    assert Issue.objects.count() == 1


def test_the_alias_of_a_desk_and_its_default_address_are_one_key():
    desk = make_desk(key="help")
    Mailbox.objects.update(purpose="service_desk_email")
    mail = make_mail(to=desk.address, sender=CUSTOMER, Message_ID="")
    for address in (desk.address, "incoming+shop-help@letterbox.localhost"):
        desk.receive(mail, recipient=address)
    assert Issue.objects.count() == 1
