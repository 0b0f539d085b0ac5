"""Servers that say in other ways, or not at all, where new mail begins: what the check says."""

import pytest
from django.utils.translation import override

from incoming_email.inboxes.imap.position import NO_POSITION_REMEDY, NO_UID_NEXT, NO_VALIDITY
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.monitoring.health.asking import check, refusal
from tests.servers.courier import Courier
from tests.servers.fake_imap import FakeImap
from tests.servers.imap_behaviours import COURIER, MAILUTILS, WITHOUT_POSITION, Behaviour
from tests.servers.reading import mail

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "incoming+%{key}@in.example.com"


def make_mailbox(server, **changes):
    account = server.account()
    given = {"host": account.host, "port": account.port, "user": account.user, "address": ADDRESS}
    return MailboxFactory(**(given | {"password": account.password} | changes))


@pytest.fixture(
    params=[
        pytest.param(COURIER, id="like Courier"),
        pytest.param(MAILUTILS, id="like mailutils"),
        pytest.param(None, id="Courier", marks=pytest.mark.services),
    ]
)
def server(request):
    """One read and one unread message."""
    with Courier() if request.param is None else FakeImap({}, behaviour=request.param) as server:
        server.add(mail("read"), "\\Seen")
        server.add(mail("unread"))
        yield server


def test_backlog_and_clock_are_found_and_nothing_is_marked(server):
    make_mailbox(server)
    found = check()
    assert (found["backlog"]["answer"], found["clock"]["answer"]) == ("yes", "yes")
    assert found["backlog"]["detail"] == "1 message is waiting to be fetched"
    assert found["clock"]["detail"] == "the newest message did not come in the future"
    assert server.flags == {1: {"\\Seen"}, 2: set()}


@pytest.mark.parametrize("position", ["7:0", "7:2"])
def test_backlog_of_a_mailbox_that_has_a_position(position):
    with FakeImap({1: mail("one"), 2: mail("two")}, behaviour=WITHOUT_POSITION) as server:
        server.flags[1] = server.flags[2] = {"\\Seen"}
        make_mailbox(server, position=position)
        found = check()
    assert found["backlog"]["answer"] == "yes"
    assert found["backlog"]["detail"].startswith("2 " if position == "7:0" else "0 ")


@pytest.mark.parametrize(
    ("behaviour", "detail"),
    [(WITHOUT_POSITION, NO_UID_NEXT), (Behaviour(tells_validity=False), NO_VALIDITY)],
)
def test_a_server_that_gives_no_position(behaviour, detail):
    with FakeImap({1: mail("one")}, behaviour=behaviour) as server:
        make_mailbox(server)
        assert refusal("backlog") == (detail, NO_POSITION_REMEDY)
        with override("ko"):
            korean = refusal("backlog")
    assert korean[0].startswith("메일 서버가 이 폴더")
    assert korean[1].startswith("가져오거나 표시한 메일은 없습니다.")


def test_a_folder_that_shows_no_time():
    with FakeImap({1: mail("one")}, behaviour=WITHOUT_POSITION) as server:
        make_mailbox(server, position="7:1")
        found = check()
    assert found["clock"]["answer"] == "skipped"
    assert found["clock"]["detail"] == "the server does not say when its newest message came"
