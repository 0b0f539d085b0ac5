"""Reply keys and sender tokens are withdrawn, never read."""

from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from incoming_email.keys.sender_tokens import find_owner_token
from incoming_email.models import ReplyKey
from tests.admin_site import choose, page_of
from tests.admin_site import incoming_url as url
from tests.incoming_email.factories import (
    ReplyKeyFactory,
    SenderTokenFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
KEY = "k3y0k3y0k3y0k3y0k3y0k3y0k"


@pytest.mark.parametrize("who", ["admin", "operator"])
def test_a_reply_key_is_not_shown(request, who):
    client, row = request.getfixturevalue(who), ReplyKeyFactory(key=KEY)

    pages = [client.get(url("replykey", "changelist")), page_of(client, row)]

    assert all("k3y0…" in page.text and KEY not in page.text for page in pages)


def test_a_reply_key_is_found_whole_only(operator):
    ReplyKeyFactory(key=KEY)

    def found(query):
        response = operator.get(url("replykey", "changelist"), {"q": query})
        return len(response.context["cl"].result_list)

    assert (found(KEY), found(KEY[:24])) == (1, 0)


def test_reply_keys_are_revoked_once(admin):
    fresh, old = ReplyKeyFactory(), ReplyKeyFactory(revoked_at=NOW)

    response = choose(admin, url("replykey", "changelist"), "revoke", fresh, old)

    fresh.refresh_from_db()
    old.refresh_from_db()
    assert fresh.revoked_at > NOW
    assert old.revoked_at == NOW
    assert "1 key was revoked." in response.text
    assert LogEntry.objects.get().object_id == str(fresh.pk)


def test_a_token_is_not_shown_and_is_reset(admin):
    row = SenderTokenFactory(token=KEY, changed_at=NOW)
    pages = [admin.get(url("sendertoken", "changelist")), page_of(admin, row)]

    choose(admin, url("sendertoken", "changelist"), "reset", row)

    assert all(KEY not in page.text and row.digest not in page.text for page in pages)
    assert find_owner_token(KEY) is None
    row.refresh_from_db()
    assert row.token != KEY
    assert row.changed_at > NOW


@pytest.mark.parametrize(("model", "action"), [("replykey", "revoke"), ("sendertoken", "reset")])
def test_withdrawing_asks_for_the_permission(operator, model, action):
    row = {"replykey": ReplyKeyFactory, "sendertoken": SenderTokenFactory}[model]()

    choose(operator, url(model, "changelist"), action, row)

    row.refresh_from_db()
    assert not getattr(row, "revoked_at", None)
    assert not LogEntry.objects.exists()


def test_keys_are_not_deleted_by_themselves_but_go_with_their_owner(admin):
    key = ReplyKeyFactory()
    SenderTokenFactory(user=key.recipient)

    assert admin.post(url("replykey", "delete", key.pk), {"post": "yes"}).status_code == 403
    admin.post(reverse("admin:issues_user_delete", args=[key.recipient.pk]), {"post": "yes"})
    assert not ReplyKey.objects.exists()
