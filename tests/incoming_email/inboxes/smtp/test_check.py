"""Our own listener: it greets, or the check says in the server's words why not."""

import pytest

from incoming_email.inboxes.base import Answer
from incoming_email.inboxes.methods import Said
from incoming_email.inboxes.smtp.account import Listener
from incoming_email.inboxes.smtp.check import ask
from tests.servers.dovecot import free_ports
from tests.servers.talking import talking
from tests.waiting import PATIENCE_SECONDS

YES, NO = Answer.YES, Answer.NO


def find_listener(seconds: float = PATIENCE_SECONDS, **changes: object) -> Said:
    port, lmtp_port = free_ports(2)
    given = {"host": "127.0.0.1", "port": port, "lmtp_port": lmtp_port}
    (said,) = ask(Listener(**(given | changes)), "", seconds)
    return said


@pytest.mark.parametrize(
    ("banner", "answer", "detail"),
    [
        (b"220 letterbox.localhost ready\r\n", YES, "it greets with 220"),
        (b"554 5.3.2 no service\r\n", NO, "554 5.3.2 no service"),
        (b"", NO, "Connection unexpectedly closed: timed out"),
    ],
)
def test_smtp_listener(banner, answer, detail):
    with talking(banner) as port:
        said = find_listener(PATIENCE_SECONDS if banner else 0.5, port=port)
    assert (said.answer, said.detail) == (answer, detail)


def test_closed_smtp_listener_names_the_command():
    said = find_listener()
    assert said.answer is NO
    assert said.remedy.startswith("Start it: python manage.py serve_smtp.")


@pytest.mark.parametrize(
    ("host", "is_alive", "answer"),
    [("0.0.0.0", True, YES), ("::", True, YES), ("0.0.0.0", False, NO), ("127.0.0.1", True, NO)],
)
def test_the_listener_of_another_container_is_known_by_its_sign_of_life(host, is_alive, answer):
    assert find_listener(host=host, is_alive=is_alive).answer is answer


def test_a_listener_that_speaks_lmtp_only_counts_too():
    with talking(b"220 letterbox.localhost ready\r\n") as port:
        said = find_listener(lmtp_port=port)
    assert (said.answer, said.detail) == (YES, "it greets with 220, by LMTP")
