"""Messages that share a transaction: it commits whole or not at all, and nobody suffers for it."""

import pytest
from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import acting, processing, receiving
from issues import services
from issues.models import Announcement, Membership, Note, Project, Visibility
from tests.incoming_email.mails import make_mail_with_file
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def replies(world):
    """Makes replies of the member, one for each body."""
    to, sender = world.reply_address(), world.member.email
    return lambda *bodies: [make_mail(to=to, sender=sender, body=body) for body in bodies]


def transactions(monkeypatch):
    """How many rows are locked at the begin of each transaction, as a list that grows."""
    sizes, real = [], acting.lock
    monkeypatch.setattr(acting, "lock", lambda rows: (sizes.append(len(rows)), real(rows))[1])
    return sizes


def store(world, *contents):
    messages = [RawMessage(f"7:{number}", content) for number, content in enumerate(contents)]
    return receiving.store(world.mailbox, messages, now=timezone.now(), claimed=True)


def endings():
    return list(InboundEmail.objects.order_by("pk").values_list("status", "reason"))


def test_replies_of_a_batch_share_a_transaction(world, replies, monkeypatch):
    sizes = transactions(monkeypatch)
    world.receive(*replies("one", "two", "three"))
    assert sizes == [3]
    assert list(Note.objects.order_by("pk").values_list("body", flat=True)) == [
        "one",
        "two",
        "three",
    ]


def test_a_group_is_no_larger_than_its_limit(world, replies, monkeypatch):
    monkeypatch.setattr(processing, "GROUP", 2)
    sizes = transactions(monkeypatch)
    world.receive(*replies("one", "two", "three"))
    assert sizes == [2, 1]


def test_each_message_ends_in_its_own_way(world, replies):
    one, two = replies("one", "two")
    automatic = make_mail(
        to=world.reply_address(), sender=world.member.email, Auto_Submitted="auto-replied"
    )
    new_issue = make_mail(to=world.issue_address(), sender=world.member.email, subject="New")
    world.receive(one, automatic, new_issue, make_mail(to="x@example.org", sender="y@z.org"), two)
    assert endings() == [
        (Status.PROCESSED, ""),
        (Status.IGNORED, Reason.AUTOMATIC),
        (Status.PROCESSED, ""),
        (Status.REJECTED, Reason.UNKNOWN_ADDRESS),
        (Status.PROCESSED, ""),
    ]
    assert sorted(Note.objects.values_list("body", flat=True)) == ["one", "two"]


def test_the_trace_of_what_went_alone_is_told_once(world, replies):
    (reply,) = replies("one")
    row = world.receive(reply, make_mail(to="x@example.org", sender="y@z.org"))
    steps = [step["step"] for step in row.trace]
    assert steps == ["kind", "address", "notice"]


def test_a_copy_in_the_same_batch_acts_once(world, replies):
    (reply,) = replies("one")
    row = world.receive(reply, reply)
    first = InboundEmail.objects.order_by("pk").first()
    assert (row.status, row.reason, row.duplicate_of) == (Status.IGNORED, Reason.DUPLICATE, first)
    assert Note.objects.count() == 1


def test_a_copy_of_an_earlier_batch_does_not_break_up_the_group(world, replies, monkeypatch):
    old, *new = replies("old", "one", "two")
    world.receive(old)
    sizes = transactions(monkeypatch)
    row = world.receive(*new, old)
    assert (row.status, row.reason) == (Status.IGNORED, Reason.DUPLICATE)
    # The two new ones together, then the copy: its attempt, and its end as a duplicate.
    assert sizes == [2, 1, 1]
    assert Note.objects.count() == 3


def test_a_row_that_ended_elsewhere_stops_nobody(world, replies):
    rows = store(world, *replies("one", "gone", "two"))
    InboundEmail.objects.filter(pk=rows[1].pk).update(
        status=Status.IGNORED, reason=Reason.AUTOMATIC, finished_at=timezone.now()
    )
    processing.process_claimed(rows, clock=timezone.now)
    assert [status for status, _ in endings()] == [
        Status.PROCESSED,
        Status.IGNORED,
        Status.PROCESSED,
    ]
    assert sorted(Note.objects.values_list("body", flat=True)) == ["one", "two"]


