"""A real Dovecot is polled and watched: plain, STARTTLS and TLS; what it keeps; much and large."""

import email.policy
import itertools
from email.message import EmailMessage

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.pipeline import fetching
from issues.models import Note, Upload
from issues.uploads import open_upload
from tests.incoming_email.world import make_mail, make_world
from tests.journeys.installation import WATCHER_BY_IDLE, Installation
from tests.journeys.test_crash_and_restart import DONE, NOTES, mails
from tests.servers.dovecot import password_of
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
MEGABYTE = 1_000_000
WAYS = {"plain": {}, "STARTTLS": {"start_tls": True}, "TLS": {"ssl": True}}
SEEN, DELETED = rb"\Seen", rb"\Deleted"
# What the server still has afterwards, by the two settings of the mailbox.
KEPT = [
    ({"delete_after_delivery": False, "expunge_deleted": False}, [{SEEN}, {SEEN}]),
    ({"delete_after_delivery": False, "expunge_deleted": True}, [{SEEN}, {SEEN}]),
    ({"delete_after_delivery": True, "expunge_deleted": False}, [{SEEN, DELETED}] * 2),
    ({"delete_after_delivery": True, "expunge_deleted": True}, []),
]


def connection(dovecot, user, way):
    return {
        "host": "localhost",
        "port": dovecot.tls_port if way == "TLS" else dovecot.port,
        "user": user,
        "password": password_of(user),
        **WAYS[way],
    }


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def make_mailbox(world, dovecot, imap_user):
    """The SMTP mailbox of the world stands back; its keys are those of this one."""

    def make(way="plain", **fields):
        Mailbox.objects.update(enabled=False)
        name, _, domain = imap_user.partition("@")
        return Mailbox.objects.create(
            name="imap",
            enabled=True,
            address=f"{name}+%{{key}}@{domain}",
            **connection(dovecot, imap_user, way),
            **fields,
        )

    return make


def answers(world, count):
    to = world.reply_address()
    return [
        make_mail(to=to, sender=world.member.email, body=f"Answer {number}.")
        for number in range(count)
    ]


@pytest.mark.parametrize("way", WAYS)
def test_mail_in_dovecot_becomes_notes(world, dovecot, imap_user, make_mailbox, settings, way):
    settings.IMAP_CA_FILE = dovecot.ca_file
    mailbox = make_mailbox(way)
    dovecot.deliver(imap_user, *answers(world, 3))

    assert fetching.fetch(mailbox, holder="test") == 3
    assert fetching.fetch(mailbox, holder="test") == 0

    notes = world.issue.notes.order_by("pk").values_list("body", "author")
    assert list(notes) == [(f"Answer {n}.", world.member.pk) for n in range(3)]
    mailbox.refresh_from_db()
    assert (mailbox.last_error, mailbox.failing_since, mailbox.lease_holder) == ("", None, "")
    assert mailbox.last_success_at is not None


@pytest.mark.parametrize("way", ["STARTTLS", "TLS"])
def test_a_server_nobody_vouches_for_gets_no_password(world, dovecot, imap_user, make_mailbox, way):
    mailbox = make_mailbox(way)
    dovecot.deliver(imap_user, *answers(world, 1))

    with pytest.raises(InboxError) as error:
        fetching.fetch(mailbox, holder="test")

    assert "certificate" in error.value.detail.lower()
    mailbox.refresh_from_db()
    assert error.value.detail in mailbox.last_error
    assert mailbox.failing_since is not None
    assert mailbox.lease_holder == ""
    assert InboundEmail.objects.count() == 0
    assert list(dovecot.messages(imap_user).values()) == [frozenset()]


@pytest.mark.parametrize(("fields", "left"), KEPT)
def test_the_server_keeps_what_the_mailbox_says(
    world, dovecot, imap_user, make_mailbox, fields, left
):
    mailbox = make_mailbox(**fields)
    dovecot.deliver(imap_user, *answers(world, 2))

    assert fetching.fetch(mailbox, holder="test") == 2

    assert list(dovecot.messages(imap_user).values()) == left
    assert fetching.fetch(mailbox, holder="test") == 0
    assert Note.objects.count() == 2


