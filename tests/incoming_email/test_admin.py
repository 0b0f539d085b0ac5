"""The admin of mailboxes, the ledger and the keys."""

import socket
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from incoming_email import fetching
from incoming_email.admin import ledger_actions
from incoming_email.admin.polling import poll
from incoming_email.inboxes.base import InboxError
from incoming_email.models import Heartbeat, InboundEmail, InboxMethod, Mailbox, ReplyKey
from incoming_email.outcomes import Reason, Status
from incoming_email.sender_tokens import find_owner_token
from issues.models import Issue
from tests.factories import IssueFactory, MergeRequestFactory, NoteFactory, UserFactory
from tests.incoming_email.factories import (
    RAW,
    InboundEmailFactory,
    MailboxFactory,
    ReplyKeyFactory,
    SenderTokenFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
KEY = "k3y0k3y0k3y0k3y0k3y0k3y0k"
LETTERS = "abcdefghijklmnopqrstuvwxy"
PASSWORD = "imap-secret-of-no-value"
MODELS = ["mailbox", "inboundemail", "replykey", "sendertoken", "heartbeat"]


def ended(status, **fields):
    """A row that ended so (or is held), with what its constraints ask for."""
    values = {
        Status.PENDING: {},
        Status.PROCESSED: {"handler": "note", "outcome": "note 1 on issue acme/shop#1"},
        Status.REJECTED: {"reason": Reason.UNKNOWN_ADDRESS},
        Status.IGNORED: {"reason": Reason.AUTOMATIC},
        Status.HELD: {"reason": Reason.SENDER_MISMATCH, "held_rule": "sender_mismatch"},
        Status.FAILED: {"attempts": 5, "last_error": "ValueError: too bad"},
    }[status]
    finished = None if status in {Status.PENDING, Status.HELD} else NOW
    return InboundEmailFactory(status=status, finished_at=finished, **(values | fields))


def make_row(model, number=0):
    return {
        "mailbox": MailboxFactory,
        "inboundemail": lambda: ended(Status.REJECTED, sender=f"ada{number}@example.com"),
        "replykey": ReplyKeyFactory,
        "sendertoken": SenderTokenFactory,
        "heartbeat": lambda: Heartbeat.objects.create(name=f"worker {number}", seen_at=NOW),
    }[model]()


def make_operator(*more):
    operator = UserFactory(is_staff=True)
    operator.user_permissions.set(
        Permission.objects.filter(
            content_type__app_label__in=["issues", "incoming_email"], codename__startswith="view_"
        )
    )
    operator.user_permissions.add(*Permission.objects.filter(codename__in=more))
    return operator


@pytest.fixture
def admin_user():
    return UserFactory(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def admin(client, admin_user):
    client.force_login(admin_user)
    return client


@pytest.fixture
def operator(client):
    client.force_login(make_operator())
    return client


def url(model, page, *args):
    return reverse(f"admin:incoming_email_{model}_{page}", args=args)


def page_of(client, row):
    return client.get(url(row._meta.model_name, "change", row.pk))


def choose(client, model, action, *rows):
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(url(model, "changelist"), data, follow=True)


def press(client, row, button):
    return client.post(url("inboundemail", "press", row.pk, button), follow=True)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("who", ["admin", "operator"])
def test_every_list_and_page_opens(request, who, model):
    client, row = request.getfixturevalue(who), make_row(model)

    for address in (url(model, "changelist"), url(model, "change", row.pk)):
        assert client.get(address).status_code == 200
    assert client.get(f"{url(model, 'changelist')}?q=a").status_code == 200
    assert client.get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize("status", Status)
def test_a_row_of_every_status_opens(operator, status):
    row = ended(status)

    assert f'<span class="badge status-{status.value}">' in page_of(operator, row).text


@pytest.mark.parametrize("model", MODELS)
def test_a_long_list_costs_the_queries_of_a_short_one(admin, model, django_assert_max_num_queries):
    def count():
        with django_assert_max_num_queries(30) as queries:
            assert admin.get(url(model, "changelist")).status_code == 200
        return len(queries)

    make_row(model)
    count()  # content types are remembered from now on
    short = count()
    for number in range(1, 50):
        make_row(model, number)

    assert count() == short


def test_the_ledger_reads_no_raw_message_and_no_password(admin, django_assert_max_num_queries):
    InboundEmailFactory()

    with django_assert_max_num_queries(30) as queries:
        admin.get(url("inboundemail", "changelist"))

    rows = [query["sql"] for query in queries if "LIMIT" in query["sql"] or "ORDER" in query["sql"]]
    assert any('"incoming_email_inboundemail"."subject"' in sql for sql in rows)
    assert not any('"incoming_email_inboundemail"."raw"' in sql for sql in rows)
    assert not any(
        '"password"' in sql and '"incoming_email_inboundemail"."subject"' in sql for sql in rows
    )


@pytest.mark.parametrize("model", MODELS)
def test_an_operator_changes_and_adds_nothing(operator, model):
    row = make_row(model)

    assert operator.post(url(model, "change", row.pk), {"name": "x"}).status_code == 403
    assert operator.get(url(model, "add")).status_code == 403
    assert operator.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", ["inboundemail", "replykey", "sendertoken", "heartbeat"])
def test_nobody_makes_by_hand_what_the_system_writes(admin, model):
    row = make_row(model)

    assert admin.get(url(model, "add")).status_code == 403
    assert admin.post(url(model, "change", row.pk), {}).status_code == 403


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("replykey", "key__startswith=a"),
        ("inboundemail", "recipient__startswith=incoming"),
        ("inboundemail", "raw__contains=a"),
        ("inboundemail", "mailbox__password__startswith=a"),
        ("sendertoken", "token__startswith=a"),
        ("mailbox", "password__gt=a"),
    ],
)
def test_no_list_tells_a_secret_letter_by_letter(operator, model, query):
    make_row(model)

    assert operator.get(f"{url(model, 'changelist')}?{query}").status_code == 400


