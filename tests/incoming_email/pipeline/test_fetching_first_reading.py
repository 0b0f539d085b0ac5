"""A new mailbox on a server that says in another way, or not at all, where new mail begins."""

import pytest
from django.core.management import CommandError, call_command

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.imap.position import NO_POSITION_REMEDY, NO_UID_NEXT
from incoming_email.models import InboundEmail
from incoming_email.pipeline import fetching
from tests.admin_site import admin, admin_user
from tests.admin_site import incoming_url as url
from tests.incoming_email.factories import MailboxFactory
from tests.servers.courier import Courier
from tests.servers.fake_imap import FakeImap
from tests.servers.imap_behaviours import COURIER, WITHOUT_POSITION
from tests.servers.reading import mail

__all__ = ["admin", "admin_user"]

pytestmark = pytest.mark.django_db(transaction=True)
SEEN, DELETED = "\\Seen", "\\Deleted"


def make_mailbox(server, **changes):
    account = server.account()
    given = {"host": account.host, "port": account.port, "user": account.user, "name": "support"}
    return MailboxFactory(**(given | {"password": account.password} | changes))


@pytest.fixture(params=["stand-in", pytest.param("real", marks=pytest.mark.services)])
def courier(request):
    is_real = request.param == "real"
    with Courier() if is_real else FakeImap({}, behaviour=COURIER) as server:
        yield server


def test_a_new_mailbox_takes_in_what_is_unread_and_then_what_comes(courier):
    for number in range(20):
        courier.add(mail(f"read {number}"), SEEN)
    unread = courier.add(mail("unread"))
    mailbox = make_mailbox(courier)

    assert fetching.fetch(mailbox, holder="first") == 1
    old = {uid: {SEEN} for uid in range(1, unread)}
    assert courier.flags == old | {unread: {SEEN, DELETED}}

    courier.add(mail("opened by somebody"), SEEN)
    mailbox.refresh_from_db()
    assert fetching.fetch(mailbox, holder="second") == 1
    assert InboundEmail.objects.count() == 2


def test_older_mail_is_counted_and_taken_in_when_it_is_asked_for(courier):
    courier.add(mail("read"), SEEN)
    courier.add(mail("deleted"), SEEN, DELETED)
    mailbox = make_mailbox(courier)
    fetching.fetch(mailbox, holder="first")

    call_command("backfill_mailbox", "support", "--since", "2020-01-01", "--preview")
    assert courier.flags == {1: {SEEN}, 2: {SEEN, DELETED}}
    call_command("backfill_mailbox", "support", "--since", "2020-01-01")
    assert courier.flags == {1: {SEEN, DELETED}, 2: {SEEN, DELETED}}
    assert InboundEmail.objects.count() == 1


@pytest.fixture
def silent():
    """A server that gives no position, with a read and an unread message."""
    with FakeImap({}, behaviour=WITHOUT_POSITION) as server:
        server.add(mail("read"), SEEN)
        server.add(mail("unread"))
        yield server


def test_the_mailbox_stops_with_a_sentence_and_no_message_is_touched(silent):
    mailbox = make_mailbox(silent)
    with pytest.raises(InboxError):
        fetching.fetch(mailbox, holder="first")
    mailbox.refresh_from_db()
    assert mailbox.last_error == f"{NO_UID_NEXT} {NO_POSITION_REMEDY}"
    assert (mailbox.position, mailbox.failing_since is None) == ("", False)
    assert silent.flags == {1: {SEEN}, 2: set()}
    assert InboundEmail.objects.count() == 0


def test_the_sentence_is_korean_where_the_site_is(silent, settings):
    settings.LANGUAGE_CODE = "ko"
    mailbox = make_mailbox(silent)
    with pytest.raises(InboxError):
        fetching.fetch(mailbox, holder="first")
    mailbox.refresh_from_db()
    assert mailbox.last_error.startswith("메일 서버가 이 폴더에서 새 메일이 시작되는 위치를")
    assert "가져오거나 표시한 메일은 없습니다." in mailbox.last_error


@pytest.mark.parametrize("view", ["test", "poll"])
@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "does not say where new mail begins"), ("ko", "새 메일이 시작되는 위치를")],
)
def test_the_admin_says_it_in_the_language_of_who_asks(silent, admin, view, language, words):
    mailbox = make_mailbox(silent)
    address = url("mailbox", view, mailbox.pk)
    page = admin.post(address, headers={"accept-language": language}, follow=True).text
    assert words in page


def test_a_filling_in_says_what_the_server_refuses(silent):
    make_mailbox(silent)
    silent.script("SEARCH", b"TAG NO not now\r\n")
    with pytest.raises(CommandError, match="not now"):
        call_command("backfill_mailbox", "support", "--since", "2020-01-01")
    assert silent.flags == {1: {SEEN}, 2: set()}
