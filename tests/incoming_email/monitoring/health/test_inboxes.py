"""The check of Microsoft 365 mailboxes, Maildirs, and IMAP by OAuth."""

import time

import pytest
from django.utils import timezone

from incoming_email.inboxes.base import Answer
from incoming_email.models import InboxMethod, LoginMethod, Mailbox
from incoming_email.monitoring import health
from incoming_email.monitoring.health.mailboxes import WHOLE_SECONDS
from incoming_email.secrets import secret_files
from tests.incoming_email.factories import MailboxFactory
from tests.servers.oauth import CLIENT as OAUTH_CLIENT
from tests.servers.oauth import SECRET as OAUTH_SECRET
from tests.servers.reading import mail
from tests.servers.talking import talking

pytestmark = pytest.mark.django_db(transaction=True)

YES, NO, WARN, SKIPPED = Answer.YES, Answer.NO, Answer.WARN, Answer.SKIPPED
ADDRESS = "incoming+%{key}@in.example.com"


def ask(mailbox):
    """Answer, detail and remedy by step."""
    return {each.finding.step: each.finding for each in health.diagnose_mailbox(mailbox)}


def answers(mailbox):
    return {step: finding.answer for step, finding in ask(mailbox).items()}


def test_a_sound_graph_mailbox(graph, make_graph):
    graph.deliver(mail("a"), timezone.now())
    mailbox = make_graph()
    assert answers(mailbox) == {
        "configuration": YES,
        "encrypted file": SKIPPED,
        "secret": YES,
        "login": YES,
        "folder": YES,
        "backlog": YES,
        "clock": YES,
        "other mailbox": SKIPPED,
        "same folder": YES,
        "domain": YES,
    }
    assert ask(mailbox)["backlog"].detail == "1 message is waiting to be fetched"
    assert graph.count("$value") == graph.count("DELETE") == 0


@pytest.mark.parametrize(
    ("changes", "refused", "sign"),
    [
        ({"tenant_id": "nobody"}, "login", "Check the tenant id"),
        ({"client_secret": "wrong-secret"}, "login", "value of the client secret"),
        ({"folder": "none"}, "folder", "Choose one of these folders"),
        ({"user": "nobody@example.com"}, "folder", "Check the user"),
        ({"client_secret": ""}, "secret", "Enter it in the admin"),
    ],
)
def test_what_is_wrong_with_a_graph_mailbox_is_said(make_graph, changes, refused, sign):
    findings = ask(make_graph(**changes))
    assert [step for step, each in findings.items() if each.answer is NO] == [refused]
    assert sign in findings[refused].remedy
    assert findings["backlog"].answer is SKIPPED
    assert "wrong-secret" not in str(findings)


def test_an_app_is_asked_though_the_encrypted_file_cannot_be_read(make_graph):
    mailbox = make_graph()
    secret_files.path_of(mailbox.pk).mkdir(parents=True)
    found = answers(mailbox)
    assert (found["encrypted file"], found["secret"], found["folder"]) == (NO, YES, YES)


def test_an_app_that_is_blocked_is_told_which_right_it_lacks(graph, make_graph):
    graph.is_allowed = False
    assert "Mail.ReadWrite" in ask(make_graph())["folder"].remedy


def test_two_mailboxes_on_one_folder(make_graph):
    make_graph(name="other")
    assert ask(make_graph())["same folder"].answer is NO


def test_a_sound_maildir_and_one_that_is_none(tmp_path):
    for name in ("tmp", "new", "cur"):
        (tmp_path / name).mkdir()
    mailbox = MailboxFactory(
        inbox_method=InboxMethod.MAILDIR, maildir_path=str(tmp_path), address=ADDRESS
    )
    found = answers(mailbox)
    assert (found["login"], found["folder"], found["backlog"]) == (SKIPPED, YES, YES)

    (tmp_path / "new").rmdir()
    findings = ask(mailbox)
    assert findings["folder"].answer is NO
    assert "new, cur and tmp" in findings["folder"].remedy


@pytest.mark.services
def test_imap_by_oauth_keeps_a_token_that_the_check_was_given(
    oauth_dovecot, introspection, endpoint, settings
):
    endpoint.user = oauth_dovecot.take_user()
    endpoint.rotates = True
    introspection.access_tokens = endpoint.access_tokens
    settings.HTTPS_CA_FILE = endpoint.ca_file
    mailbox = MailboxFactory(
        host="localhost",
        port=oauth_dovecot.port,
        user=endpoint.user,
        password="",
        login_method=LoginMethod.XOAUTH2,
        token_endpoint=f"{endpoint.url}/token",
        token_scope="mail",
        client_id=OAUTH_CLIENT,
        client_secret=OAUTH_SECRET,
        refresh_token="refresh-token-of-no-value",
        address=ADDRESS,
    )
    found = answers(mailbox)
    assert (found["secret"], found["login"], found["backlog"]) == (YES, YES, YES)
    assert Mailbox.objects.get().rotated_token.endswith(":rotated-token-1")


@pytest.mark.parametrize(
    ("changes", "answer", "detail"),
    [
        ({}, NO, "neither a refresh token nor a client secret is stored"),
        ({"client_secret": "x"}, YES, ""),
        ({"refresh_token": "x"}, YES, ""),
        ({"name": "by command"}, YES, "from the command of IMAP_TOKEN_COMMANDS"),
    ],
)
def test_what_a_token_is_asked_for_with(settings, changes, answer, detail):
    settings.IMAP_TOKEN_COMMANDS = {"by command": {"host": "127.0.0.1", "command": "true"}}
    values = {"login_method": LoginMethod.XOAUTH2, "password": "", "host": "127.0.0.1", "port": 1}
    finding = ask(MailboxFactory(**(values | changes)))["secret"]
    assert (finding.answer, finding.detail) == (answer, detail)


def test_a_silent_graph_server_ends_within_the_time_of_its_step(make_graph):
    with talking(b"") as port:
        started = time.monotonic()
        mailbox = make_graph(azure_ad_endpoint=f"https://localhost:{port}")
        found = {
            each.finding.step: each.finding
            for each in health.diagnose_mailbox(mailbox, timeout=0.5)
        }
        assert time.monotonic() - started < WHOLE_SECONDS
    assert found["login"].answer is NO
    assert "Check the network" in found["login"].remedy
    skipped = ("folder", "backlog", "clock", "other mailbox")
    assert {found[step].answer for step in skipped} == {SKIPPED}
