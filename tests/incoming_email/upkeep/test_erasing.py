"""A person is erased: what goes, what stays and under which name, and that it is recorded."""

import pytest
from allauth.account.models import EmailAddress
from axes.models import AccessAttempt
from django.contrib.admin.models import CHANGE, LogEntry
from django.utils import timezone

from incoming_email.models import Erasure, InboundEmail, ReplyKey, SenderToken, SeriesPart
from incoming_email.outcomes import Status
from incoming_email.pipeline import processing
from incoming_email.secrets import credentials
from incoming_email.upkeep import erasing
from incoming_email.upkeep.erasing import ERASERS, Eraser
from issues import outbox, services
from issues.external_people import ExternalPeople, Sight
from issues.models import Issue, Membership, Note, OutgoingEmail, Role, User
from issues.views.discussions import show_note
from issues.views.texts import PageTexts
from tests.dumping import dump
from tests.factories import EmailAddressFactory, MembershipFactory, NoteFactory, UserFactory
from tests.incoming_email.factories import InboundEmailFactory, ReplyKeyFactory
from tests.incoming_email.secret_commands import run
from tests.incoming_email.world import make_mail, make_world
from tests.providing import provide

pytestmark = pytest.mark.django_db
COMMAND = "erase_person"
NOW = timezone.now()
NAME, ADDRESS, SECOND = "Ada Lovelace", "ada@example.com", "ada@home.example.com"


@pytest.fixture
def world():
    """Somebody who wrote by mail, was written to, and is quoted by others."""
    world = make_world()
    ada = world.member
    ada.first_name, ada.last_name, ada.email = "Ada", "Lovelace", ADDRESS
    ada.username = "ada"
    ada.save()
    ada.emailaddress_set.update(email=ADDRESS)
    EmailAddressFactory(user=ada, email=SECOND)
    said = "On Mon, 25 May 2026 at 10:00, Bob <bob@example.com> wrote:\r\n> Does it?"
    body = f"It squeaks.\r\n\r\n{said}\r\n"
    world.receive(make_mail(to=world.reply_address(), sender=f"{NAME} <{ADDRESS}>", body=body))
    world.receive(make_mail(to=world.issue_address(), sender=SECOND, subject="Another door"))
    NoteFactory(
        issue=world.issue, quoted=f"On Monday, {NAME} <{SECOND.upper()}> wrote:\n> It squeaks"
    )
    services.subscribe(user=ada, item=world.issue)
    AccessAttempt.objects.create(username="ada", ip_address="192.0.2.1", failures_since_start=1)
    LogEntry.objects.log_actions(ada.pk, User.objects.filter(pk=ada.pk), CHANGE, f"was {ADDRESS}")
    return world


def mail_row(**fields):
    values = {
        "kind": "notification",
        "effect_key": f"e{OutgoingEmail.objects.count()}",
        "message_id": f"m{OutgoingEmail.objects.count()}@example.com",
        "from_header": "Letterbox <letterbox@example.com>",
        "recipient": "bob@example.com",
        "subject": "s",
        "text": "t",
        "state": "sent",
        "created_at": NOW,
        "next_attempt_at": NOW,
    }
    return OutgoingEmail.objects.create(**(values | fields))


def erase(word="ada", **options):
    return dict(erasing.erase(erasing.find_person(word), by=None, now=NOW, **options).counts)


@pytest.mark.parametrize("word", ["ada", ADDRESS, SECOND.upper()])
def test_neither_name_nor_address_is_left_anywhere(world, word):
    mail_row(recipient=ADDRESS, text=f"Dear {NAME}")
    mail_row(from_header=outbox.address_with_name(NAME, "l@example.com"), text=f"{NAME} wrote")
    for secret in (NAME, ADDRESS, SECOND):
        assert secret.lower() in dump()
    erase(word)
    left = dump()
    for secret in (NAME, ADDRESS, SECOND, '"ada"'):
        assert secret.lower() not in left


