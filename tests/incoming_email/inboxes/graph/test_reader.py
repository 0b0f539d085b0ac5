"""Reading and acknowledging mail by Microsoft Graph, against a strict stand-in for it."""

from datetime import UTC, datetime, timedelta

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.folders import write_position
from incoming_email.inboxes.graph.account import GraphAccount
from incoming_email.inboxes.graph.connection import Listed
from incoming_email.inboxes.graph.reader import Mark
from incoming_email.inboxes.opening import open_inbox
from incoming_email.inboxes.trouble import MAX_IN_A_ROW
from tests.servers.graph import FakeGraph, refusal
from tests.servers.https import Answer
from tests.servers.reading import contents, mail, read_all
from tests.waiting import PATIENCE_SECONDS

MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def fill(graph: FakeGraph, count: int) -> list[str]:
    return [graph.deliver(mail(str(n)), MAY + n * MINUTE) for n in range(count)]


def numbered(*numbers: int) -> list[bytes]:
    return [mail(str(number)) for number in numbers]


def test_mail_comes_byte_for_byte_oldest_first(graph: FakeGraph) -> None:
    graph.deliver(b"Subject: b\r\n\r\n\xff\x00\n", MAY + MINUTE)
    first = graph.deliver(b"Subject: a\r\n\r\n.\r\n", MAY)

    with open_inbox(graph.account()) as inbox:
        messages = read_all(inbox)

    assert contents(messages) == [b"Subject: a\r\n\r\n.\r\n", b"Subject: b\r\n\r\n\xff\x00\n"]
    assert messages[0].source_id == first


def test_delivered_mail_goes_to_the_deleted_items(graph: FakeGraph) -> None:
    fill(graph, 2)

    with open_inbox(graph.account()) as inbox:
        read_all(inbox)
        assert read_all(inbox) == []

    assert {each.folder for each in graph.messages.values()} == {"deleteditems"}


def test_delivered_mail_may_be_kept_as_read(graph: FakeGraph) -> None:
    fill(graph, 2)
    account = graph.account(delete_after_delivery=False)

    with open_inbox(account) as inbox:
        assert contents(read_all(inbox)) == numbered(0, 1)
        position = inbox.position
    with open_inbox(account, position=position) as inbox:
        assert read_all(inbox) == []

    assert {(each.folder, each.is_read) for each in graph.messages.values()} == {("inbox", True)}
    assert graph.count("$value") == 2


def test_reading_marks_nothing(graph: FakeGraph) -> None:
    fill(graph, 2)

    with open_inbox(graph.account()) as inbox:
        assert [contents(list(batch)) for batch in inbox.unread()] == [numbered(0, 1)]

    assert not any(each.is_read for each in graph.messages.values())
    assert graph.count("PATCH") == graph.count("DELETE") == 0


def test_read_mail_is_left_alone_at_first_and_taken_when_it_came_since(graph: FakeGraph) -> None:
    graph.deliver(mail("long read"), MAY, is_read=True)
    account = graph.account(delete_after_delivery=False)
    with open_inbox(account) as inbox:
        assert read_all(inbox) == []
        position = inbox.position
    graph.deliver(mail("opened in Outlook"), datetime.now(UTC) + MINUTE, is_read=True)

    with open_inbox(account, position=position) as inbox:
        assert contents(read_all(inbox)) == [mail("opened in Outlook")]
        assert read_all(inbox) == []


def test_pages_are_followed_by_their_link_and_nothing_is_marked_in_between(
    graph: FakeGraph,
) -> None:
    fill(graph, 7)
    graph.page_size = 2

    with open_inbox(graph.account(batch_count=3)) as inbox:
        assert contents(read_all(inbox)) == numbered(*range(7))

    assert graph.count("skiptoken") == 3
    last_page = max(n for n, line in enumerate(graph.asked) if "skiptoken" in line)
    assert all("DELETE" not in line for line in graph.asked[:last_page])


