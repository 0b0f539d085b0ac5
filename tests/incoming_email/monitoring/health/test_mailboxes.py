"""What is asked about one mailbox: yes when all is well, else what is wrong and what to do."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.translation import override

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.models import InboxMethod, Mailbox, Probe
from incoming_email.monitoring import health
from incoming_email.monitoring.health import inboxes, mailboxes
from tests.factories import EmailAddressFactory, UserFactory
from tests.incoming_email.factories import MailboxFactory
from tests.servers.dovecot import Dovecot, password_of
from tests.servers.fake_imap import FakeImap
from tests.servers.talking import talking

YES, NO, WARN, SKIPPED = Answer.YES, Answer.NO, Answer.WARN, Answer.SKIPPED
NOW = timezone.now()


def answers(findings, mailbox):
    return {f.finding.step: f.finding.answer for f in findings if f.mailbox == mailbox.name}


def find(findings, step) -> Finding:
    (only,) = (each.finding for each in findings if each.finding.step == step)
    return only


def imap_mailbox(server: Dovecot | FakeImap, user: str, **changes: object) -> Mailbox:
    password = password_of(user)
    values = {"host": "localhost", "port": server.port, "user": user, "password": password}
    return MailboxFactory(**(values | changes))


@pytest.mark.services
def test_sound_imap_mailbox_answers_yes_to_all(db, dovecot, imap_user):
    mailbox = imap_mailbox(dovecot, imap_user, address="incoming+%{key}@in.example.com")
    dovecot.deliver(imap_user, b"Subject: one\r\n\r\none\r\n", b"Subject: two\r\n\r\ntwo\r\n")
    findings = health.diagnose_mailbox(mailbox)
    assert answers(findings, mailbox) == {
        "configuration": YES,
        "encrypted file": SKIPPED,
        "secret": YES,
        "dns": YES,
        "tcp": YES,
        "tls": SKIPPED,
        "login": YES,
        "folder": YES,
        "capabilities": YES,
        "backlog": YES,
        "clock": YES,
        "same folder": YES,
        "domain": YES,
    }
    assert find(findings, "backlog").detail == "2 messages are waiting to be fetched"
    assert {(f.inbox_method, f.server) for f in findings} == {("imap", f"localhost:{dovecot.port}")}
    assert set(dovecot.messages(imap_user).values()) == {frozenset()}


@pytest.mark.services
def test_long_backlog_warns(db, dovecot, imap_user, monkeypatch):
    monkeypatch.setattr(inboxes, "BACKLOG_MESSAGES", 1)
    dovecot.deliver(imap_user, b"Subject: one\r\n\r\none\r\n", b"Subject: two\r\n\r\ntwo\r\n")
    finding = find(health.diagnose_mailbox(imap_mailbox(dovecot, imap_user)), "backlog")
    assert (finding.answer, finding.detail) == (WARN, "2 messages are waiting to be fetched")


@pytest.mark.services
def test_refused_password_is_shown_in_the_servers_words(db, dovecot, imap_user):
    mailbox = imap_mailbox(dovecot, imap_user, password="wrong-secret")
    findings = health.diagnose_mailbox(mailbox)
    assert find(findings, "login").answer is NO
    assert "Authentication failed" in find(findings, "login").detail
    assert find(findings, "backlog").answer is SKIPPED
    assert "wrong-secret" not in str(findings)


def test_backlog_that_is_refused_says_no(db):
    with FakeImap({1: b"Subject: one\r\n\r\none\r\n"}) as server:
        server.script("UID SEARCH", b"TAG NO too busy\r\n")
        findings = health.diagnose_mailbox(imap_mailbox(server, "user"))
    assert (find(findings, "folder").answer, find(findings, "backlog").answer) == (YES, NO)
    assert "too busy" in find(findings, "backlog").detail


def test_the_server_is_logged_in_to_once(db):
    with FakeImap({1: b"Subject: one\r\n\r\none\r\n"}) as server:
        findings = health.diagnose_mailbox(imap_mailbox(server, "user"))
        assert len(server.sent("LOGIN")) == 1
    assert find(findings, "backlog").answer is YES


def test_steps_are_skipped_in_the_readers_language(db):
    with override("ko"):
        findings = health.diagnose_mailbox(MailboxFactory(host="127.0.0.1", port=1))
    assert find(findings, "tcp").answer is NO
    assert {find(findings, step).detail for step in ("tls", "capabilities", "clock")} == {
        "앞 단계가 실패했습니다"
    }


@pytest.mark.slow
def test_silent_server_ends_within_the_time_of_its_step(db):
    with talking(b"") as port:
        mailbox = MailboxFactory(host="127.0.0.1", port=port)
        started = time.monotonic()
        findings = health.diagnose(now=NOW)
        assert 9 < time.monotonic() - started < mailboxes.WHOLE_SECONDS
    found = answers(findings, mailbox)
    assert (found["tcp"], found["login"], found["folder"]) == (YES, NO, SKIPPED)


def test_mailboxes_are_asked_side_by_side(db):
    with talking(b"") as port:
        MailboxFactory.create_batch(20, host="127.0.0.1", port=port)
        started = time.monotonic()
        findings = health.diagnose(now=NOW, timeout=1)
        assert time.monotonic() - started < 15
    assert [f.finding.answer for f in findings if f.finding.step == "login"] == [NO] * 20


def test_incomplete_configuration_is_not_asked_of_a_server(db):
    mailbox = MailboxFactory(host="", address="incoming+%{nokey}@in.example.com")
    findings = health.diagnose_mailbox(mailbox)
    assert find(findings, "configuration") == Finding(
        "configuration",
        NO,
        "address: The only placeholder is %{key}. host: IMAP needs the name of the server.",
        "Correct the mailbox in the admin.",
    )
    asked = ("dns", "tcp", "tls", "login", "folder", "capabilities", "backlog")
    assert {find(findings, step).answer for step in asked} == {SKIPPED}
    assert find(findings, "domain").answer is SKIPPED


def test_dedicated_address_warns(db):
    finding = mailboxes.find_configuration(MailboxFactory(address="incoming@in.example.com"))
    assert finding.answer is WARN
    assert finding.detail == "the address has no %{key}, so it accepts replies only"
    assert "If it has none, incoming-%{key}@ with a catch-all mailbox" in finding.remedy


def test_mailbox_that_is_off_warns(db):
    finding = mailboxes.find_configuration(MailboxFactory(enabled=False))
    assert finding.answer is WARN
    assert finding.detail == "the mailbox is switched off, so nobody reads it"


def test_password_that_no_key_fits(db, settings):
    with FakeImap({}) as server:
        mailbox = imap_mailbox(server, "user", password="imap-secret")
        settings.ENCRYPTION_KEYS = ["another-key"]
        mailbox.refresh_from_db()
        findings = health.diagnose_mailbox(mailbox)
    found = answers(findings, mailbox)
    assert (found["secret"], found["tcp"]) == (NO, YES)
    assert [step for step, answer in found.items() if answer is SKIPPED] == [
        *("encrypted file", "tls", "login", "folder", "capabilities", "backlog", "clock"),
    ]
    assert server.sent("LOGIN") == []


def test_missing_password(db):
    def find_secret(mailbox: Mailbox) -> Finding:
        return find(health.diagnose_mailbox(mailbox, timeout=0.1), "secret")

    unreachable = {"host": "127.0.0.1", "port": 1}
    assert find_secret(MailboxFactory(**unreachable, password="")).detail == "no password is stored"
    assert find_secret(MailboxFactory(**unreachable)) == Finding("secret", YES)


@pytest.mark.parametrize(
    ("host", "port", "user", "folder", "same"),
    [
        ("IMAP.example.com", 993, "incoming", "INBOX", NO),
        ("imap.example.com", 143, "incoming", "inbox", NO),
        ("imap.example.com", 1143, "incoming", "inbox", YES),
        ("imap.example.com", 143, "other", "inbox", YES),
        ("imap.example.com", 143, "incoming", "Archive", YES),
    ],
)
def test_another_mailbox_reads_the_same_folder(db, host, port, user, folder, same):
    mine = MailboxFactory(user="incoming")
    other = MailboxFactory(name="twin", host=host, port=port, user=user, folder=folder)
    (finding,) = mailboxes.find_same_folder(mine, [mine, other])
    assert finding.answer is same
    assert ("twin" in finding.detail) is (same is NO)


def test_same_folder_of_a_disabled_mailbox_does_not_count(db):
    with FakeImap({}) as server:
        imap_mailbox(server, "user", enabled=False)
        findings = health.diagnose_mailbox(imap_mailbox(server, "user"))
    assert find(findings, "same folder").answer is YES


def test_domain_of_our_own_sender_warns(db, settings):
    settings.DEFAULT_FROM_EMAIL = "Letterbox <letterbox@Example.com>"
    finding = mailboxes.find_domain(MailboxFactory(address="incoming+%{key}@example.COM"))
    assert finding.answer is WARN
    assert finding.remedy == "Use a domain of its own for this mailbox, for example a subdomain."


def test_domain_of_a_person_warns(db):
    mailbox = MailboxFactory(address="incoming+%{key}@in.example.com")
    assert mailboxes.find_domain(mailbox).answer is YES
    UserFactory(email="ada@notin.example.com")
    assert mailboxes.find_domain(mailbox).answer is YES
    EmailAddressFactory(email="ada@in.example.com")
    assert mailboxes.find_domain(mailbox).answer is WARN


def test_domain_of_an_unproven_account_address_warns(db):
    UserFactory(email="Ada@IN.example.com", address=False)
    mailbox = MailboxFactory(address="incoming+%{key}@in.example.com")
    assert mailboxes.find_domain(mailbox).answer is WARN


def test_smtp_mailbox_is_asked_at_its_listener(db, settings):
    with talking(b"220 letterbox.localhost ready\r\n") as port:
        settings.SMTP_LISTENER_PORT = port
        mailbox = MailboxFactory(inbox_method=InboxMethod.SMTP, host="", user="", password="")
        findings = health.diagnose_mailbox(mailbox)
    assert answers(findings, mailbox) == {"configuration": YES, "listener": YES, "domain": YES}
    assert {(f.inbox_method, f.server) for f in findings} == {("smtp", f"127.0.0.1:{port}")}


@pytest.fixture
def smtp_mailbox(settings):
    with talking(b"220 letterbox.localhost ready\r\n") as settings.SMTP_LISTENER_PORT:
        yield MailboxFactory(inbox_method=InboxMethod.SMTP, probe_minutes=5)


def find_probe(mailbox: Mailbox) -> Finding:
    return find(health.diagnose_mailbox(mailbox, timeout=1), "last probe")


def test_probes_are_told_of_only_where_they_go_by_the_clock(db, smtp_mailbox):
    Mailbox.objects.update(probe_minutes=0)
    smtp_mailbox.refresh_from_db()
    steps = [each.finding.step for each in health.diagnose_mailbox(smtp_mailbox, timeout=1)]
    assert "last probe" not in steps


@pytest.mark.parametrize("backend", ["django.core.mail.backends.dummy.EmailBackend", "smtp"])
def test_no_probe_yet(db, smtp_mailbox, settings, backend):
    settings.EMAIL_BACKEND = "issues.sending.EmailBackend" if backend == "smtp" else backend
    finding = find_probe(smtp_mailbox)
    assert finding.answer is SKIPPED
    sign = (
        "no test message is back or late yet"
        if backend == "smtp"
        else "EMAIL_URL names no mail server"
    )
    assert sign in finding.detail


@pytest.mark.parametrize(
    ("state", "took", "answer", "detail", "remedy"),
    [
        ("done", 8, YES, "took 8 seconds", ""),
        ("slow", 400, WARN, "took 400 seconds", "The mailbox's page shows which part"),
        ("lost", None, WARN, "is not back: the mail is still waiting to be sent", "Start worker"),
    ],
)
def test_last_probe(db, smtp_mailbox, state, took, answer, detail, remedy):
    processed_at = NOW + timedelta(seconds=took) if took else None
    Probe.objects.create(
        mailbox=smtp_mailbox,
        created_at=NOW,
        processed_at=processed_at,
        state=state,
        stopped_in="" if took else "sending",
        is_scheduled=True,
    )
    finding = find_probe(smtp_mailbox)
    assert finding.answer is answer
    assert finding.detail.endswith(detail)
    assert finding.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("columns", "detail"),
    [
        ({"last_success_at": NOW - timedelta(minutes=29)}, None),
        (
            {"last_success_at": NOW - timedelta(hours=2)},
            "nobody has read this mailbox for 2 hours",
        ),
        ({"last_success_at": None}, "nobody has read this mailbox yet"),
        (
            {"last_success_at": NOW + timedelta(days=1)},
            "this mailbox was last read at a time that is still to come",
        ),
        ({"last_success_at": None, "enabled": False}, None),
        ({"last_success_at": None, "inbox_method": InboxMethod.SMTP}, None),
    ],
)
def test_a_mailbox_that_nobody_reads_warns(db, columns, detail):
    mailbox = MailboxFactory(**({"enabled_at": None} | columns))
    found = mailboxes.find_last_reading(mailbox, now=NOW)
    assert [(each.answer, each.detail) for each in found] == ([(WARN, detail)] if detail else [])