def test_what_we_wrote_of_them_loses_their_name_and_keeps_the_rest(world):
    bob = MembershipFactory(project=world.issue.project, role=Role.DEVELOPER).user
    services.assign(item=world.issue, actor=bob, users=[world.member])
    joined = f"added {ADDRESS}, joann{ADDRESS} and {ADDRESS}.au to it"
    note = NoteFactory(issue=world.issue, system=True, body=joined)
    said = NoteFactory(issue=world.issue, author=bob, body=f"Ask {ADDRESS}")
    mailed = mail_row(text=f"Hello, {ADDRESS}.", headers={"X-For": [ADDRESS.upper()]})
    rights = Membership.objects.filter(user=world.member)
    LogEntry.objects.log_actions(bob.pk, rights, CHANGE, "")
    counts = erase()
    note.refresh_from_db()
    assert note.body == f"added removed person, joann{ADDRESS} and {ADDRESS}.au to it"
    assigned = Note.objects.get(system=True, body__startswith="assigned")
    assert assigned.body == "assigned this to removed person"
    said.refresh_from_db()
    assert said.body == f"Ask {ADDRESS}"
    mailed.refresh_from_db()
    assert (mailed.text, mailed.headers) == (
        "Hello, removed person.",
        {"X-For": ["removed person"]},
    )
    assert "removed person in " in LogEntry.objects.latest("pk").object_repr
    assert (counts["system notes"], counts["mail to others that names them"]) == (2, 1)


def test_patches_that_wait_for_their_series_go_with_their_author(world):
    for author in (world.member, UserFactory()):
        row = InboundEmailFactory(mailbox=world.mailbox, sender="x@example.com")
        SeriesPart.objects.create(
            project=world.issue.project,
            author=author,
            inbound_email=row,
            revision=1,
            number=1,
            total=2,
            content=f"From: {author} <{author.email}>".encode(),
            received_at=NOW,
        )
    assert erase()["waiting patches"] == 1
    assert SeriesPart.objects.get().author != world.member


def test_mail_by_the_other_spelling_of_their_address_goes_too(world):
    EmailAddressFactory(user=world.member, email="ada@bücher.example")
    row = world.receive(make_mail(to=world.reply_address(), sender="ada@xn--bcher-kva.example"))
    assert "ada@xn--bcher-kva.example" in erasing.find_person(ADDRESS).addresses
    erase("ada")
    row.refresh_from_db()
    assert row.sender == ""


def test_traces_of_messages_of_others_lose_the_address(world):
    row = world.receive(make_mail(to=f"{ADDRESS}, {world.reply_address()}", sender="bob@x.example"))
    assert ADDRESS in str(row.trace)
    assert erase()["traces that name them"] == 1
    row.refresh_from_db()
    assert ADDRESS not in str(row.trace)
    assert "removed person" in str(row.trace)
    assert ADDRESS.encode() in bytes(row.raw)  # what others wrote stays until its retention ends


def test_what_they_said_stays_by_a_removed_person(world):
    note = Note.objects.get(body="It squeaks.")
    assert note.quoted
    erase()
    note.refresh_from_db()
    shown = show_note(note, texts=PageTexts(), people=ExternalPeople(Sight.ADDRESS))
    assert (note.body, note.quoted, shown.author) == ("It squeaks.", "", "removed person")
    assert Issue.objects.filter(title="Another door").exists()
    row = User.objects.get(pk=world.member.pk)
    assert (str(row), row.is_active, row.has_usable_password()) == ("removed person", False, False)


def test_keys_tokens_and_rights_end(world):
    address = world.reply_address()
    token = SenderToken.objects.get().token
    erase()
    assert not ReplyKey.objects.filter(recipient=world.member).exists()
    assert not SenderToken.objects.exists()
    assert not Membership.objects.filter(user=world.member).exists()
    assert not EmailAddress.objects.filter(user=world.member).exists()
    assert not AccessAttempt.objects.exists()
    row = world.receive(make_mail(to=address, sender=ADDRESS))
    assert row.status == Status.REJECTED
    assert token not in dump()


def test_mail_that_acted_still_acts_once(world):
    rows = InboundEmail.objects.order_by("pk")
    content = bytes(rows[0].raw)
    before = list(rows.values_list("source_id", "digest", "effect_key", "message_id"))
    notes = Note.objects.count()
    erase()
    assert list(rows.values_list("source_id", "digest", "effect_key", "message_id")) == before
    assert {bytes(row.raw) for row in rows} == {b""}
    assert world.receive(content).status != Status.PROCESSED
    assert Note.objects.count() == notes


def test_quoted_parts_of_others_that_name_them_go_and_others_stay(world):
    kept = NoteFactory(issue=world.issue, quoted="On Monday, Bob <bob@example.com> wrote: > ada")
    erase()
    kept.refresh_from_db()
    assert kept.quoted
    assert Note.objects.exclude(quoted="").count() == 1


def test_mail_to_them_is_not_sent_any_more_and_not_sent_again(world):
    row = mail_row(recipient=ADDRESS, state="pending")
    assert erase()["mail to them that was not sent yet"] == 1
    row.refresh_from_db()
    assert (row.state, row.recipient, row.text) == ("failed", "", "")


