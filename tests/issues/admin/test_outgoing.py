"""The mail that went out, without its secrets, and once more."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from issues.admin.redaction import redact_header, redact_text
from issues.models import (
    OutgoingAccount,
    OutgoingEmail,
    OutgoingState,
)
from issues.unsubscribing import unsubscribe_url
from servicedesk.links import file_url, leaving_url
from servicedesk.models import Participant
from tests.admin_site import choose
from tests.admin_site import issues_url as url
from tests.factories import (
    IssueFactory,
    ProjectFactory,
    UserFactory,
)
from tests.issues.admin.issues_rows import KEY, LETTERS, NOW, make_outgoing

pytestmark = pytest.mark.django_db


def test_an_outgoing_email_shows_no_secret(operator):
    row = make_outgoing(last_error=f"refused {KEY}")

    pages = [
        operator.get(address).text
        for address in (
            url("outgoingemail", "changelist"),
            url("outgoingemail", "change", row.pk),
            url("outgoingemail", "html", row.pk),
        )
    ]

    for secret in (KEY, LETTERS, "WzEsImki:abc:def"):
        assert all(secret not in page for page in pages)
    assert "&lt;incoming+k3y0…@example.com&gt;" in pages[1]
    assert "&lt;reply-abcd…@letterbox.localhost&gt;" in pages[1]


def test_no_field_of_an_outgoing_email_shows_a_secret(operator):
    """The links, keys and addresses of the mails that we write, by the functions that make them."""
    user, issue = UserFactory(), IssueFactory()
    leaving = leaving_url(Participant(pk=7))
    secrets = {KEY, LETTERS, leaving, unsubscribe_url(user, issue), file_url(3), "aB3dE6gH9jK2"}
    row = make_outgoing(
        recipient=f"incoming+probe-1-{KEY}@example.com",
        envelope_sender=f"incoming+{KEY}-bounce@example.com",
        message_id=f"probe-1-{KEY}@letterbox.localhost",
        from_header=f"shop <shop-1-{KEY}-issue@example.com>",
        subject=f"Re: reply-{LETTERS}@letterbox.localhost",
        headers={"List-Unsubscribe": f"<{leaving}>, <mailto:incoming%2B{KEY}-unsubscribe%40a.b>"},
        text="\n".join(
            [
                f"Leave: {leaving}",
                unsubscribe_url(user, issue),
                file_url(3),
                f"incoming+{LETTERS}-unsubscribe@example.com incoming%2B{LETTERS}%40example.com",
                "Verification token: aB3dE6gH9jK2",
            ]
        ),
        html=f"<a href='{leaving}'>Leave</a> <a href='{quote(leaving, safe='')}'>x</a>",
    )
    addresses = (
        url("outgoingemail", "changelist"),
        url("outgoingemail", "change", row.pk),
        url("outgoingemail", "html", row.pk),
    )

    pages = "".join(operator.get(address).text for address in addresses)

    assert not [secret for secret in secrets if find_secret(secret) in pages]
    assert "incoming+k3y0…-bounce@example.com" in pages
    assert pages.count("/tickets/leave/") == 3


def find_secret(text):
    """Of a link, what is signed in it, without which it is of no use."""
    return text.rstrip("/").rpartition("/")[2].rpartition(":")[2]


def test_the_html_of_a_mail_can_do_nothing(operator):
    row = make_outgoing()

    page = operator.get(url("outgoingemail", "change", row.pk)).text
    frame = operator.get(url("outgoingemail", "html", row.pk))

    assert f'sandbox src="{url("outgoingemail", "html", row.pk)}"' in page
    assert "<b>squeaks</b>" not in page
    assert "<b>squeaks</b>" in frame.text
    assert frame["Content-Security-Policy"].startswith("sandbox; default-src 'none';")
    assert frame["X-Frame-Options"] == "SAMEORIGIN"


def test_a_mail_without_html_has_no_frame(operator):
    row = make_outgoing(html="")

    assert "<iframe" not in operator.get(url("outgoingemail", "change", row.pk)).text


def test_the_html_asks_for_the_permission(client):
    row = make_outgoing()
    client.force_login(UserFactory(is_staff=True))

    assert client.get(url("outgoingemail", "html", row.pk)).status_code == 404


def test_what_failed_is_sent_again(admin, django_capture_on_commit_callbacks):
    failed = make_outgoing(1, state=OutgoingState.FAILED, attempts=8, last_error="refused")
    sent = make_outgoing(2, state=OutgoingState.SENT, attempts=1)

    with django_capture_on_commit_callbacks() as callbacks:
        response = choose(admin, url("outgoingemail", "changelist"), "send_again", failed, sent)

    failed.refresh_from_db()
    sent.refresh_from_db()
    assert (failed.state, failed.attempts) == (OutgoingState.PENDING, 0)
    assert failed.next_attempt_at > NOW + timedelta(days=1)
    assert (sent.state, sent.attempts) == (OutgoingState.SENT, 1)
    assert "1 email will be sent again" in response.text
    assert len(callbacks) == 1
    assert LogEntry.objects.get().object_id == str(failed.pk)


def test_what_is_sent_again_is_tried_as_long_and_at_once(admin):
    failed = make_outgoing(1, state=OutgoingState.FAILED, attempts=8, first_attempt_at=NOW)
    OutgoingAccount.objects.create(failing_since=NOW, failures=9, next_attempt_at=timezone.now())

    choose(admin, url("outgoingemail", "changelist"), "send_again", failed)

    failed.refresh_from_db()
    account = OutgoingAccount.objects.get()
    assert (failed.first_attempt_at, account.failures, account.next_attempt_at) == (None, 0, None)
    assert account.failing_since == NOW


def test_a_mail_that_waits_for_its_account_shows_why(operator):
    make_outgoing(1)
    page = url("outgoingemail", "changelist")
    assert "Relay access denied" not in operator.get(page).text
    OutgoingAccount.objects.create(failing_since=NOW, last_error="554 Relay access denied")
    assert "554 Relay access denied" in operator.get(page).text


def test_sending_again_asks_for_the_permission(operator):
    row = make_outgoing(state=OutgoingState.FAILED)

    choose(operator, url("outgoingemail", "changelist"), "send_again", row)

    row.refresh_from_db()
    assert row.state == OutgoingState.FAILED


def test_an_outgoing_email_is_not_deleted_by_itself_but_goes_with_its_project(admin):
    row = make_outgoing(project=ProjectFactory())

    assert admin.post(url("outgoingemail", "delete", row.pk), {"post": "yes"}).status_code == 403
    assert "deletelink" not in admin.get(url("outgoingemail", "change", row.pk)).text
    admin.post(url("project", "delete", row.project.pk), {"post": "yes"})
    assert not OutgoingEmail.objects.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"incoming+{KEY}@example.com", "incoming+k3y0…@example.com"),
        (f"incoming+{KEY.upper()}@example.com", "incoming+K3Y0…@example.com"),
        (f"shop-1-{KEY}-issue", "shop-1-k3y0…-issue"),
        (f"{KEY}x", f"{KEY}x"),
        (LETTERS, LETTERS),
        ("/unsubscribe/WzEsImki:abc/ more", "/unsubscribe/WzEs…/ more"),
    ],
)
def test_redaction_of_prose(text, expected):
    assert redact_text(text) == expected


def test_redaction_of_a_header_takes_no_risk_with_letters():
    assert redact_header(f"<reply-{LETTERS}@example.com>") == "<reply-abcd…@example.com>"