def test_expunge_leaves_alone_what_others_have_marked(world, dovecot, imap_user, make_mailbox):
    mailbox = make_mailbox(expunge_deleted=True)
    dovecot.append(imap_user, b"Subject: of another program\r\n\r\nx\r\n")
    (other,) = dovecot.messages(imap_user)
    dovecot.flag(imap_user, [other], SEEN, DELETED)
    dovecot.deliver(imap_user, *answers(world, 1))

    assert fetching.fetch(mailbox, holder="test") == 1

    assert dovecot.messages(imap_user) == {other: frozenset({SEEN, DELETED})}


def test_a_message_of_25_megabytes(world, dovecot, imap_user, make_mailbox):
    mailbox = make_mailbox()
    content = bytes(range(256)) * (25 * MEGABYTE * 73 // 100 // 256)  # base64 adds a good third
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["To"] = world.member.email, world.reply_address()
    mail["Subject"], mail["Message-ID"] = "Re: it", "<large@example.com>"
    mail.set_content("The whole log.")
    mail.add_attachment(content, "application", "octet-stream", filename="log.bin")
    large = mail.as_bytes()
    assert 24.5 * MEGABYTE < len(large) < 26 * MEGABYTE
    dovecot.deliver(imap_user, large)

    assert fetching.fetch(mailbox, holder="test") == 1

    row = InboundEmail.objects.get()
    assert (row.status, row.oversize) == ("processed", False)
    assert bytes(row.raw).endswith(large)  # below the lines that the server put on top
    upload = Upload.objects.get(note=Note.objects.get())
    assert (upload.filename, upload.size) == ("log.bin", len(content))
    with open_upload(upload) as file:
        assert file.read() == content


@pytest.mark.slow
def test_500_messages_in_one_poll(world, dovecot, imap_user, make_mailbox):
    mailbox = make_mailbox(expunge_deleted=True)
    dovecot.deliver(imap_user, *answers(world, 500))

    assert fetching.fetch(mailbox, holder="test") == 500

    bodies = world.issue.notes.order_by("pk").values_list("body", flat=True)
    assert list(bodies) == [f"Answer {number}." for number in range(500)]
    assert InboundEmail.objects.filter(status="processed").count() == 500
    assert InboundEmail.objects.count() == 500
    assert dovecot.messages(imap_user) == {}


@pytest.mark.slow
def test_the_watcher_hears_of_mail_by_idle(dovecot, tmp_path):
    """One process, a mailbox each way."""
    installation = Installation(tmp_path, IMAP_CA_FILE=dovecot.ca_file)
    installation.set_up()
    users = {way: dovecot.take_user() for way in WAYS}
    rows = [
        {"name": way, "address": user.replace("@", "+%{key}@"), "idle_timeout": 1500}
        | connection(dovecot, user, way)
        for way, user in users.items()
    ]
    key = installation.ask(
        "Mailbox.objects.update(enabled=False);"
        f"[Mailbox.objects.create(enabled=True, **row) for row in {rows!r}];"
        "from incoming_email.keys import reply_keys;"
        "dana = User.objects.get(username='dana');"
        "reply_keys.reply_routes(recipients=[dana], item=Issue.objects.get(iid=1), discussion='');"
        "print(ReplyKey.objects.get(recipient=dana, discussion='').key)"
    )
    numbers = itertools.count()

    def deliver(user):
        mail = next(itertools.islice(mails(user.replace("@", f"+{key}@")), next(numbers), None))
        dovecot.deliver(user, mail)

    for user in users.values():
        deliver(user)
    with installation.running(*WATCHER_BY_IDLE):
        wait_until(lambda: installation.query(DONE) == 3)
        for count, user in enumerate([*users.values()] * 3, start=4):
            if count % 4:  # now it idles again, now it may be still at work
                wait_until(lambda: dovecot.is_idling(user))  # noqa: B023
            deliver(user)
            wait_until(lambda: installation.query(DONE) == count)  # noqa: B023
    assert installation.query(NOTES) == 12