# Mailboxes


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
        **more,
    }


def save_mailbox(client, mailbox, **more):
    form = mailbox_form(name=mailbox.name, **more)
    response = client.post(url("mailbox", "change", mailbox.pk), form)
    mailbox.refresh_from_db()
    return response


def test_a_mailbox_is_added_and_its_password_encrypted(admin):
    admin.post(url("mailbox", "add"), mailbox_form(password=" s3cret "))

    mailbox = Mailbox.objects.get()
    assert mailbox.password == " s3cret "
    stored = Mailbox.objects.extra(select={"stored": "password"}).values_list("stored").get()[0]
    assert "s3cret" not in stored


def test_a_blank_password_keeps_the_present_one(admin):
    mailbox = MailboxFactory()

    assert save_mailbox(admin, mailbox, password="").status_code == 302
    assert mailbox.password == PASSWORD
    assert "assword" not in LogEntry.objects.get().change_message


def test_a_new_password_replaces_the_present_one(admin):
    mailbox = MailboxFactory()

    save_mailbox(admin, mailbox, password="other")

    assert mailbox.password == "other"
    assert "other" not in LogEntry.objects.get().change_message


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
def test_the_test_of_an_smtp_mailbox_asks_the_door(admin, settings, is_open, answer):
    mailbox = MailboxFactory(inbox_method=InboxMethod.SMTP, host="")
    with socket.create_server(("127.0.0.1", 0)) as door:
        settings.SMTP_DOOR_HOST, settings.SMTP_DOOR_PORT = door.getsockname()
        if not is_open:
            door.close()
        else:
            greet(door)
        response = admin.post(url("mailbox", "test", mailbox.pk))

    answers = {line.step: line.answer.value for line in response.context["findings"]}
    assert answers["door"] == answer


def greet(door):
    """Answers one connection as an SMTP server does, in a thread that ends with it."""

    def serve():
        connection, _ = door.accept()
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


