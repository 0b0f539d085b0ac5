"""Step by step: what is wrong with an IMAP account."""

import shutil
import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from incoming_email.inboxes.asking import ask_steps
from incoming_email.inboxes.base import Answer, Finding
from incoming_email.inboxes.imap import diagnosis as imap_diagnosis
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.imap.descriptor import IMAP
from tests.servers.certificates import make_certificate
from tests.servers.dovecot import Dovecot, free_ports
from tests.servers.fake_imap import DRIP, FakeImap
from tests.servers.imap_behaviours import Behaviour
from tests.waiting import PATIENCE_SECONDS

YES, NO, WARN, SKIPPED = Answer.YES, Answer.NO, Answer.WARN, Answer.SKIPPED
STEPS = ["dns", "tcp", "tls", "login", "folder", "capabilities"]

services = pytest.mark.services


def diagnose(account: ImapAccount, *, seconds: float = 10.0) -> Generator[Finding, None, None]:
    """The steps that look for a fault; those behind tell of what is in the folder."""
    with closing(ask_steps(IMAP.check, account, "", seconds=seconds)) as asked:
        for step, said in islice(asked, len(STEPS)):
            yield Finding(step, said.answer, said.detail, said.remedy)


def answers(findings: list[Finding]) -> list[Answer]:
    assert [finding.step for finding in findings] == STEPS
    return [finding.answer for finding in findings]


def failure(account: ImapAccount, *, seconds: float = 10.0) -> Finding:
    """The one step that fails; those behind it are skipped."""
    findings = list(diagnose(account, seconds=seconds))
    place = answers(findings).index(NO)
    assert NO not in answers(findings)[:place]
    assert set(answers(findings)[place + 1 :]) <= {SKIPPED}
    assert findings[place].detail
    assert findings[place].remedy
    return findings[place]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@services
def test_a_good_account_in_clear_on_this_machine(dovecot: Dovecot, imap_user: str) -> None:
    dovecot.append(imap_user, b"Subject: one\r\n\r\n")
    findings = list(diagnose(dovecot.account(imap_user)))
    assert answers(findings) == [YES, YES, SKIPPED, YES, YES, YES]
    assert findings[4].detail == "1 messages in inbox"
    assert findings[5].detail == "IDLE, UIDPLUS"


@services
@pytest.mark.parametrize("changes", [{"ssl": True}, {"start_tls": True}])
def test_a_good_encrypted_account(
    dovecot: Dovecot, imap_user: str, changes: dict[str, bool]
) -> None:
    port = dovecot.tls_port if "ssl" in changes else dovecot.port
    account = dovecot.account(imap_user, port=port, ca_file=dovecot.ca_file, **changes)
    findings = list(diagnose(account))
    assert answers(findings) == [YES] * 6
    assert findings[2].detail.startswith("encrypted; the certificate is good until 20")


@services
def test_nothing_is_marked_by_a_diagnosis(dovecot: Dovecot, imap_user: str) -> None:
    dovecot.append(imap_user, b"Subject: one\r\n\r\n")
    list(diagnose(dovecot.account(imap_user)))
    assert dovecot.messages(imap_user) == {1: frozenset()}


@services
def test_a_wrong_password(dovecot: Dovecot, imap_user: str) -> None:
    finding = failure(dovecot.account(imap_user, password="wrong"))
    assert finding.step == "login"
    assert finding.detail == "[AUTHENTICATIONFAILED] Authentication failed."


@services
def test_a_missing_folder(dovecot: Dovecot, imap_user: str) -> None:
    finding = failure(dovecot.account(imap_user, folder="Support"))
    assert finding.step == "folder"
    assert finding.detail == "the folder Support does not exist; there are: INBOX"


@services
def test_tls_on_a_plain_port(dovecot: Dovecot, imap_user: str) -> None:
    finding = failure(dovecot.account(imap_user, ssl=True, ca_file=dovecot.ca_file))
    assert finding.step == "tls"
    assert "switch ssl off" in finding.remedy


@services
def test_no_tls_on_a_tls_port(dovecot: Dovecot, imap_user: str) -> None:
    finding = failure(dovecot.account(imap_user, port=dovecot.tls_port), seconds=1.0)
    assert finding.step == "login"
    assert "(993) needs ssl on" in finding.remedy


@services
def test_an_unknown_authority(dovecot: Dovecot, imap_user: str) -> None:
    finding = failure(dovecot.account(imap_user, port=dovecot.tls_port, ssl=True))
    assert finding.step == "tls"
    assert finding.remedy == (
        "Name the PEM file of the authority that signed it as the account's CA file."
    )


@services
def test_a_certificate_of_another_name(dovecot: Dovecot, imap_user: str) -> None:
    account = dovecot.account(imap_user, host="127.0.0.1", start_tls=True, ca_file=dovecot.ca_file)
    finding = failure(account)
    assert finding.step == "tls"
    assert "127.0.0.1" in finding.detail


@services
def test_a_self_signed_certificate() -> None:
    with Dovecot() as server:
        tls = Path(server.ca_file).parent
        shutil.copy(tls / "ca.pem", tls / "server.pem")
        shutil.copy(tls / "ca.key", tls / "server.key")
        server.restart()
        finding = failure(server.account(server.take_user(), port=server.tls_port, ssl=True))
    assert finding.step == "tls"
    assert "self-signed" in finding.detail or "self signed" in finding.detail
    assert "CA file" in finding.remedy


@services
def test_a_certificate_that_ends_soon() -> None:
    with Dovecot() as server:
        make_certificate(Path(server.ca_file).parent, "server", ["localhost"], days=13)
        server.restart()
        account = server.account(server.take_user(), start_tls=True, ca_file=server.ca_file)
        findings = list(diagnose(account))
    assert answers(findings) == [YES, YES, WARN, YES, YES, YES]
    assert findings[2].detail.startswith("the certificate ends on 20")