def test_a_worker_that_is_killed_leaves_nothing_of_the_group(
    world, replies, monkeypatch, settings, tmp_path
):
    settings.MEDIA_ROOT, settings.PROCESSING_LEASE_SECONDS = tmp_path, 0
    real, made = services.create_note, []

    def killed(**fields):
        note = real(**fields)
        made.append(note)
        if len(made) == 2:
            raise SystemExit
        return note

    with_file = make_mail_with_file(to=world.reply_address(), sender=world.member.email)
    rows = store(world, with_file, *replies("two", "three"))
    monkeypatch.setattr(services, "create_note", killed)
    with pytest.raises(SystemExit):
        processing.process_claimed(rows, clock=timezone.now)
    assert (Note.objects.count(), endings()) == (0, [(Status.PENDING, "")] * 3)
    monkeypatch.setattr(services, "create_note", real)
    assert [processing.process(row.pk) for row in rows] == [True] * 3
    assert (Note.objects.count(), endings()) == (3, [(Status.PROCESSED, "")] * 3)
    assert [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()] == [b"hello"]


def test_files_of_a_group_that_broke_up_are_there_once(world, monkeypatch, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    real = services.create_note

    def fail_on_poison(**fields):
        note = real(**fields)
        if fields["body"] == "poison":
            raise RuntimeError("a bug")
        return note

    monkeypatch.setattr(services, "create_note", fail_on_poison)
    to, sender = world.reply_address(), world.member.email
    world.receive(
        make_mail_with_file(to=to, sender=sender), make_mail(to=to, sender=sender, body="poison")
    )
    assert [status for status, _ in endings()] == [Status.PROCESSED, Status.PENDING]
    assert [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()] == [b"hello"]


@pytest.mark.parametrize(("body", "told"), [("poison", True), ("", False)])
def test_a_fault_in_a_group_is_told_and_a_refusal_is_not(world, monkeypatch, caplog, body, told):
    real = services.create_note

    def fail_on_poison(**fields):
        if fields["body"] == "poison":
            raise RuntimeError("a bug")
        return real(**fields)

    monkeypatch.setattr(services, "create_note", fail_on_poison)
    to, sender = world.reply_address(), world.member.email
    world.receive(*(make_mail(to=to, sender=sender, body=text) for text in ("one", body)))
    (report,) = [
        record for record in caplog.records if record.message.startswith("processing one by one")
    ]
    assert (report.levelname, bool(report.exc_info)) == ("ERROR" if told else "INFO", told)
    assert Note.objects.count() == 1


def test_what_a_group_saves_is_what_one_alone_saves(world, replies):
    """Every column, whichever of the two statements wrote it."""
    three = replies("one", "two", "three")
    world.receive(*three[:2])
    world.receive(three[2])
    own = {
        "id",
        "content_id",
        "digest",
        "size",
        "source_id",
        "received_at",
        "finished_at",
        "next_attempt_at",
    }
    of_message = {"message_id", "subject", "effect_key", "note_id", "outcome", "trace"}
    first, _second, alone = InboundEmail.objects.order_by("pk").values()
    assert {k: first[k] for k in first if k not in own | of_message} == {
        k: alone[k] for k in alone if k not in own | of_message
    }
    for row in InboundEmail.objects.select_related("note"):
        assert (
            row.outcome
            == f"note {row.note.pk} on issue {world.issue.project.path}#{world.issue.iid}"
        )
        assert [step["step"] for step in row.trace] == [step["step"] for step in alone["trace"]]
        assert row.finished_at is not None


def test_each_note_of_a_group_is_announced(world, replies):
    world.receive(*replies("one", "two", "three"))
    assert set(Announcement.objects.values_list("note", "actor")) == {
        (note, world.member.pk) for note in Note.objects.values_list("pk", flat=True)
    }


def test_a_role_is_asked_for_again_in_the_next_group(world, replies):
    one, two, three, four = replies("one", "two", "three", "four")
    world.receive(one, two)
    Membership.objects.filter(user=world.member).delete()
    Project.objects.update(visibility=Visibility.PRIVATE)
    world.receive(three, four)
    assert Note.objects.count() == 2
