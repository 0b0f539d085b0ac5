"""Mailboxes: the form, its secret, the test, reading now."""

import socket
import threading
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from incoming_email.admin.polling import poll
from incoming_email.inboxes.base import InboxError
from incoming_email.models import InboxMethod, Mailbox
from incoming_email.outcomes import Status
from incoming_email.pipeline import fetching
from incoming_email.secrets.secret_files import write_text
from tests.admin_site import incoming_url as url
from tests.admin_site import make_operator, page_of
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.factories import (
    InboundEmailFactory,
    MailboxFactory,
)

pytestmark = pytest.mark.django_db

PASSWORD = "imap-secret-of-no-value"


def mailbox_form(**more):
    return {
        "name": "Support",
        "enabled": "on",
        "purpose": "incoming_email",
        "address": "incoming+%{key}@example.com",
        "inbox_method": "imap",
        "host": "imap.example.com",
        "port": "993",
        "ssl": "on",
        "user": "incoming@example.com",
        "folder": "inbox",
        "idle_timeout": "60",
        "reply_sender_policy": "match",
        "token_sender_policy": "off",
        "spam_policy": "off",
        **more,
    }


def save_mailbox(client, mailbox, **more):
    form = mailbox_form(name=mailbox.name, **more)
    response = client.post(url("mailbox", "change", mailbox.pk), form)
    mailbox.refresh_from_db()
    return response


def test_the_form_says_which_address_a_provider_without_sub_addresses_needs(admin):
    page = admin.get(url("mailbox", "add")).text
    assert "(plus addressing), take incoming-%{key}@ with a catch-all mailbox for a domain" in page
    assert "Without %{key} it takes replies only." in page


def test_a_mailbox_is_added_and_its_password_encrypted(admin):
    admin.post(url("mailbox", "add"), mailbox_form(password=" s3cret "))

    mailbox = Mailbox.objects.get()
    assert mailbox.password == " s3cret "
    stored = Mailbox.objects.extra(select={"stored": "password"}).values_list("stored").get()[0]
    assert "s3cret" not in stored


def test_a_blank_password_keeps_the_present_one(admin):
    mailbox = make_mailbox()

    assert save_mailbox(admin, mailbox, password="").status_code == 302
    assert mailbox.password == PASSWORD
    assert "assword" not in LogEntry.objects.get().change_message


def test_a_new_password_replaces_the_present_one(admin):
    mailbox = MailboxFactory()

    save_mailbox(admin, mailbox, password="other")

    assert mailbox.password == "other"
    assert "other" not in LogEntry.objects.get().change_message


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"host": "imap.evil.example"},
        {"port": "994"},
        {"ssl": ""},
        {"token_endpoint": "https://evil.example/token"},
        {"azure_ad_endpoint": "https://evil.example"},
        {"graph_endpoint": "https://evil.example"},
    ],
    ids=lambda value: next(iter(value)),
)
def test_no_stored_secret_goes_to_another_server(admin, elsewhere):
    mailbox = make_mailbox(client_secret="c1", refresh_token="r1")
    new = {"password": "p2", "client_secret": "c2", "refresh_token": "r2"}

    for name in new:
        entered = {key: value for key, value in new.items() if key != name}
        response = save_mailbox(admin, mailbox, **elsewhere, **entered)
        assert response.text.count("not sent to another server") == 1
    assert (mailbox.host, mailbox.port, mailbox.ssl) == ("imap.example.com", 993, True)
    assert (mailbox.token_endpoint, mailbox.password) == ("", PASSWORD)

    cleared = {"clear_client_secret": "on", "clear_refresh_token": "on"}
    assert save_mailbox(admin, mailbox, **elsewhere, password="p2", **cleared).status_code == 302
    assert (mailbox.password, mailbox.client_secret, mailbox.refresh_token) == ("p2", "", "")


def test_the_password_of_an_encrypted_file_goes_to_no_other_server(admin, settings, tmp_path):
    settings.SECRETS_DIR = tmp_path
    mailbox = make_mailbox(password="")
    write_text(mailbox.pk, "password: filed\n")

    response = save_mailbox(admin, mailbox, host="imap.evil.example")
    assert "incoming_email_secret" in response.text
    write_text(mailbox.pk, "user: ada\n")

    assert save_mailbox(admin, mailbox, host="imap.other.example").status_code == 302