def test_a_next_page_on_another_server_gets_no_token(graph: FakeGraph) -> None:
    body = b'{"value": [], "@odata.nextLink": "https://evil.example.com/v1.0/x"}'
    graph.fail("/messages?", Answer(200, body))
    with open_inbox(graph.account()) as inbox, pytest.raises(InboxError, match="another server"):
        read_all(inbox)


def test_batches_are_capped_by_count_and_by_bytes(graph: FakeGraph) -> None:
    for number in range(5):
        graph.deliver(b"x" * 100, MAY + number * MINUTE)

    def sizes(**limits: int) -> list[int]:
        with open_inbox(graph.account(**limits)) as inbox:
            return [len(batch) for batch in inbox.unread()]

    assert sizes(batch_count=2) == [2, 2, 1]
    assert sizes(batch_bytes=201) == [3, 2]


def test_of_an_oversize_message_the_header_is_read_and_nothing_deleted(graph: FakeGraph) -> None:
    name = graph.deliver(mail("large", "x" * 2_000_000), MAY)
    account = graph.account(max_message_bytes=1000)

    with open_inbox(account) as inbox:
        (message,) = read_all(inbox)
        assert read_all(inbox) == []

    assert message.oversize
    assert message.content == b"From: sender@example.com\r\nSubject: large\r\n\r\n"
    assert (graph.messages[name].folder, graph.messages[name].is_read) == ("inbox", True)


def test_a_message_that_is_gone_is_passed_over(graph: FakeGraph) -> None:
    first, *_ = fill(graph, 3)
    graph.fail("$value", refusal(404, "ErrorItemNotFound"))

    with open_inbox(graph.account()) as inbox:
        (batch,) = inbox.unread()
        assert contents(list(batch)) == numbered(1, 2)
        del graph.messages[batch[0].source_id]
        inbox.acknowledge(batch)

    assert [name for name, each in graph.messages.items() if each.folder == "inbox"] == [first]


def test_a_message_that_the_server_cannot_give_does_not_stop_those_behind_it(
    graph: FakeGraph,
) -> None:
    fill(graph, 3)
    graph.fail("$value", refusal(422, "ErrorMimeContentConversionFailed"))

    with open_inbox(graph.account()) as inbox:
        assert contents(read_all(inbox)) == numbered(1, 2)
        assert contents(read_all(inbox)) == numbered(0)


def test_a_server_that_can_give_no_message_is_given_up(graph: FakeGraph) -> None:
    fill(graph, 9)
    graph.fail("$value", *[refusal(422, "ErrorMimeContentConversionFailed")] * 9)
    with open_inbox(graph.account()) as inbox, pytest.raises(InboxError, match="422"):
        read_all(inbox)
    assert graph.count("$value") == MAX_IN_A_ROW


def test_a_message_that_was_not_read_here_is_not_acknowledged(graph: FakeGraph) -> None:
    fill(graph, 1)
    with open_inbox(graph.account()) as inbox:
        (batch,) = inbox.unread()
    with open_inbox(graph.account()) as other, pytest.raises(InboxError, match="not read here"):
        other.acknowledge(batch)


def test_unread_mail_before_the_start_is_left_alone(graph: FakeGraph) -> None:
    fill(graph, 3)
    account = graph.account(starts_at=MAY + MINUTE, delete_after_delivery=False)

    with open_inbox(account) as inbox:
        assert inbox.count_waiting() == 2
        assert contents(read_all(inbox)) == numbered(1, 2)


def test_what_comes_is_taken_though_our_clock_is_ahead(graph: FakeGraph) -> None:
    account = graph.account(starts_at=datetime.now(UTC) + timedelta(days=1))
    with open_inbox(account) as inbox:
        assert read_all(inbox) == []
        position = inbox.position
    graph.deliver(mail("new"), datetime.now(UTC) + MINUTE)

    with open_inbox(account, position=position) as inbox:
        assert contents(read_all(inbox)) == [mail("new")]


