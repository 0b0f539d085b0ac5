"""Messages that a server can't hand over have a row each, stop nobody, and are read once they can
be."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from incoming_email.inboxes import trouble
from incoming_email.inboxes.base import InboxError, RawMessage
from incoming_email.models import InboundEmail, InboxMethod, Mailbox
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import fetching, reviewing, unreadable
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.pipeline.graph_mailboxes import make_graph_mailbox
from tests.incoming_email.world import make_mail, make_world
from tests.servers.dovecot import password_of
from tests.servers.fake_imap import DROP, PASSWORD, FakeImap
from tests.servers.graph import FakeGraph, refusal
from tests.servers.imap_behaviours import describe_message

pytestmark = pytest.mark.django_db(transaction=True)

SERVERBUG = b"TAG NO [SERVERBUG] Internal error occurred. Refer to server log.\r\n"
BYE = b"* BYE FETCH failed. Internal error occurred.\r\n"
CUT = b"* 1 FETCH (UID 2 BODY[] {5000}\r\nSubject: cut"
EMPTY = b"* 1 FETCH (UID 2 FLAGS ())\r\nTAG OK done\r\n"
PLACEHOLDER = "Safe Attachments Scan In Progress"


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def server(world):
    """Four messages; the keys of the world lead to an issue."""
    with FakeImap({}) as server:
        for number in range(1, 5):
            server.add(answer(world, number))
        yield server


@pytest.fixture
def mailbox(world, server):
    Mailbox.objects.update(enabled=False)
    return MailboxFactory(
        address=world.mailbox.address,
        host="127.0.0.1",
        port=server.port,
        user="user@example.test",
        password=PASSWORD,
    )


def answer(world, number, **changes):
    given = {"to": world.reply_address(), "sender": world.member.email, "body": f"No. {number}."}
    return make_mail(**(given | changes))


def fetch(mailbox):
    return fetching.fetch(Mailbox.objects.get(pk=mailbox.pk), holder="test")


def notes(world):
    return sorted(world.issue.notes.values_list("body", flat=True))


def statuses():
    return sorted(InboundEmail.objects.values_list("status", "reason", "attempts"))


def make_due():
    rows = InboundEmail.objects.filter(reason=Reason.UNREADABLE_ON_SERVER)
    return rows.update(next_attempt_at=timezone.now())


WAITS = (Status.FAILED, Reason.UNREADABLE_ON_SERVER)


@pytest.mark.parametrize(
    ("answer_to_it", "then"), [(SERVERBUG, ""), (BYE, DROP), (CUT, DROP), (EMPTY, "")]
)
def test_the_others_are_read_and_it_is_tried_again(world, server, mailbox, answer_to_it, then):
    others = [(uid, server.messages[uid]) for uid in (1, 3, 4)]
    told = [
        describe_message(uid, content, timezone.now(), "BODY", number=uid)
        for uid, content in others
    ]
    server.script("FETCH 1,2,3,4 (BODY", b"".join(told) + answer_to_it, then=then)
    server.script("FETCH 2 (BODY", answer_to_it, then=then)

    assert fetch(mailbox) == 3

    row = InboundEmail.objects.get(status=Status.FAILED)
    assert (row.reason, row.attempts) == (Reason.UNREADABLE_ON_SERVER, 1)
    assert row.source_id.endswith(":7:2")
    assert row.last_error.startswith("UID 2 of the folder inbox: ")
    assert server.flags[2] == set()
    assert notes(world) == ["No. 1.", "No. 3.", "No. 4."]
    assert Mailbox.objects.get(pk=mailbox.pk).failing_since is None

    server._script.clear()
    make_due()
    fetch(mailbox)

    assert "No. 2." in notes(world)
    row.refresh_from_db()
    assert (row.status, row.reason, row.last_error) == (Status.PROCESSED, "", "")
    assert server.flags[2] == {"\\Seen", "\\Deleted"}


def test_the_servers_own_words_stand_in_the_row(server, mailbox):
    server.script("(BODY", SERVERBUG, times=3)
    fetch(mailbox)
    row = InboundEmail.objects.filter(status=Status.FAILED).first()
    assert "[SERVERBUG] Internal error occurred. Refer to server log." in row.last_error


def test_it_is_not_asked_for_before_its_pause_is_over(server, mailbox):
    server.script("FETCH 1,2,3,4 (BODY", BYE, then=DROP)
    server.script("FETCH 2 (BODY", BYE, then=DROP, times=9)
    fetch(mailbox)
    server.commands.clear()
    assert fetch(mailbox) == 0
    assert server.sent("FETCH 2") == []

    pauses = []
    for _ in range(3):
        make_due()
        before = timezone.now()
        fetch(mailbox)
        row = InboundEmail.objects.get(status=Status.FAILED)
        pauses.append(round((row.next_attempt_at - before) / timedelta(minutes=1)))
    assert pauses == [2, 4, 8]
    assert row.attempts == 4
    assert unreadable.pause_after(500) == timedelta(days=1)


@pytest.mark.parametrize("broken", [4, 5])
def test_many_of_them_do_not_stop_the_mailbox(world, server, mailbox, broken):
    for number in range(5, broken + 5):
        server.add(answer(world, number))
    uids = range(1, broken + 1)
    server.script(f"FETCH {','.join(map(str, range(1, broken + 5)))} (BODY", BYE, then=DROP)
    for uid in uids:
        server.script(f"FETCH {uid} (BODY", BYE, then=DROP, times=9)

    assert fetch(mailbox) == 4

    assert notes(world) == [f"No. {number}." for number in range(broken + 1, broken + 5)]
    assert statuses()[:broken] == [(*WAITS, 1)] * broken


def test_more_of_them_than_one_visit_bears_are_passed_over_by_the_next(world, server, mailbox):
    most = trouble.MAX_IN_A_ROW
    for number in range(5, most + 3):
        server.add(answer(world, number))
    server.script("(BODY", BYE, then=DROP, times=1 + most)
    with pytest.raises(InboxError):
        fetch(mailbox)
    assert statuses() == [(*WAITS, 1)] * most

    assert fetch(mailbox) == 2
    assert notes(world) == [f"No. {number}." for number in (most + 1, most + 2)]


def test_a_size_that_breaks_is_of_its_message_alone(world, server, mailbox):
    server.script("FETCH 1,2,3,4 (RFC822.SIZE", BYE, then=DROP)
    server.script("FETCH 2 (RFC822.SIZE", BYE, then=DROP)
    assert fetch(mailbox) == 3
    assert statuses()[0] == (*WAITS, 1)


def test_a_server_that_is_away_is_no_fault_of_its_messages(server, mailbox):
    server.script("(BODY", b"", then=DROP, times=9)
    server.script("LOGIN", b"TAG OK done\r\n")
    server.script("LOGIN", b"", then=DROP, times=9)
    with pytest.raises(InboxError):
        fetch(mailbox)
    assert not InboundEmail.objects.exists()


def test_one_that_was_removed_meanwhile_ends(server, mailbox):
    server.script("FETCH 1,2,3,4 (BODY", BYE, then=DROP)
    server.script("FETCH 2 (BODY", BYE, then=DROP)
    fetch(mailbox)
    server.remove(2)
    make_due()
    fetch(mailbox)
    row = InboundEmail.objects.get(status=Status.FAILED)
    assert row.reason == Reason.GONE_FROM_SERVER
    assert make_due() == 0


def test_one_that_somebody_reads_in_webmail_is_tried_again(world, server, mailbox):
    server.script("FETCH 1,2,3,4 (BODY", BYE, then=DROP)
    server.script("FETCH 2 (BODY", BYE, then=DROP)
    fetch(mailbox)
    server.flags[2] = {"\\Seen"}
    make_due()
    assert fetch(mailbox) == 1
    assert "No. 2." in notes(world)


def test_another_version_and_a_person_do_not_process_what_has_no_bytes(server, mailbox):
    server.script("FETCH 1,2,3,4 (BODY", BYE, then=DROP)
    server.script("FETCH 2 (BODY", BYE, then=DROP, times=2)
    fetch(mailbox)
    row = InboundEmail.objects.get(status=Status.FAILED)
    assert not InboundEmail.objects.failed_before("another").exists()
    now = timezone.now()
    assert reviewing.requeue([row.pk], now=now) == []
    assert reviewing.ask_again([row.pk], now=now) == [row.pk]
    row.refresh_from_db()
    assert (row.status, row.next_attempt_at) == (Status.FAILED, now)


def test_a_clock_that_jumped_does_not_put_it_off(mailbox):
    now = timezone.now()
    message = RawMessage("x:1:1", b"", fault="broken")
    unreadable.note(mailbox, [message], now=now + timedelta(days=30))
    assert unreadable.find_retries(mailbox, now=now).due == ("x:1:1",)


def test_a_placeholder_of_a_virus_scanner_is_waited_for(world, server, mailbox):
    def write(name):
        part = f'Content-Type: message/rfc822; name="{name}"\r\n\r\nSubject: {name}\r\n\r\n\r\n'
        return answer(world, 9).replace(
            b"\r\n\r\nNo. 9.",
            b'\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
            b"Content-Type: text/plain\r\n\r\nNo. 9.\r\n--b\r\n" + part.encode() + b"--b--\r\n",
        )

    uid = server.add(write(PLACEHOLDER))
    assert fetch(mailbox) == 4
    row = InboundEmail.objects.get(status=Status.FAILED)
    assert (row.reason, "virus scanner" in row.last_error) == (Reason.UNREADABLE_ON_SERVER, True)
    assert server.flags[uid] == set()

    for _ in range(unreadable.TRIES_WHILE_SCANNED - 1):
        make_due()
        assert fetch(mailbox) == 0
    make_due()
    assert fetch(mailbox) == 1  # it waited for an hour: taken as it is
    assert server.flags[uid] == {"\\Seen", "\\Deleted"}


def test_what_was_stored_is_processed_though_it_can_not_be_marked(world, server, mailbox):
    server.script("STORE", b"TAG NO disk full\r\n")
    with pytest.raises(InboxError, match="disk full"):
        fetch(mailbox)
    assert notes(world) == [f"No. {number}." for number in range(1, 5)]
    assert fetch(mailbox) == 0
    assert server.flags[4] == {"\\Seen", "\\Deleted"}


@pytest.mark.services
def test_files_that_dovecot_can_not_open(world, dovecot, imap_user):
    Mailbox.objects.update(enabled=False)
    mailbox = MailboxFactory(
        address=world.mailbox.address,
        host="localhost",
        port=dovecot.port,
        user=imap_user,
        password=password_of(imap_user),
    )
    dovecot.deliver(imap_user, *(answer(world, number) for number in range(8)))
    home = Path(dovecot.doveadm("user", "-f", "home", imap_user).strip())
    files = list((home / "Maildir").rglob("*,S=*"))
    assert len(files) == 8
    broken = [path for path in files if int(path.read_text().partition("No. ")[2][0]) < 5]
    for path in broken:
        os.chown(path, 0, 0)
        path.chmod(0)

    for _ in range(2):
        fetch(mailbox)

    assert notes(world) == ["No. 5.", "No. 6.", "No. 7."]
    assert statuses()[:5] == [(*WAITS, 1)] * 5

    for path in (home / "Maildir").rglob("*,S=*"):
        path.chmod(0o666)
    make_due()
    assert fetch(mailbox) == 5
    assert notes(world) == [f"No. {number}." for number in range(8)]


@pytest.fixture
def graph_mailbox(world, graph, settings):
    settings.HTTPS_CA_FILE = graph.ca_file
    return make_graph_mailbox(world, graph)


def deliver(world, graph: FakeGraph, count):
    start = timezone.now() - timedelta(days=1)
    return [
        graph.deliver(answer(world, number), start + timedelta(minutes=number))
        for number in range(count)
    ]


def test_graph_items_that_can_not_be_converted(world, graph, graph_mailbox):
    names = deliver(world, graph, 8)
    fault = refusal(500, "ErrorMimeContentConversionFailed", "The conversion failed.")
    for name in names[:5]:
        graph.fail(f"{name}/$value", fault)

    assert fetch(graph_mailbox) == 3

    assert notes(world) == ["No. 5.", "No. 6.", "No. 7."]
    assert statuses()[:5] == [(*WAITS, 1)] * 5
    assert graph.count("/$value") == 8  # each asked for once
    row = InboundEmail.objects.filter(status=Status.FAILED).first()
    assert "500 ErrorMimeContentConversionFailed" in row.last_error
    assert [graph.messages[name].is_read for name in names[:5]] == [False] * 5

    assert fetch(graph_mailbox) == 0
    assert graph.count("/$value") == 8
    graph.messages[names[0]].is_read = True  # somebody looked at it in Outlook
    make_due()
    assert fetch(graph_mailbox) == 5
    assert notes(world) == [f"No. {number}." for number in range(8)]
    assert not InboundEmail.objects.exclude(status=Status.PROCESSED).exists()


def test_a_graph_item_that_is_gone_ends(world, graph, graph_mailbox):
    (name,) = deliver(world, graph, 1)
    graph.fail("/$value", refusal(500, "ErrorMimeContentConversionFailed"))
    fetch(graph_mailbox)
    del graph.messages[name]
    make_due()
    fetch(graph_mailbox)
    assert InboundEmail.objects.get().reason == Reason.GONE_FROM_SERVER


def test_what_was_read_before_a_429_is_stored_and_the_pause_kept(world, graph, graph_mailbox):
    names = deliver(world, graph, 4)
    busy = refusal(429, "TooManyRequests", **{"Retry-After": "120"})
    graph.fail(f"{names[2]}/$value", busy)

    with pytest.raises(InboxError) as caught:
        fetch(graph_mailbox)

    assert caught.value.retry_after == 120
    assert notes(world) == ["No. 0.", "No. 1."]
    graph_mailbox.refresh_from_db()
    assert graph_mailbox.next_poll_at > timezone.now() + timedelta(seconds=60)
    graph.end_pause()
    assert fetch(graph_mailbox) == 2
    assert notes(world) == [f"No. {number}." for number in range(4)]
    assert InboundEmail.objects.count() == 4


def test_a_file_that_may_not_be_read(world, tmp_path, monkeypatch):
    for folder in ("tmp", "new", "cur"):
        (tmp_path / folder).mkdir()
    Mailbox.objects.update(enabled=False)
    mailbox = MailboxFactory(
        inbox_method=InboxMethod.MAILDIR, maildir_path=str(tmp_path), address=world.mailbox.address
    )
    for number in (1, 2, 3):
        (tmp_path / "new" / f"{number}.M1P1.host").write_bytes(answer(world, number))
    real = os.open

    def refuse_the_first(path, flags):
        if path.name.startswith("1."):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags)

    monkeypatch.setattr(os, "open", refuse_the_first)
    assert fetch(mailbox) == 2
    assert InboundEmail.objects.get(status=Status.FAILED).last_error.endswith("Permission denied")
    monkeypatch.undo()
    assert fetch(mailbox) == 0
    make_due()
    assert fetch(mailbox) == 1
    assert notes(world) == ["No. 1.", "No. 2.", "No. 3."]