def test_person_without_an_account(world):
    address = "cleo@example.org"
    written = "Cleo@Example.ORG"  # letter case may matter to their server, so it is kept
    issue = Issue.objects.create(
        project=world.issue.project, iid=99, title="Help", external_author=written
    )
    note = NoteFactory(issue=issue, author=None, external_author=written, quoted="> x")
    ReplyKeyFactory(recipient=None, external_email=written, issue=issue)
    held = world.receive(make_mail(to=world.reply_address(), sender=address))
    assert held.status == Status.HELD
    assert erase("Cleo@Example.org") == {
        "held messages, discarded": 1,
        "messages from them": 1,
        "reply keys": 1,
        "quoted parts of their notes": 1,
        "notes by address": 1,
        "issues by address": 1,
    }
    assert address not in dump()
    note.refresh_from_db()
    assert (
        show_note(note, texts=PageTexts(), people=ExternalPeople(Sight.NAME)).author
        == "removed person"
    )
    held.refresh_from_db()
    assert (held.status, held.reason) == (Status.IGNORED, "discarded")


def test_address_that_an_account_only_claims_does_not_erase_that_account(world):
    other = UserFactory(username="mallory")
    EmailAddressFactory(user=other, email="cleo@example.org", verified=False)
    found = erasing.find_person("cleo@example.org")
    assert (found.user, found.addresses) == (None, ("cleo@example.org",))
    assert erase("cleo@example.org") == {"e-mail addresses": 1}
    other.refresh_from_db()
    assert other.is_active


def test_address_of_the_account_that_is_proven_to_be_anothers_is_not_theirs(world):
    other = UserFactory(username="mallory", email=ADDRESS, address=False)
    assert erasing.find_person("mallory").addresses == ()
    erase("mallory")
    assert User.objects.get(pk=world.member.pk).email == ADDRESS
    assert User.objects.get(pk=other.pk).email == ""


def test_dry_run_counts_the_same_and_changes_nothing(world):
    before = dump()
    counted = erase(dry_run=True)
    assert dump() == before
    assert erase() == counted
    assert counted["messages from them"] == 2
    assert counted["accounts"] == 1


def test_second_time_nobody_is_found_and_nothing_is_recorded(world):
    erase()
    with pytest.raises(erasing.NobodyError):
        erasing.find_person("ada")
    assert erase(ADDRESS) == {}
    assert Erasure.objects.count() == 1


def test_record_proves_it_without_saying_who(world, caplog):
    caplog.set_level("INFO")
    erase()
    row = Erasure.objects.get()
    assert (row.erased_at, row.erased_by) == (NOW, None)
    assert credentials.digest(ADDRESS) in row.digests
    assert credentials.digest("bob@example.com") not in row.digests
    assert ["messages from them", 2] in row.counts
    assert f"person erased erasure={row.pk} by=None" in caplog.text
    assert ADDRESS not in caplog.text


def test_a_fault_in_the_middle_erases_nothing(world, monkeypatch):
    before = dump()

    def die(**_words):
        raise SystemExit

    monkeypatch.setattr(services, "erase_person", die)
    with pytest.raises(SystemExit):
        erase()
    assert dump() == before


def test_message_that_waits_for_a_worker_is_left_and_named(world):
    InboundEmailFactory(sender=ADDRESS, mailbox=world.mailbox)
    status, output, _ = run(COMMAND, ADDRESS)
    assert (status, "1 message still waits for a worker." in output) == (0, True)
    row = InboundEmail.objects.get(status=Status.PENDING)
    assert bytes(row.raw)
    processing.process(row.pk)


def erase_upstairs(*, user, addresses):
    assert user.username == "ada"
    return len(addresses)


def test_layers_above_erase_too(world, monkeypatch):
    provide(monkeypatch, ERASERS, Eraser("upstairs", erase_upstairs))
    assert erase()["upstairs"] == 2


def test_command(world):
    status, output, _ = run(COMMAND, "ada", "--dry-run")
    assert status == 0
    assert "messages from them: 2\n" in output
    assert output.endswith("Nothing was erased. Run it again without --dry-run.\n")
    assert "Erased. Backups still contain it" in run(COMMAND, "ada")[1]
    assert run(COMMAND, ADDRESS)[1] == "No data of this person is stored.\n"
    assert run(COMMAND, "nobody")[::2] == (
        64,
        "There is no account “nobody”. Give a user name or an e-mail address.",
    )
