"""One message acts once for one key, however its address spells that."""

import hashlib

import pytest

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.smtp.listener import store
from issues.models import Issue, Note
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    return make_world()


def spell(address: str, slug: str, project_id: int) -> str:
    """The address with another slug before the id of the project."""
    local, _at, domain = address.rpartition("@")
    return f"incoming+{slug}{local[local.index(f'{project_id}-') :]}@{domain}"


@pytest.mark.parametrize("message_id", ["<one@example.com>", ""])
def test_a_message_to_three_spellings_of_a_key_acts_once(world, message_id):
    address, project = world.issue_address(), world.issue.project.pk
    spelled = [address.upper(), spell(address, "", project), spell(address, "old-name-", project)]
    mail = make_mail(to=address, sender=world.member.email, Message_ID=message_id)
    rows = [world.receive(mail, recipient=each) for each in spelled]
    assert [row.reason for row in rows] == ["", Reason.DUPLICATE, Reason.DUPLICATE]
    assert [row.duplicate_of for row in rows[1:]] == [rows[0], rows[0]]
    assert Issue.objects.count() == 2
    assert rows[0].key_digest


def test_notes_of_one_batch_act_once_a_key(world):
    new_issue, number = world.issue_address(), world.issue.iid
    local, _at, domain = new_issue.rpartition("@")
    address = f"{local}-{number}@{domain}"
    project = world.issue.project.pk
    spelled = [address, spell(address, "a-", project), spell(address, "b-", project)]
    mails = [
        make_mail(to=to, sender=world.member.email, Message_ID="<n@x.example>") for to in spelled
    ]
    world.receive(*mails)
    assert Note.objects.filter(system=False).count() == 1
    assert sorted(InboundEmail.objects.values_list("reason", flat=True)) == [
        "",
        Reason.DUPLICATE,
        Reason.DUPLICATE,
    ]


def test_what_an_earlier_version_acted_on_acts_no_second_time(world):
    """Its effect key had the slug in it."""
    address, sender = world.issue_address(), world.member.email
    key = world.mailbox.template.find_key(address)
    mail = make_mail(to=address, sender=sender, Message_ID="<one@example.com>")
    row = world.receive(mail)
    named = "\n".join(["one@example.com", sender, "issue", key])
    former = hashlib.sha256(named.encode()).hexdigest()
    InboundEmail.objects.filter(pk=row.pk).update(effect_key=former)
    copy = world.receive(mail)
    assert (copy.status, copy.reason, copy.duplicate_of) == ("ignored", Reason.DUPLICATE, row)
    assert Issue.objects.count() == 2


def test_a_transaction_to_many_spellings_is_one_row(world):
    address, project = world.issue_address(), world.issue.project.pk
    recipients = [spell(address, f"slug{n}-", project) for n in range(100)]
    ids = store(
        make_mail(to=address, sender=world.member.email), [*recipients, world.reply_address()], ""
    )
    rows = InboundEmail.objects.order_by("pk")
    assert list(rows.values_list("pk", flat=True)) == ids
    assert [row.recipient for row in rows] == [recipients[0], world.reply_address()]


def test_the_trace_shows_no_slug(world):
    address = world.issue_address()
    row = world.receive(make_mail(to=address, sender=world.member.email))
    (step,) = [step for step in row.trace if step["step"] == "address"]
    assert row.status == Status.PROCESSED
    assert step["key"].startswith(f"{world.issue.project.pk}-")