def test_poll_now_says_how_many_came(admin, monkeypatch):
    mailbox = MailboxFactory()
    monkeypatch.setattr(fetching, "fetch", lambda *_args, **_kwargs: 3)

    response = admin.post(url("mailbox", "poll", mailbox.pk), follow=True)

    assert "3 new messages were taken in." in response.text


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
        ({"enabled": False}, "switched off"),
        ({"inbox_method": InboxMethod.SMTP}, "nothing to poll"),
        ({"lease_holder": "x", "lease_until": timezone.now() + timedelta(hours=1)}, "Somebody"),
    ],
)
def test_poll_now_says_why_there_is_nothing_to_do(admin, fields, words):
    mailbox = MailboxFactory(**fields)

    response = admin.post(url("mailbox", "poll", mailbox.pk), follow=True)

    assert words in response.text


def test_a_poll_ends_while_somebody_waits(monkeypatch):
    def fetch(*_args, on_progress, **_kwargs):
        for _ in range(100):
            on_progress(50)

    monkeypatch.setattr(fetching, "fetch", fetch)

    polled = poll(MailboxFactory(), seconds=-1)

    assert polled.sentence.startswith("50 new messages were taken in. ")


def test_a_poll_shows_the_remedy(monkeypatch):
    def fetch(*_args, **_kwargs):
        raise InboxError("NO [AUTHENTICATIONFAILED]", remedy="Check the password.")

    monkeypatch.setattr(fetching, "fetch", fetch)

    assert poll(MailboxFactory()).sentence == "NO [AUTHENTICATIONFAILED] Check the password."


# The ledger


def test_no_page_of_the_ledger_shows_a_secret(operator):
    mailbox = MailboxFactory(address="incoming+%{key}@example.com")
    private = f"incoming+shop-1-{KEY}-issue@example.com"
    only_letters = f"incoming+{LETTERS}@example.com"
    raw = (
        f"From: {private}\nTo: {only_letters}\nSubject: for {private}\n"
        f"References: <reply-{KEY}@letterbox.localhost>\nReply-To: {private}\n\n"
        f"Mine.\n\nOn Monday Letterbox <{only_letters}> wrote:\n> {private}\n"
        f"> https://letterbox.localhost/unsubscribe/WzEsImki:abc:def/\n"
    ).encode()
    row = ended(
        Status.HELD,
        mailbox=mailbox,
        raw=raw,
        recipient=only_letters,
        sender=private,
        subject=f"for {private}",
        message_id=f"reply-{KEY}@letterbox.localhost",
        last_error=f"IntegrityError: {KEY}",
        defects=[f"odd {KEY}"],
        trace=[{"step": "kind", "because": f"Return-Path: {only_letters}", "result": KEY}],
    )

    pages = [operator.get(url("inboundemail", "changelist")), page_of(operator, row)]

    for secret in (KEY, LETTERS, "WzEsImki:abc:def"):
        assert all(secret not in page.text for page in pages)
    assert "incoming+shop…@example.com" in pages[0].text
    assert "incoming+abcd…@example.com" in pages[1].text
    assert "reply-k3y0…@letterbox.localhost" in pages[1].text


def test_the_page_shows_the_trace_in_order(operator):
    row = ended(
        Status.REJECTED,
        trace=[
            {"step": "kind", "result": "personal", "because": ""},
            {"step": "address", "header": "To", "address": "a@example.com", "result": "not ours"},
            {"step": "address", "header": "Cc", "address": "in+k3y0…@example.com", "key": "k3y0…"},
        ],
        mailbox=MailboxFactory(address="in+%{key}@example.com"),
    )

    response = page_of(operator, row)

    assert [step.name for step in response.context["page"].trace] == ["kind", "address", "address"]
    assert "<code>in+k3y0…@example.com</code>" in response.text
    assert "<code>a@example.com</code> → not ours" in response.text
    assert Reason.UNKNOWN_ADDRESS.label.replace("'", "&#x27;") in response.text


