"""A mailbox by OAuth: its row keeps a rotated token, turns red without consent, and catches up."""

from datetime import timedelta

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.models import InboundEmail, LoginMethod, Mailbox
from incoming_email.pipeline import fetching
from tests.incoming_email.factories import MailboxFactory
from tests.servers.oauth import CLIENT, SECRET
from tests.servers.reading import mail

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def mailbox(oauth_dovecot, introspection, endpoint, settings):
    user = oauth_dovecot.take_user()
    endpoint.user = user
    introspection.access_tokens = endpoint.access_tokens
    settings.HTTPS_CA_FILE = endpoint.ca_file
    return MailboxFactory(
        host="localhost",
        port=oauth_dovecot.port,
        user=user,
        password="",
        login_method=LoginMethod.XOAUTH2,
        token_endpoint=f"{endpoint.url}/token",
        token_scope="mail",
        client_id=CLIENT,
        client_secret=SECRET,
        refresh_token="refresh-token-of-no-value",
    )


def test_a_rotated_token_is_kept_encrypted_in_the_row(mailbox, endpoint):
    endpoint.rotates = True
    fetching.fetch(mailbox, holder="test")

    mailbox.refresh_from_db()
    assert mailbox.rotated_token.endswith(":rotated-token-1")
    rows = Mailbox.objects.extra(select={"stored": "rotated_token"})
    assert "rotated" not in rows.values_list("stored").get()[0]


def test_a_rotated_token_changes_no_watcher(mailbox):
    """They begin anew when the account differs, which would ask for the next token."""
    before = mailbox.account()
    mailbox.rotated_token = "0123456789abcdef:rotated-token-9"
    assert mailbox.account() == before
    mailbox.refresh_token = "entered-anew"
    assert mailbox.account() != before


def test_i21_without_consent_the_mailbox_is_red_and_catches_up_after_it(
    mailbox, endpoint, oauth_dovecot
):
    fetching.fetch(mailbox, holder="test")
    endpoint.refresh_tokens.clear()
    endpoint.access_tokens.clear()
    oauth_dovecot.deliver(mailbox.user, mail("first day"), mail("second day"))

    with pytest.raises(InboxError):
        fetching.fetch(mailbox, holder="test")
    mailbox.refresh_from_db()
    assert "consent has ended" in mailbox.last_error
    red_since = mailbox.failing_since

    oauth_dovecot.flag(mailbox.user, [1], rb"\Seen")  # somebody looked in the webmail meanwhile
    endpoint.refresh_tokens.add("new-consent")
    mailbox.refresh_token = "new-consent"
    mailbox.save()
    later = fetching.timezone.now() + timedelta(days=10)
    assert fetching.fetch(mailbox, holder="test", clock=lambda: later) == 2

    mailbox.refresh_from_db()
    assert red_since is not None
    assert (mailbox.failing_since, mailbox.last_error) == (None, "")
    assert InboundEmail.objects.count() == 2
