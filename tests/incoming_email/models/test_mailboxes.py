"""Mailboxes: what each inbox method asks for, and the account that comes of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.graph.account import GraphAccount
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.maildir.account import MaildirFolder
from incoming_email.inboxes.oauth_client import OAuthClient
from incoming_email.models import InboxMethod, LoginMethod, Mailbox
from tests.incoming_email.factories import MailboxFactory

pytestmark = pytest.mark.django_db

SINCE = datetime(2026, 5, 1, tzinfo=UTC)
TOKENS = {"host": "IMAP.example.com", "command": "/usr/local/bin/token --of 'support desk'"}
GRAPH = {
    "inbox_method": InboxMethod.MICROSOFT_GRAPH,
    "user": "incoming@example.onmicrosoft.com",
    "tenant_id": "tenant-1",
    "client_id": "client-1",
    "client_secret": "graph-secret-of-no-value",
}


def problems_of(**changes):
    """The fields that are complained of."""
    mailbox = MailboxFactory.build(**changes)
    try:
        mailbox.full_clean()
    except ValidationError as error:
        return set(error.message_dict)
    return set()


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, set()),
        ({"host": "", "user": ""}, {"host", "user"}),
        (GRAPH | {"host": ""}, set()),
        (
            GRAPH | {"user": "", "tenant_id": "", "client_id": ""},
            {"user", "tenant_id", "client_id"},
        ),
        (GRAPH | {"graph_endpoint": "http://graph.example.com"}, {"graph_endpoint"}),
        (GRAPH | {"azure_ad_endpoint": "https://"}, {"azure_ad_endpoint"}),
        (GRAPH | {"azure_ad_endpoint": "https://a:b@login.example.com"}, {"azure_ad_endpoint"}),
        (GRAPH | {"poll_interval": 0}, {"poll_interval"}),
        ({"inbox_method": InboxMethod.MAILDIR, "host": "", "user": ""}, {"maildir_path"}),
        ({"inbox_method": InboxMethod.MAILDIR, "maildir_path": "Maildir"}, {"maildir_path"}),
        ({"inbox_method": InboxMethod.MAILDIR, "maildir_path": "/var/mail/in"}, set()),
        ({"login_method": LoginMethod.XOAUTH2}, {"token_endpoint", "client_id"}),
        (
            {
                "login_method": LoginMethod.XOAUTH2,
                "token_endpoint": "https://oauth2.example.com/token",
                "client_id": "client-1",
            },
            set(),
        ),
        ({"inbox_method": "carrier_pigeon"}, {"inbox_method"}),
    ],
)
def test_each_method_asks_for_what_it_needs(changes, fields):
    assert problems_of(**changes) == fields


def test_a_token_command_of_the_environment_stands_for_the_token_endpoint(settings):
    settings.IMAP_TOKEN_COMMANDS = {"support": TOKENS}
    values = {"name": "support", "login_method": LoginMethod.XOAUTH2, "ssl": True}
    assert problems_of(**values) == set()
    command = MailboxFactory(**values).account().oauth.command
    assert command.words == ("/usr/local/bin/token", "--of", "support desk")


@pytest.mark.parametrize(
    ("changes", "entry"),
    [
        ({"host": "imap.evil.example"}, TOKENS),
        ({"ssl": False}, TOKENS),  # readable on the way
        ({}, "/usr/local/bin/token"),  # as it was written once: for no host
        ({}, {"host": "imap.example.com"}),
        ({}, {"host": "imap.example.com", "command": "'"}),
        ({}, {"host": 7, "command": "x"}),
    ],
)
def test_a_token_of_a_command_is_for_one_host(settings, changes, entry):
    settings.IMAP_TOKEN_COMMANDS = {"support": entry}
    values = {"name": "support", "login_method": LoginMethod.XOAUTH2, "ssl": True}
    assert problems_of(**(values | changes)) == {"host"}


def test_an_imap_account_logs_in_by_password_unless_told_otherwise():
    account = MailboxFactory(starts_at=SINCE).account()

    assert isinstance(account, ImapAccount)
    assert (account.oauth, account.starts_at) == (None, SINCE)


def test_an_oauth_account_has_what_the_token_endpoint_wants():
    mailbox = MailboxFactory(
        login_method=LoginMethod.XOAUTH2,
        token_endpoint="https://oauth2.example.com/token",
        client_id="client-1",
        client_secret="oauth-secret-of-no-value",
        refresh_token="refresh-token-of-no-value",
        token_scope="mail",
    )

    assert Mailbox.objects.get(pk=mailbox.pk).account().oauth == OAuthClient(
        token_endpoint="https://oauth2.example.com/token",
        client_id="client-1",
        client_secret="oauth-secret-of-no-value",
        refresh_token="refresh-token-of-no-value",
        scope="mail",
    )
    assert "of-no-value" not in repr(mailbox.account())


def test_a_graph_account_keeps_its_secret_to_itself():
    mailbox = MailboxFactory(**GRAPH, graph_endpoint="https://graph.microsoft.us/")

    account = Mailbox.objects.get(pk=mailbox.pk).account()
    assert account == GraphAccount(
        user="incoming@example.onmicrosoft.com",
        tenant_id="tenant-1",
        client_id="client-1",
        client_secret="graph-secret-of-no-value",
        graph_endpoint="https://graph.microsoft.us",
    )
    assert "of-no-value" not in repr(account)


def test_a_maildir_account_is_a_folder():
    mailbox = MailboxFactory(inbox_method=InboxMethod.MAILDIR, maildir_path="/var/mail/incoming")

    assert mailbox.account() == MaildirFolder("/var/mail/incoming")


@pytest.mark.parametrize("method", [InboxMethod.SMTP, "carrier_pigeon"])
def test_where_mail_is_not_fetched_there_is_no_account(method):
    with pytest.raises(InboxError, match="nothing to poll"):
        MailboxFactory(inbox_method=method).account()


@pytest.mark.parametrize("name", ["password", "client_secret", "refresh_token", "rotated_token"])
def test_secrets_are_encrypted_in_the_database(name):
    mailbox = MailboxFactory(**{name: "secret-of-no-value"})

    stored = Mailbox.objects.extra(select={"stored": name}).values_list("stored").get(pk=mailbox.pk)
    assert "secret-of-no-value" not in stored[0]
    assert getattr(Mailbox.objects.get(pk=mailbox.pk), name) == "secret-of-no-value"


NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("columns", "is_unread"),
    [
        ({"last_success_at": NOW - HOUR}, True),
        ({"last_success_at": NOW - HOUR / 4}, False),
        ({"last_success_at": NOW + HOUR}, True),  # by a clock that was wrong
        ({"last_success_at": NOW + HOUR, "enabled_at": NOW}, False),
        ({"last_success_at": NOW - HOUR, "enabled_at": NOW - HOUR / 4}, False),
        ({"last_success_at": None, "enabled_at": NOW - HOUR}, True),
        ({"last_success_at": None, "enabled_at": NOW}, False),
        ({"last_success_at": None}, True),
        ({"last_success_at": NOW - HOUR, "poll_interval": 7200}, True),
        (GRAPH | {"last_success_at": NOW - HOUR, "poll_interval": 7200}, False),
        (GRAPH | {"last_success_at": NOW - 3 * HOUR, "poll_interval": 7200}, True),
    ],
)
def test_a_mailbox_that_nobody_has_read_for_half_an_hour(columns, is_unread):
    mailbox = MailboxFactory(**({"enabled_at": None} | columns))
    assert mailbox.is_unread_for(30, now=NOW) is is_unread
