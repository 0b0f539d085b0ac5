"""Retention: what is removed, what stays so that nothing comes twice, and how much it costs."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incoming_email import tasks
from incoming_email.inboxes.base import RawMessage
from incoming_email.models import InboundEmail, Kept
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, receiving, reviewing
from incoming_email.upkeep import purging
from incoming_email.upkeep.purging import Purged, Wanted
from issues import uploads
from issues.models import Issue, Note, Upload
from issues.stopping import Budget
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.secret_commands import run
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db
COMMAND = "purge_inbound_email"
NOW = timezone.now()
OLD, NEW = NOW - timedelta(days=31), NOW - timedelta(days=29)


@pytest.fixture(autouse=True)
def keep(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.KEEP_RAW_DAYS = settings.KEEP_TRACE_DAYS = 0
    settings.KEEP_FAILED_DAYS = settings.KEEP_ATTACHMENTS_DAYS = 0
    return settings


def purge(**wanted):
    """How many of each kind, all mailboxes together."""
    counts: dict[Kept, int] = {}
    for each in purging.purge(Wanted(**wanted), now=NOW):
        counts[each.kept] = counts.get(each.kept, 0) + each.count
    return list(counts.items())


def aged(status=Status.REJECTED, received_at=OLD, **fields):
    trace = [{"step": "candidate", "result": "no handler"}]
    fields = {"trace": trace, "defects": ["odd"], "last_error": "it broke"} | fields
    return ended(status, received_at=received_at, **fields)


def left_of(row):
    row.refresh_from_db()
    return bool(row.raw), bool(row.trace)


def test_everything_is_kept_for_ever_by_default():
    row = aged()
    assert purge() == []
    assert left_of(row) == (True, True)


def test_raw_messages_of_what_ended_go_after_their_days(keep):
    keep.KEEP_RAW_DAYS = 30
    old = [aged(status) for status in (Status.PROCESSED, Status.REJECTED, Status.IGNORED)]
    kept = [aged(status) for status in (Status.PENDING, Status.HELD, Status.FAILED)]
    kept.append(aged(received_at=NEW))
    assert purge() == [(Kept.RAW, 3)]
    assert [left_of(row) for row in old] == [(False, True)] * 3
    assert [left_of(row) for row in kept] == [(True, True)] * 4
    assert {row.raw_purged_at for row in old} == {NOW}


def test_what_failed_has_days_of_its_own(keep):
    keep.KEEP_FAILED_DAYS = 30
    failed, rejected = aged(Status.FAILED), aged()
    assert purge() == [(Kept.FAILED, 1)]
    assert (left_of(failed), left_of(rejected)) == ((False, True), (True, True))


def test_traces_go_with_defects_and_errors(keep):
    keep.KEEP_TRACE_DAYS = 30
    rows = [aged(), aged(Status.FAILED), aged(Status.HELD)]
    assert purge() == [(Kept.TRACE, 2)]
    assert [left_of(row) for row in rows] == [(True, False), (True, False), (True, True)]
    assert (rows[0].defects, rows[0].last_error) == ([], "")


def test_a_mailbox_may_have_days_of_its_own(keep):
    keep.KEEP_RAW_DAYS = 30
    for_ever, shorter = MailboxFactory(keep_raw_days=0), MailboxFactory(keep_raw_days=7)
    as_all = MailboxFactory()
    rows = [aged(mailbox=mailbox, received_at=NEW) for mailbox in (for_ever, shorter, as_all)]
    rows += [aged(mailbox=mailbox) for mailbox in (for_ever, as_all)]
    found = list(purging.purge(Wanted(), now=NOW))
    assert [(each.mailbox, each.days, each.count) for each in found] == [
        (shorter.name, 7, 1),
        (as_all.name, 30, 1),
    ]
    assert [left_of(row)[0] for row in rows] == [True, False, True, True, False]


def test_second_run_finds_nothing(keep):
    keep.KEEP_RAW_DAYS = keep.KEEP_TRACE_DAYS = 30
    aged()
    assert purge() == [(Kept.RAW, 1), (Kept.TRACE, 1)]
    assert purge() == [(Kept.RAW, 0), (Kept.TRACE, 0)]


def test_dry_run_only_counts(keep):
    keep.KEEP_RAW_DAYS = keep.KEEP_ATTACHMENTS_DAYS = 30
    row = aged()
    assert purge(dry_run=True) == [(Kept.RAW, 1), (Kept.ATTACHMENTS, 0)]
    assert left_of(row) == (True, True)


def test_what_makes_a_message_act_once_stays(keep):
    """The server offers it again, and another copy comes: both are known."""
    keep.KEEP_RAW_DAYS = keep.KEEP_TRACE_DAYS = 30
    world = make_world()
    content = make_mail(to=world.reply_address(), sender=world.member.email)
    row = world.receive(content)
    InboundEmail.objects.update(received_at=OLD)
    purge()
    assert left_of(row) == (False, False)
    again = RawMessage(row.source_id, content)
    assert receiving.store(row.mailbox, [again], now=NOW, claimed=True) == []
    copy = world.receive(content)
    assert (copy.status, copy.reason, copy.duplicate_of) == (
        *(Status.IGNORED, Reason.DUPLICATE),
        row,
    )
    assert Note.objects.count() == 1


def test_purged_message_is_not_processed_again():
    row = aged()
    purge(kinds=(Kept.RAW,), days=30)
    assert reviewing.requeue([row.pk], now=NOW) == []
    row.refresh_from_db()
    assert row.status == Status.REJECTED


def test_trace_of_a_new_attempt_is_purged_anew():
    world = make_world()
    row = world.receive(make_mail(to=world.reply_address() + ".invalid", sender="a@example.com"))
    InboundEmail.objects.update(received_at=OLD)
    purge(kinds=(Kept.TRACE,), days=30)
    reviewing.requeue([row.pk], now=timezone.now())
    processing.process(row.pk)
    assert left_of(row) == (True, True)
    assert purge(kinds=(Kept.TRACE,), days=30) == [(Kept.TRACE, 1)]
    assert left_of(row) == (True, False)


def test_a_row_that_is_brought_back_meanwhile_keeps_its_bytes(monkeypatch):
    row = aged()
    rows = purging._old(row.mailbox, NOW).filter(raw_purged_at=None, status__in=purging.ENDED)
    batches = purging._empty(rows, dry_run=False, own_raw=b"", raw_purged_at=NOW)

    class Rows(list):
        """The ids are read; then, before the UPDATE, a person brings the row back."""

        def __bool__(self):
            reviewing.requeue([row.pk], now=NOW)
            return len(self) > 0

    monkeypatch.setattr(purging, "list", Rows, raising=False)
    assert next(batches) == 0
    assert left_of(row)[0] is True


PNG = "iVBORw0KGgo="


def with_file(to, sender):
    lines = [
        f"From: {sender}",
        f"To: {to}",
        "Subject: A picture",
        "Message-ID: <picture@example.com>",
        'Content-Type: multipart/mixed; boundary="b"',
        "",
        "--b",
        "",
        "See the file.",
        "--b",
        "Content-Type: application/pdf",
        'Content-Disposition: attachment; filename="door.pdf"',
        "Content-Transfer-Encoding: base64",
        "",
        PNG,
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


@pytest.fixture
def world():
    return make_world()


@pytest.fixture(params=["note", "issue"])
def upload(request, world):
    by_note = request.param == "note"
    to = world.reply_address() if by_note else world.issue_address()
    row = world.receive(with_file(to, world.member.email))
    assert row.status == Status.PROCESSED
    Upload.objects.update(created_at=OLD)
    return Upload.objects.get()


@pytest.mark.django_db(transaction=True)
def test_files_that_came_by_mail_go_after_their_days(keep, world, upload):
    keep.KEEP_ATTACHMENTS_DAYS = 30
    path = uploads.path_of(upload)
    assert path.exists()
    written = Upload.objects.get()
    written.pk, written.secret, written.note, written.issue = None, "0" * 32, None, world.issue
    written.save(force_insert=True)
    Upload.objects.filter(pk=written.pk).update(created_at=OLD)
    assert purge() == [(Kept.ATTACHMENTS, 1)]
    assert list(Upload.objects.all()) == [written]
    assert not path.parent.exists()
    assert Issue.objects.exists()
    assert purge() == [(Kept.ATTACHMENTS, 0)]


def test_young_files_and_those_of_other_mailboxes_stay(keep, upload):
    keep.KEEP_ATTACHMENTS_DAYS = 32
    MailboxFactory(keep_attachments_days=1)
    assert {count for _kept, count in purge()} == {0}
    assert uploads.path_of(upload).exists()


def test_batches_are_small_and_each_commits(monkeypatch):
    monkeypatch.setattr(purging, "BATCH_ROWS", 2)
    mailbox = MailboxFactory()
    rows = [aged(mailbox=mailbox) for _ in range(5)]
    with CaptureQueriesContext(connection) as queries:
        assert purge(kinds=(Kept.RAW,), days=30) == [(Kept.RAW, 5)]
    statements = [q["sql"].split()[0] for q in queries.captured_queries]
    assert statements.count("UPDATE") == 3
    assert not any(left_of(row)[0] for row in rows)


def test_time_that_is_over_leaves_the_rest_to_the_next_run(monkeypatch):
    monkeypatch.setattr(purging, "BATCH_ROWS", 1)
    mailbox = MailboxFactory(keep_raw_days=30)
    for _ in range(3):
        aged(mailbox=mailbox)
    aged(mailbox=MailboxFactory(keep_raw_days=30))
    over = Budget.of(0)
    counts = [[each.count for each in purging.purge(Wanted(), now=NOW, budget=over)]]
    while counts[-1] and counts[-1][-1]:
        counts.append([each.count for each in purging.purge(Wanted(), now=NOW, budget=over)])
    assert [sum(each) for each in counts] == [1, 1, 1, 1, 0]


def test_beat_purges_by_the_settings(keep):
    keep.KEEP_RAW_DAYS = 30
    row = aged()
    tasks.purge()
    assert left_of(row)[0] is False


@pytest.mark.parametrize("kept", ["raw", "trace"])
def test_rows_are_found_by_an_index(kept):
    """With a million rows it must not read them all."""
    mailbox = MailboxFactory()
    rows = purging._old(mailbox, NOW).filter(**{f"{kept}_purged_at": None}).order_by("received_at")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = rows.values_list("pk", flat=True)[:500].explain()
    assert f"inbound_kept_{kept}" in plan
    assert "TEMP B-TREE" not in plan


def test_command_by_kind_age_and_mailbox():
    row, other = aged(mailbox__name="support"), aged(mailbox__name="other")
    words = ("--kind", "raw", "--older-than", "30", "--mailbox", "support")
    sentence = "support: 1 raw messages older than 30 days"
    assert run(COMMAND, *words, "--dry-run")[:2] == (0, f"{sentence} would be removed\n")
    assert left_of(row)[0] is True
    assert run(COMMAND, *words)[:2] == (0, f"{sentence} removed\n")
    assert (left_of(row)[0], left_of(other)[0]) == (False, True)


def test_command_without_anything_to_do():
    MailboxFactory()
    assert run(COMMAND)[1] == "There is nothing to remove: everything is kept forever.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--older-than", "30"), "--older-than is a number of days above 0, and needs --kind"),
        (("--older-than", "-1", "--kind", "raw"), "--older-than is a number of days above 0"),
        (("--mailbox", "x"), "There is no mailbox “x”. There are: –."),
    ],
)
def test_command_that_is_not_clear_removes_nothing(words, sentence):
    status, _, error = run(COMMAND, *words)
    assert (status, sentence in error) == (64, True)


def test_value_is_frozen_and_named():
    assert Purged("support", Kept.RAW, 30, 1).kept.label == "raw messages"