def test_a_mailbox_that_stays_with_its_server_keeps_its_secrets(admin):
    mailbox = make_mailbox(ssl=False, port=143, client_secret="c1")

    response = save_mailbox(admin, mailbox, port="143", ssl="", start_tls="on", folder="support")

    assert response.status_code == 302
    assert (mailbox.password, mailbox.client_secret) == (PASSWORD, "c1")


def make_mailbox(**more):
    """At the server that the form names."""
    return MailboxFactory(**{"host": "imap.example.com", "port": 993, "ssl": True} | more)


def test_a_password_is_cleared(admin):
    mailbox = MailboxFactory()

    save_mailbox(admin, mailbox, clear_password="on")

    assert mailbox.password == ""


def test_a_password_is_not_cleared_and_set_at_once(admin):
    mailbox = MailboxFactory()

    response = save_mailbox(admin, mailbox, clear_password="on", password="other-secret")

    assert "clear_password" in response.context["adminform"].errors
    assert "other-secret" not in response.text
    assert mailbox.password == PASSWORD


def test_a_password_that_cannot_be_read_is_said_to_be_so_and_kept(admin, settings):
    mailbox = MailboxFactory()
    good, settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS, ["another-key-of-no-value"]

    assert "It cannot be decrypted" in page_of(admin, mailbox).text
    assert save_mailbox(admin, mailbox, user="other@example.com").status_code == 302

    settings.ENCRYPTION_KEYS = good
    mailbox.refresh_from_db()
    assert (mailbox.user, mailbox.password) == ("other@example.com", PASSWORD)


@pytest.mark.parametrize("who", ["admin", "operator"])
def test_a_password_is_never_shown(request, who):
    client, mailbox = request.getfixturevalue(who), MailboxFactory()

    pages = [url("mailbox", "changelist"), url("mailbox", "change", mailbox.pk)]
    pages.append(url("mailbox", "history", mailbox.pk))
    assert all(PASSWORD not in client.get(page).text for page in pages)


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("address", {"address": "incoming+%{key}%{key}@example.com"}),
        ("start_tls", {"start_tls": "on"}),
        ("host", {"host": ""}),
        ("user", {"user": ""}),
        ("idle_timeout", {"idle_timeout": "1741"}),
        ("port", {"port": "0"}),
    ],
)
def test_what_is_wrong_with_a_mailbox_is_said_at_the_field(admin, field, more):
    response = admin.post(url("mailbox", "add"), mailbox_form(**more))

    assert list(response.context["adminform"].errors) == [field]


def test_the_placeholder_is_shown_as_it_is_to_be_written(admin):
    page = admin.get(url("mailbox", "add")).text

    assert "For example incoming+%{key}@example.com." in page
    assert "%%" not in page


def test_the_list_counts_what_waits(admin):
    mailbox = MailboxFactory()
    InboundEmailFactory.create_batch(2, mailbox=mailbox)
    ended(Status.FAILED, mailbox=mailbox)

    response = admin.get(url("mailbox", "changelist"))

    assert [row.pending_n for row in response.context["cl"].result_list] == [2]
    assert f"{url('inboundemail', 'changelist')}?mailbox__id__exact={mailbox.pk}" in response.text


def test_the_link_to_the_ledger_shows_the_rows_of_the_mailbox(operator):
    row = InboundEmailFactory()
    InboundEmailFactory()

    address = f"{url('inboundemail', 'changelist')}?mailbox__id__exact={row.mailbox.pk}"
    assert list(operator.get(address).context["cl"].result_list) == [row]


def test_a_mailbox_is_deleted_only_while_nothing_came_by_it(admin):
    used, unused = InboundEmailFactory().mailbox, MailboxFactory()

    answers = [
        admin.post(url("mailbox", "delete", mailbox.pk), {"post": "yes"}).status_code
        for mailbox in (used, unused)
    ]

    assert answers == [403, 302]
    assert list(Mailbox.objects.all()) == [used]