def test_the_page_shows_how_the_message_is_read(operator):
    raw = (
        b"From: Ada <ada@example.com>\nSubject: <b>Hinge</b>\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\n"
        b"It squeaks <script>.\n\nOn Mon, 1 Jan 2024 at 10:00, Bob <bob@example.com> wrote:\n"
        b"> Does it?\n--x\nContent-Type: text/csv\n"
        b"Content-Disposition: attachment; filename=noise.csv\n\na,b\n--x--\n"
    )
    response = page_of(operator, InboundEmailFactory(raw=raw))

    page = response.context["page"]
    texts = {part.label: part.text for part in page.texts}
    assert texts["Reply"] == "It squeaks <script>."
    assert "> Does it?" in texts["Quoted part"]
    assert [(f.name, f.content_type, f.size) for f in page.files] == [
        ("noise.csv", "text/csv", "3\xa0bytes")
    ]
    assert "It squeaks &lt;script&gt;." in response.text
    assert "&lt;b&gt;Hinge&lt;/b&gt;" in response.text


@pytest.mark.parametrize("raw", [b"", b"\xff\x00\xfe", b"\n\n\n", b"x" * 100_000])
def test_the_page_of_any_bytes_opens(operator, raw):
    assert page_of(operator, InboundEmailFactory(raw=raw)).status_code == 200


def test_a_long_text_is_cut(operator):
    row = InboundEmailFactory(raw=b"From: a@example.com\n\n" + b"squeak " * 20_000)

    page = page_of(operator, row).context["page"]

    assert [(len(part.text), part.is_cut) for part in page.texts] == [(100_000, True)] * 2


def test_the_outcome_links_to_what_was_made(operator):
    note, issue, merge_request = NoteFactory(), IssueFactory(), MergeRequestFactory()
    rows = [
        (ended(Status.PROCESSED, note=note, issue=note.issue), note.issue, f"#note-{note.pk}"),
        (ended(Status.PROCESSED, issue=issue), issue, ""),
        (ended(Status.PROCESSED, merge_request=merge_request), merge_request, ""),
    ]

    for row, item, anchor in rows:
        page = "issue-detail" if isinstance(item, Issue) else "merge-request-detail"
        address = reverse(page, args=[item.project.path, item.iid]) + anchor
        assert f'<a href="{address}">note 1 on issue acme/shop#1</a>' in page_of(operator, row).text


def test_a_duplicate_links_to_the_first(operator):
    first = ended(Status.PROCESSED)
    copy = ended(Status.IGNORED, reason=Reason.DUPLICATE, duplicate_of=first)

    assert f'<a href="{url("inboundemail", "change", first.pk)}">' in page_of(operator, copy).text


def test_the_filters_find(operator):
    held, failed = ended(Status.HELD), ended(Status.FAILED)
    done = ended(Status.PROCESSED, received_at=NOW)

    def found(query):
        response = operator.get(f"{url('inboundemail', 'changelist')}?{query}")
        return set(response.context["cl"].result_list)

    assert found("status__exact=held") == {held}
    assert found("reason=sender_mismatch") == {held}
    assert found("handler=note") == {done}
    assert found("received_at__gte=2024-05-02+00:00:00%2B00:00") == {held, failed}


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("ada@example.com", True),
        ("<door-1@example.com>", True),
        ("door-1@example.com", True),
        ("squeaks", True),
        ("incoming+secret@example.com", True),
        ("incoming+sec", False),
        ("nobody", False),
    ],
)
def test_the_search_finds(operator, query, is_found):
    row = ended(
        Status.REJECTED,
        sender="ada@example.com",
        subject="It squeaks",
        message_id="door-1@example.com",
        recipient="incoming+secret@example.com",
    )

    response = operator.get(url("inboundemail", "changelist"), {"q": query})

    assert list(response.context["cl"].result_list) == ([row] if is_found else [])


def test_held_mail_is_counted_for_who_may_see_it(client, admin_user):
    ended(Status.HELD)
    ended(Status.HELD)
    words = "2 messages wait for a person"
    pages = [reverse("admin:index"), url("inboundemail", "changelist")]

    client.force_login(admin_user)
    assert all(words in client.get(page).text for page in pages)
    client.force_login(UserFactory(is_staff=True))
    assert words not in client.get(pages[0]).text


