"""The mailbox's page for each inbox method: presets, three secrets, and older mail."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from incoming_email.admin.mailbox_presets import PRESETS
from incoming_email.models import InboxMethod, LoginMethod, Mailbox
from incoming_email.tasks import backfill_mailbox
from issues import broker
from tests.admin_site import incoming_url as url
from tests.incoming_email.admin.test_mailboxes import mailbox_form
from tests.incoming_email.factories import MailboxFactory

pytestmark = pytest.mark.django_db

SECRETS = ["password", "client_secret", "refresh_token"]
OURS = "secret-of-no-value"


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.slug)
def test_a_preset_fills_the_form_and_says_what_to_do(admin, preset):
    response = admin.get(f"{url('mailbox', 'add')}?preset={preset.slug}")

    form = response.context["adminform"].form
    filled = {name: form.get_initial_for_field(form.fields[name], name) for name in preset.fields}
    assert filled == dict(preset.fields)
    steps = response.text.split("what to do there")[1].split("</ol>")[0]
    assert len(re.findall("<li>", steps)) == len(preset.steps)


@pytest.mark.parametrize(
    ("slug", "title"),
    [
        ("gmail", "IMAP server"),
        ("office365", "App at the provider"),
        ("graph-us", "Microsoft Graph"),
        ("maildir", "Maildir"),
    ],
)
def test_what_a_preset_needs_is_not_folded(admin, slug, title):
    response = admin.get(f"{url('mailbox', 'add')}?preset={slug}")
    sections = {
        str(name): more["classes"] for name, more in response.context["adminform"].fieldsets
    }
    assert sections[title] == ()
    assert "State" not in sections


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.slug)
def test_a_preset_with_the_persons_own_values_makes_a_mailbox(admin, preset):
    own = {"user": "me@example.com", "tenant_id": "t", "client_id": "c", "maildir_path": "/in"}
    values = {name: "on" if value is True else value for name, value in preset.fields.items()}
    form = mailbox_form(host="", port="143", ssl="", password="x") | own | values

    assert admin.post(url("mailbox", "add"), form).status_code == 302
    mailbox = Mailbox.objects.get()
    mailbox.full_clean()
    assert mailbox.inbox_method == preset.fields["inbox_method"]


def test_the_form_without_a_preset_offers_them_all(admin):
    page = admin.get(url("mailbox", "add")).text
    assert all(f"?preset={preset.slug}" in page for preset in PRESETS)
    assert "what to do there" not in admin.get(f"{url('mailbox', 'add')}?preset=none").text


def test_a_graph_mailbox_is_added_by_its_form(admin):
    form = mailbox_form(
        inbox_method="microsoft_graph",
        host="",
        ssl="",
        tenant_id="tenant-1",
        client_id="client-1",
        client_secret=OURS,
        graph_endpoint="https://graph.microsoft.us",
        poll_interval="30",
    )
    assert admin.post(url("mailbox", "add"), form).status_code == 302
    mailbox = Mailbox.objects.get()
    assert (mailbox.client_secret, mailbox.poll_interval) == (OURS, 30)
    assert mailbox.graph_endpoint == "https://graph.microsoft.us"
    assert mailbox.azure_ad_endpoint == "https://login.microsoftonline.com"


@pytest.mark.parametrize("name", SECRETS)
def test_each_secret_is_kept_replaced_and_cleared(admin, name):
    mailbox = MailboxFactory(port=993, ssl=True, **{name: OURS})

    def save(**more):
        form = mailbox_form(name=mailbox.name, **more)
        assert admin.post(url("mailbox", "change", mailbox.pk), form).status_code == 302
        return getattr(Mailbox.objects.get(), name)

    assert save() == OURS
    assert save(**{name: "new-one"}) == "new-one"
    assert save(**{f"clear_{name}": "on"}) == ""
    assert not LogEntry.objects.filter(change_message__contains="new-one").exists()


@pytest.mark.parametrize("who", ["admin", "operator"])
def test_no_secret_is_ever_shown(request, who):
    client = request.getfixturevalue(who)
    mailbox = MailboxFactory(**{name: f"{name}-{OURS}" for name in SECRETS}, rotated_token=OURS)

    for page in ("change", "history"):
        assert OURS not in client.get(url("mailbox", page, mailbox.pk)).text


def test_a_read_only_operator_sees_no_field_to_enter_a_secret(operator):
    page = operator.get(url("mailbox", "change", MailboxFactory().pk)).text
    assert 'type="password"' not in page


@pytest.mark.parametrize(
    ("changes", "open_sections"),
    [
        ({}, {"IMAP server", "Account and folder"}),
        ({"login_method": LoginMethod.XOAUTH2}, {"App at the provider", "IMAP server"}),
        ({"inbox_method": InboxMethod.MICROSOFT_GRAPH}, {"App at the provider", "Microsoft Graph"}),
        ({"inbox_method": InboxMethod.MAILDIR}, {"Maildir"}),
    ],
)
def test_what_the_method_does_not_need_is_folded(admin, changes, open_sections):
    response = admin.get(url("mailbox", "change", MailboxFactory(**changes).pk))
    sections = {
        str(title): options["classes"] for title, options in response.context["adminform"].fieldsets
    }
    assert all(sections[title] == () for title in open_sections)
    unneeded = {"IMAP server", "App at the provider", "Microsoft Graph", "Maildir"} - open_sections
    if changes.get("inbox_method"):
        assert all(sections[title] == ("collapse",) for title in unneeded)


def test_the_servers_notice_is_shown(admin):
    mailbox = MailboxFactory(server_notice="95 % of the quota is used")
    assert "95 % of the quota" in admin.get(url("mailbox", "change", mailbox.pk)).text


@pytest.fixture
def maildir(tmp_path):
    for folder in ("tmp", "new", "cur"):
        (tmp_path / folder).mkdir()
    for number in range(3):
        (tmp_path / f"cur/{number}.host:2,S").write_bytes(b"Subject: old\n\nold\n")
    return MailboxFactory(inbox_method=InboxMethod.MAILDIR, maildir_path=str(tmp_path))


def ask(client, mailbox, action, since="2026-05-01"):
    page = url("mailbox", "backfill", mailbox.pk)
    return client.post(page, {"action": action, "since": since}, follow=True)


def test_older_mail_is_counted(admin, maildir):
    today = timezone.localdate().isoformat()
    assert f"3 messages since {today}" in ask(admin, maildir, "preview", today).text
    assert "0 messages since 2100-01-01" in ask(admin, maildir, "preview", "2100-01-01").text


def test_older_mail_is_taken_in_by_the_worker(admin, maildir, monkeypatch):
    handed_over = []
    monkeypatch.setattr(
        broker, "hand_over", lambda name, **words: handed_over.append((name, words))
    )
    assert "The worker takes it in" in ask(admin, maildir, "backfill").text
    words = {"mailbox_id": maildir.pk, "since": "2026-05-01T00:00:00+00:00"}
    assert handed_over == [(backfill_mailbox.name, words)]


def test_older_mail_is_not_promised_without_a_broker(admin, maildir, monkeypatch):
    def refuse(*_names, **_words):
        raise OSError("connection refused")

    monkeypatch.setattr(broker, "hand_over", refuse)
    text = ask(admin, maildir, "backfill").text
    assert "The broker does not answer, so nothing was started." in text
    assert "The worker takes it in" not in text


def test_a_mailbox_starts_from_now(admin, maildir):
    before = timezone.now()
    assert "is ignored from now on" in ask(admin, maildir, "from_now", "").text
    assert Mailbox.objects.get().starts_at >= before


def test_what_stands_in_the_way_is_said(admin, maildir):
    assert "Choose a day." in ask(admin, maildir, "preview", "").text
    Mailbox.objects.update(maildir_path="/nowhere")
    assert "No such file or directory" in ask(admin, maildir, "preview").text


def test_older_mail_is_for_those_who_may_change_the_mailbox(operator, maildir):
    assert ask(operator, maildir, "from_now").status_code == 403
    assert Mailbox.objects.get().starts_at is None