def test_a_ca_file_that_is_not_there(silent_port: int) -> None:
    account = ImapAccount("127.0.0.1", silent_port, ssl=True, ca_file="/nowhere/ca.pem")
    finding = failure(account)
    assert (finding.step, finding.remedy) == ("tls", "Check the path of the CA file.")


def test_a_port_that_nobody_listens_on() -> None:
    finding = failure(ImapAccount("127.0.0.1", free_ports(1)[0]))
    assert finding.step == "tcp"
    assert finding.detail == "[Errno 111] Connection refused"
    assert finding.remedy == "Check host and port, and whether the mail server runs."


def test_a_port_out_of_range() -> None:
    assert failure(ImapAccount("127.0.0.1", 70_000)).step in {"dns", "tcp"}


@pytest.mark.parametrize(("ssl", "step"), [(False, "login"), (True, "tls")])
def test_a_silent_server(silent_port: int, ssl: bool, step: str) -> None:
    start = time.monotonic()
    account = ImapAccount("127.0.0.1", silent_port, ssl=ssl, timeout=PATIENCE_SECONDS)
    finding = failure(account, seconds=0.5)
    assert time.monotonic() - start < PATIENCE_SECONDS / 2
    assert finding.step == step
    assert finding.detail.startswith("no answer in time")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".invalid", "", "x y"])
def test_a_name_that_is_not_known(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    finding = failure(ImapAccount(host, 143))
    assert finding.step == "dns"
    assert finding.detail == "[Errno -2] Name or service not known"


def test_a_name_service_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def stall(*_arguments: object, **_options: object) -> list[object]:
        released.wait(PATIENCE_SECONDS)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", stall)
    start = time.monotonic()
    finding = failure(ImapAccount("mail.example.com"), seconds=0.1)
    assert time.monotonic() - start < PATIENCE_SECONDS / 2
    released.set()
    assert (finding.step, finding.detail) == (
        "dns",
        "no answer in time (no answer from DNS about mail.example.com within 0.1 seconds)",
    )


def test_both_kinds_of_tls() -> None:
    with FakeImap({}) as server:
        finding = failure(server.account(ssl=True, start_tls=True))
    assert (finding.step, finding.detail) == ("tls", "ssl and start_tls are both on")


def test_a_server_without_starttls() -> None:
    with FakeImap({}) as server:
        finding = failure(server.account(start_tls=True))
    assert finding.step == "tls"
    assert server.sent("LOGIN") == []


def test_a_password_in_clear_to_another_machine_is_warned_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kinds = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    found = [(*kinds, ("192.0.2.1", 143)), (*kinds, ("127.0.0.1", 143))]
    monkeypatch.setattr(imap_diagnosis, "find_addresses", lambda *_, **_seconds: found)
    with FakeImap({}) as server:
        findings = list(diagnose(server.account()))
    assert answers(findings) == [YES, YES, WARN, YES, YES, YES]
    assert findings[2].detail == "the password and all mail travel in clear"


def test_a_folder_that_opens_read_only() -> None:
    with FakeImap({}) as server:
        server.script("SELECT", b"* 0 EXISTS\r\n* OK [READ-ONLY] no\r\nTAG OK [READ-ONLY] ok\r\n")
        assert failure(server.account()).step == "folder"


KEPT = "the folder inbox opens, but mail can't be "


@pytest.mark.parametrize(
    ("flags", "deletes", "detail"),
    [
        ("\\Deleted", True, f"{KEPT}marked as read (\\Seen)"),
        ("\\Deleted", False, f"{KEPT}marked as read (\\Seen)"),
        ("\\Seen \\Answered", True, f"{KEPT}deleted (\\Deleted)"),
        ("\\Seen \\Answered", False, ""),
    ],
)
def test_a_flag_that_cannot_be_kept_matters_where_it_is_set(
    flags: str, deletes: bool, detail: str
) -> None:
    """Cyrus shows the rights of the user so; without the right t nothing can be deleted."""
    with FakeImap({}, behaviour=Behaviour(kept_flags=flags)) as server:
        account = server.account(delete_after_delivery=deletes)
        (finding,) = [each for each in diagnose(account) if each.step == "folder"]
    assert finding.answer is (NO if detail else YES)
    assert detail in (finding.detail, "")


def test_missing_capabilities_are_warned_of() -> None:
    with FakeImap({}, capability="IMAP4rev1") as server:
        findings = list(diagnose(server.account(expunge_deleted=True)))
    assert answers(findings) == [YES, YES, SKIPPED, YES, YES, WARN]
    assert findings[5].detail == (
        "the server has no IDLE; the server has no UIDPLUS, so deleted messages are not expunged"
    )


def test_uidplus_is_not_missed_where_nothing_is_expunged() -> None:
    with FakeImap({}, capability="IMAP4rev1 IDLE") as server:
        findings = list(diagnose(server.account()))
    assert findings[5] == Finding("capabilities", YES, "IDLE")


def test_a_step_that_drips_ends_in_time() -> None:
    with FakeImap({}) as server:
        server.script("SELECT", b"* 0 EXISTS\r\n", then=DRIP)
        finding = failure(server.account(timeout=PATIENCE_SECONDS), seconds=1)
    assert finding.step == "folder"
    assert finding.detail.startswith("no answer in time")


def test_the_connection_is_closed_when_nobody_reads_on() -> None:
    with FakeImap({}) as server:
        findings = diagnose(server.account())
        assert [next(findings).step for _ in range(4)] == STEPS[:4]
        findings.close()
        assert server.commands[-1] == "LOGOUT"