def test_a_start_that_is_set_later_leaves_alone_what_came_since_the_last_reading(
    graph: FakeGraph,
) -> None:
    position: str | None = write_position(graph.account(), str(Mark(MAY)))
    graph.deliver(mail("read in the gap"), MAY + MINUTE, is_read=True)
    graph.deliver(mail("unread in the gap"), MAY + MINUTE)
    account = graph.account(starts_at=MAY + 2 * MINUTE)
    for _again in range(2):
        with open_inbox(account, position=position or "") as inbox:
            assert read_all(inbox) == []
            position = inbox.position

    graph.deliver(mail("new"), MAY + 3 * MINUTE, is_read=True)
    with open_inbox(account, position=position or "") as inbox:
        assert contents(read_all(inbox)) == [mail("new")]


def test_in_another_folder_read_mail_is_left_alone(graph: FakeGraph) -> None:
    """As after the mailbox was switched off for a while, and is to read another folder now."""
    graph.deliver(mail("read by people"), MAY + MINUTE, is_read=True)
    graph.deliver(mail("unread"), MAY + MINUTE)
    position = write_position(graph.account(user="former@example.com"), str(Mark(MAY)))

    with open_inbox(graph.account(), position=position) as inbox:
        assert contents(read_all(inbox)) == [mail("unread")]


def test_what_came_since_a_day_is_counted_and_filled_in_though_it_is_read(
    graph: FakeGraph,
) -> None:
    fill(graph, 3)
    for each in graph.messages.values():
        each.is_read = True
    account = graph.account(delete_after_delivery=False)

    with open_inbox(account, position=str(Mark(MAY)), since=MAY + MINUTE) as inbox:
        assert inbox.count_waiting() == 2
        assert contents(read_all(inbox)) == numbered(1, 2)
        assert (inbox.position, inbox.resynchronised) == (None, True)


@pytest.mark.parametrize("since", [None, MAY + MINUTE])
def test_a_question_that_is_too_complex_is_put_more_simply(
    graph: FakeGraph, since: datetime | None
) -> None:
    fill(graph, 3)
    graph.fail("orderby", refusal(400, "InefficientFilter"))

    with open_inbox(graph.account(), since=since) as inbox:
        assert contents(read_all(inbox)) == numbered(
            *range(3 if since is None else 0), *((1, 2) if since else ())
        )


def test_the_poll_interval_is_waited_for(graph: FakeGraph) -> None:
    with open_inbox(graph.account(poll_interval=2)) as inbox:
        read_all(inbox)
        assert not inbox.wait(0.1)
        assert inbox.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize(
    "mark",
    [
        Mark(MAY),
        Mark(MAY, ("00ff00ff",)),
        Mark(MAY + MINUTE / 3, ("0", "1"), 1_777_000_000),
        Mark(MAY, starts_at=1),
    ],
)
def test_a_mark_is_read_and_written_alike(mark: Mark) -> None:
    assert Mark.parse(str(mark)) == mark


@pytest.mark.parametrize("text", ["", "17", "2026-05-01", "2026-05-01T12:00:00", "7:40:3", " ,"])
def test_anything_else_is_no_mark(text: str) -> None:
    assert Mark.parse(text) is None


def test_the_mark_knows_the_messages_of_its_second_and_fits_its_column() -> None:
    mark = Mark(MAY + MINUTE / 7, starts_at=4_000_000_000)
    messages = [Listed(f"id-{number}", MAY + MINUTE, True) for number in range(40)]
    for each in messages:
        mark = mark.beyond(each)
    assert [mark.is_known(each) for each in messages] == [False] * 20 + [True] * 20
    assert mark.beyond(Listed("older", MAY, True)) == mark
    assert len(write_position(GraphAccount("user", "tenant", "client"), str(mark))) <= 255