def test_nothing_held_is_not_mentioned(admin):
    assert "held-mail" not in admin.get(reverse("admin:index")).text


# What a person does with a row


def buttons_of(client, row):
    return [name for name, _label in page_of(client, row).context["buttons"]]


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (Status.PENDING, []),
        (Status.PROCESSED, []),
        (Status.REJECTED, ["process-again"]),
        (Status.IGNORED, ["process-again"]),
        (Status.FAILED, ["process-again"]),
        (Status.HELD, ["release", "discard"]),
    ],
)
def test_a_row_has_the_buttons_of_its_status(admin, status, names):
    assert buttons_of(admin, ended(status)) == names


def test_an_operator_has_no_buttons(operator):
    row = ended(Status.HELD)

    response = page_of(operator, row)
    assert response.context["buttons"] == []
    assert "Download raw" not in response.text


def make_reply(status, **fields):
    """A message that becomes a note once it is processed."""
    key = ReplyKeyFactory()
    mailbox = MailboxFactory()
    to = mailbox.template.address_for(key.key)
    raw = (
        f"From: {key.recipient.email}\nTo: {to}\nMessage-ID: <{key.pk}@example.com>\n\nOiled.\n"
    ).encode()
    return ended(status, mailbox=mailbox, raw=raw, **fields), key.issue


@pytest.mark.parametrize("status", [Status.REJECTED, Status.IGNORED, Status.FAILED])
def test_process_again_does_so(admin, admin_user, status):
    row, issue = make_reply(status)

    response = press(admin, row, "process-again")

    row.refresh_from_db()
    assert row.status == Status.PROCESSED
    assert [note.body for note in issue.notes.all()] == ["Oiled."]
    assert "Processed again. Now: 1 processed." in response.text
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user, entry.change_message) == (
        str(row.pk),
        admin_user,
        "Processed again.",
    )


def test_many_are_processed_again_and_the_others_left_alone(admin):
    rows = [make_reply(Status.FAILED)[0], make_reply(Status.REJECTED)[0]]
    done = ended(Status.PROCESSED)

    response = choose(admin, "inboundemail", "process_again", *rows, done)

    assert set(InboundEmail.objects.values_list("status", flat=True)) == {"processed"}
    assert "Processed again. Now: 2 processed." in response.text
    assert "1 message was left alone" in response.text


def test_what_takes_too_long_is_left_to_the_worker(admin_user):
    rows = [make_reply(Status.FAILED)[0] for _ in range(2)]

    did, sentence = ledger_actions.press(
        ledger_actions.BUTTONS["process-again"],
        [row.pk for row in rows],
        user_id=admin_user.pk,
        seconds=-1,
    )

    assert did
    assert sentence == (
        "Processed again. Now: 2 pending. The worker goes on with the pending ones."
    )


def test_many_batches_are_one_press(admin_user, monkeypatch):
    monkeypatch.setattr(ledger_actions, "BATCH", 2)
    rows = [ended(Status.HELD) for _ in range(5)]

    ledger_actions.press(
        ledger_actions.BUTTONS["discard"], [row.pk for row in rows], user_id=admin_user.pk
    )

    assert InboundEmail.objects.filter(reason=Reason.DISCARDED).count() == 5
    assert LogEntry.objects.count() == 5


def test_release_waives_the_rule_and_processes(admin):
    row, issue = make_reply(Status.HELD)

    response = press(admin, row, "release")

    row.refresh_from_db()
    assert (row.status, row.waived_rules) == (Status.PROCESSED, ["sender_mismatch"])
    assert issue.notes.count() == 1
    assert "Released. Now: 1 processed." in response.text


def test_discard_ends_the_row(admin):
    row, issue = make_reply(Status.HELD)

    response = choose(admin, "inboundemail", "discard", row)

    row.refresh_from_db()
    assert (row.status, row.reason) == (Status.IGNORED, Reason.DISCARDED)
    assert issue.notes.count() == 0
    assert "Discarded. Now: 1 ignored." in response.text