def test_the_test_of_a_connection_shows_each_step(admin):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    mailbox = MailboxFactory(host="127.0.0.1", port=port)

    response = admin.post(url("mailbox", "test", mailbox.pk))

    answers = {line.step: line.answer.value for line in response.context["findings"]}
    assert (answers["dns"], answers["tcp"], answers["login"]) == ("yes", "no", "skipped")
    assert "refused" in response.text
    assert f"127.0.0.1:{port}" in response.text
    assert PASSWORD not in response.text


@pytest.mark.parametrize(("is_open", "answer"), [(True, "yes"), (False, "no")])
def test_the_test_of_an_smtp_mailbox_asks_the_listener(admin, settings, is_open, answer):
    mailbox = MailboxFactory(inbox_method=InboxMethod.SMTP, host="")
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.SMTP_LISTENER_HOST, settings.SMTP_LISTENER_PORT = server.getsockname()
        if not is_open:
            server.close()
        else:
            greet(server)
        response = admin.post(url("mailbox", "test", mailbox.pk))

    answers = {line.step: line.answer.value for line in response.context["findings"]}
    assert answers["listener"] == answer


def greet(server):
    """Answers one connection as an SMTP server does, in a thread that ends with it."""

    def serve():
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"220 letterbox.localhost ESMTP\r\n")
            connection.recv(100)
            connection.sendall(b"221 bye\r\n")

    threading.Thread(target=serve, daemon=True).start()


@pytest.mark.parametrize("view", ["test", "poll"])
def test_testing_and_polling_are_asked_for_by_post_and_permission(client, admin_user, view):
    mailbox = MailboxFactory()
    address = url("mailbox", view, mailbox.pk)

    client.force_login(admin_user)
    assert client.get(address).status_code == 405
    client.force_login(make_operator())
    assert client.post(address).status_code == 403
    assert f'action="{address}"' not in page_of(client, mailbox).text


def test_what_is_no_mailbox_is_not_polled(admin):
    assert admin.post(url("mailbox", "poll", 1)).status_code == 404


def test_poll_now_says_how_many_came(admin, monkeypatch):
    mailbox = MailboxFactory()
    monkeypatch.setattr(fetching, "fetch", lambda *_args, **_kwargs: 3)

    response = admin.post(url("mailbox", "poll", mailbox.pk), follow=True)

    assert "3 new messages were fetched." in response.text


def test_poll_now_says_what_went_wrong(admin):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    mailbox = MailboxFactory(host="127.0.0.1", port=port)

    response = admin.post(url("mailbox", "poll", mailbox.pk), follow=True)

    mailbox.refresh_from_db()
    assert "refused" in mailbox.last_error
    assert 'class="error"' in response.text
    assert PASSWORD not in response.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"enabled": False}, "disabled"),
        ({"inbox_method": InboxMethod.SMTP}, "nothing to poll"),
        ({"lease_holder": "x"}, "Another process"),
    ],
)
def test_poll_now_says_why_there_is_nothing_to_do(admin, fields, words):
    lease_until = timezone.now() + timedelta(seconds=60)
    mailbox = MailboxFactory(lease_until=lease_until, **fields)

    response = admin.post(url("mailbox", "poll", mailbox.pk), follow=True)

    assert words in response.text


def test_a_poll_ends_while_somebody_waits(monkeypatch):
    def fetch(*_args, on_progress, **_kwargs):
        for _ in range(100):
            on_progress(50)

    monkeypatch.setattr(fetching, "fetch", fetch)

    polled = poll(MailboxFactory(), seconds=-1)

    assert polled.sentence.startswith("50 new messages were fetched. ")


def test_a_poll_shows_the_remedy(monkeypatch):
    def fetch(*_args, **_kwargs):
        raise InboxError("NO [AUTHENTICATIONFAILED]", remedy="Check the password.")

    monkeypatch.setattr(fetching, "fetch", fetch)

    assert poll(MailboxFactory()).sentence == "NO [AUTHENTICATIONFAILED] Check the password."
