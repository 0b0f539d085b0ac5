"""A mailbox that asks for what only a trusted server can say, and trusts none: the check warns."""

import pytest

from incoming_email.models import InboxMethod
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.monitoring.health.asking import check

pytestmark = pytest.mark.django_db(transaction=True)


def ask(step, **columns):
    """What the check says of it; the server of the mailbox is known at once to be away."""
    MailboxFactory(host="127.0.0.1", port=1, **columns)
    said = check().get(step)
    return said and (said["answer"], said["remedy"] != "")


@pytest.mark.parametrize(
    ("policy", "method", "trusted", "networks", "answer"),
    [
        ("match", InboxMethod.SMTP, "", [], None),
        ("require", InboxMethod.SMTP, "", ["192.0.2.0/24"], ("warn", True)),
        ("require", InboxMethod.SMTP, "mx.example.net", [], ("warn", True)),
        ("flag", InboxMethod.SMTP, "mx.example.net", ["192.0.2.0/24"], ("yes", False)),
        ("require", InboxMethod.IMAP, "", ["192.0.2.0/24"], ("warn", True)),
        ("require", InboxMethod.IMAP, "mx.example.net", [], ("yes", False)),
    ],
)
def test_one_that_asks_for_proof(settings, policy, method, trusted, networks, answer):
    settings.TRUSTED_RELAY_NETWORKS = networks
    given = {"token_sender_policy": policy, "trusted_authserv_id": trusted}
    assert ask("sender authentication", inbox_method=method, **given) == answer


@pytest.mark.parametrize(
    ("policy", "method", "networks", "answer"),
    [
        ("off", InboxMethod.SMTP, [], None),
        ("hold", InboxMethod.SMTP, [], ("warn", True)),
        ("hold", InboxMethod.SMTP, ["192.0.2.0/24"], ("yes", False)),
        ("hold", InboxMethod.IMAP, [], ("yes", False)),
    ],
)
def test_one_that_holds_spam(settings, policy, method, networks, answer):
    settings.TRUSTED_RELAY_NETWORKS = networks
    assert ask("marks of spam", inbox_method=method, spam_policy=policy) == answer