def test_release_in_the_list(admin):
    row, _issue = make_reply(Status.HELD)

    choose(admin, "inboundemail", "release", row)

    row.refresh_from_db()
    assert row.status == Status.PROCESSED


@pytest.mark.parametrize("button", ["process-again", "release", "discard"])
def test_buttons_ask_for_the_permission(client, button):
    row = ended(Status.HELD if button != "process-again" else Status.FAILED)
    before = row.status
    client.force_login(make_operator("download_raw"))

    assert press(client, row, button).status_code == 403
    choose(client, "inboundemail", button.replace("-", "_"), row)

    row.refresh_from_db()
    assert row.status == before


def test_who_may_requeue_needs_no_more_than_that(client):
    row = ended(Status.HELD)
    client.force_login(make_operator("requeue_inboundemail"))

    press(client, row, "discard")

    row.refresh_from_db()
    assert row.status == Status.IGNORED


def test_a_button_is_pressed_by_post_and_exists(admin):
    row = ended(Status.HELD)

    assert admin.get(url("inboundemail", "press", row.pk, "discard")).status_code == 405
    assert press(admin, row, "burn").status_code == 404
    assert press(admin, SimpleNamespace(pk=row.pk + 1), "discard").status_code == 404


def test_the_raw_message_is_downloaded_and_that_is_recorded(client):
    row = InboundEmailFactory()
    clerk = make_operator("download_raw")
    client.force_login(clerk)

    response = client.get(url("inboundemail", "raw", row.pk))

    assert response.content == RAW
    assert response["Content-Type"] == "message/rfc822"
    assert response["Content-Disposition"] == f'attachment; filename="inbound-{row.pk}.eml"'
    assert "no-store" in response["Cache-Control"]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (clerk, str(row.pk))
    assert entry.change_message == "Downloaded the raw message."


def test_the_raw_message_asks_for_its_own_permission(client):
    row = InboundEmailFactory()
    for rights in ([], ["requeue_inboundemail"]):
        client.force_login(make_operator(*rights))
        assert client.get(url("inboundemail", "raw", row.pk)).status_code == 403

    assert not LogEntry.objects.exists()


def test_only_a_superuser_deletes_a_row(client, admin_user):
    row = ended(Status.REJECTED)
    address = url("inboundemail", "delete", row.pk)

    client.force_login(make_operator("delete_inboundemail"))
    assert client.post(address, {"post": "yes"}).status_code == 403
    client.force_login(admin_user)
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert not InboundEmail.objects.exists()


# Keys and tokens


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

    response = choose(admin, "replykey", "revoke", fresh, old)

    fresh.refresh_from_db()
    old.refresh_from_db()
    assert fresh.revoked_at > NOW
    assert old.revoked_at == NOW
    assert "1 key is revoked." in response.text
    assert LogEntry.objects.get().object_id == str(fresh.pk)


def test_a_token_is_not_shown_and_is_reset(admin):
    row = SenderTokenFactory(token=KEY, changed_at=NOW)
    pages = [admin.get(url("sendertoken", "changelist")), page_of(admin, row)]

    choose(admin, "sendertoken", "reset", row)

    assert all(KEY not in page.text and row.digest not in page.text for page in pages)
    assert find_owner_token(KEY) is None
    row.refresh_from_db()
    assert row.token != KEY
    assert row.changed_at > NOW


@pytest.mark.parametrize(("model", "action"), [("replykey", "revoke"), ("sendertoken", "reset")])
def test_withdrawing_asks_for_the_permission(operator, model, action):
    row = make_row(model)

    choose(operator, model, action, row)

    row.refresh_from_db()
    assert not getattr(row, "revoked_at", None)
    assert not LogEntry.objects.exists()


def test_keys_are_not_deleted_by_themselves_but_go_with_their_owner(admin):
    key = ReplyKeyFactory()
    SenderTokenFactory(user=key.recipient)

    assert admin.post(url("replykey", "delete", key.pk), {"post": "yes"}).status_code == 403
    admin.post(reverse("admin:issues_user_delete", args=[key.recipient.pk]), {"post": "yes"})
    assert not ReplyKey.objects.exists()
