"""Private addresses: one token a person, found by its digest, dead once it is reset."""

import re

import pytest
from django.db import connection
from django.utils import timezone

from incoming_email.keys import sender_tokens
from incoming_email.models import SenderToken
from tests.factories import IssueFactory, ProjectFactory, UserFactory
from tests.incoming_email.factories import MailboxFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def user():
    return UserFactory()


def test_a_token_is_made_once_and_leads_to_its_owner(user):
    token = sender_tokens.ensure_token(user=user, now=NOW)
    assert re.fullmatch("[0-9a-z]{25}", token)
    assert sender_tokens.ensure_token(user=user, now=NOW) == token
    assert sender_tokens.find_owner_token(token).user == user
    assert sender_tokens.find_owner_token("0" * 25) is None


def test_a_reset_ends_the_old_token(user):
    old = sender_tokens.ensure_token(user=user, now=NOW)
    new = sender_tokens.reset_token(user=user, now=NOW)
    assert sender_tokens.find_owner_token(old) is None
    assert sender_tokens.find_owner_token(new).user == user
    assert SenderToken.objects.count() == 1


def test_the_token_is_not_readable_in_the_database(user):
    token = sender_tokens.ensure_token(user=user, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT token, digest FROM incoming_email_sendertoken")
        assert token not in str(cursor.fetchall())


def test_a_token_outlives_a_rotation_of_the_encryption_key(user, settings):
    token = sender_tokens.ensure_token(user=user, now=NOW)
    settings.ENCRYPTION_KEYS = ["new", *settings.ENCRYPTION_KEYS]
    assert sender_tokens.find_owner_token(token).user == user
    assert sender_tokens.ensure_token(user=user, now=NOW) == token


def test_the_addresses_name_slug_id_token_and_issue(user):
    MailboxFactory(address="in+%{key}@example.com")
    issue = IssueFactory(project=ProjectFactory(path="acme/shop"))
    token, pk = sender_tokens.ensure_token(user=user, now=NOW), issue.project.pk
    assert (
        sender_tokens.new_issue_address(user=user, project=issue.project, now=NOW)
        == f"in+acme-shop-{pk}-{token}-issue@example.com"
    )
    assert (
        sender_tokens.issue_note_address(user=user, issue=issue, now=NOW)
        == f"in+acme-shop-{pk}-{token}-issue-{issue.iid}@example.com"
    )


def test_a_long_slug_is_cut_so_that_the_local_part_fits(user):
    MailboxFactory(address="incoming+%{key}@example.com")
    project = ProjectFactory(path=f"acme/{'long-' * 20}name")
    address = sender_tokens.new_issue_address(user=user, project=project, now=NOW)
    local = address.partition("@")[0]
    assert len(local) <= 64
    assert local.endswith(f"-{project.pk}-{sender_tokens.ensure_token(user=user, now=NOW)}-issue")


@pytest.mark.parametrize(
    "mailbox",
    [
        {"enabled": False},
        {"address": "replies@example.com"},
        {"purpose": "service_desk_email"},
    ],
)
def test_no_address_is_shown_that_no_mailbox_takes(user, mailbox):
    MailboxFactory(**mailbox)
    assert sender_tokens.new_issue_address(user=user, project=ProjectFactory(), now=NOW) is None
    assert SenderToken.objects.count() == 0


def test_the_first_mailbox_with_a_key_is_the_public_one():
    MailboxFactory(address="replies@example.com")
    first = MailboxFactory()
    MailboxFactory()
    assert sender_tokens.find_public_mailbox() == first
