"""Mail to external participants, by servers that applications above know, with files."""

import datetime as dt
from dataclasses import dataclass

import pytest

from issues import outbox, services
from issues.models import Announcement, OutgoingEmail, OutgoingState, Upload
from issues.notifications import MAIL_SOURCES, REPLY_ROUTES, fan_out, fan_out_owed
from issues.outbox import MAIL_CONNECTIONS, NewMail, enqueue_many
from issues.outbox.messages import build_message
from issues.stopping import Budget
from issues.uploads import NewFile, path_of
from tests.factories import IssueFactory
from tests.issues import outside_double
from tests.issues.outgoing import NOW, say
from tests.issues.smtp_sink import free_port, running_sink
from tests.providing import provide

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def outside(monkeypatch):
    provide(monkeypatch, REPLY_ROUTES)
    provide(monkeypatch, MAIL_SOURCES, outside_double.find_mails)
    provide(monkeypatch, MAIL_CONNECTIONS, outside_double.find_connection)
    outside_double.ports.clear()


@dataclass(frozen=True, slots=True)
class Countdown(Budget):
    """Over once so many mails are sent."""

    until: int = 0

    def is_over(self) -> bool:
        return OutgoingEmail.objects.filter(state=OutgoingState.SENT).count() >= self.until


def write(number, **fields):
    enqueue_many(
        [
            NewMail(
                **{
                    "kind": "notice",
                    "effect_key": f"outside-{number}",
                    "recipient": f"ann{number}@example.com",
                    "subject": "Hello",
                    "text": "Good morning",
                    "envelope_sender": "",
                    "message_id": f"outside-{number}@letterbox.localhost",
                }
                | fields
            )
        ],
        now=NOW,
    )


def states():
    return dict(OutgoingEmail.objects.values_list("recipient", "state"))


def test_each_source_writes_its_mails_once():
    issue = IssueFactory()
    say(issue)
    assert fan_out_owed(now=NOW) == 2
    assert fan_out(Announcement.objects.latest("pk").pk, now=NOW) == 0
    recipients = OutgoingEmail.objects.order_by("recipient").values_list("recipient", flat=True)
    assert list(recipients) == sorted(["customer@example.org", issue.author.email])


def test_each_account_sends_by_its_own_server_and_a_dead_one_stops_nobody():
    with running_sink() as sink:
        outside_double.ports.update(first=sink.port, dead=free_port())
        write(1, account="dead")
        write(2, account="first")
        assert outbox.deliver_due(now=NOW) == 1
        assert [recipients for _, recipients in sink.envelopes] == [["ann2@example.com"]]
    assert states() == {
        "ann1@example.com": OutgoingState.PENDING,
        "ann2@example.com": OutgoingState.SENT,
    }
    assert OutgoingEmail.objects.get(account="dead").attempts == 0


def test_a_slow_account_with_much_mail_keeps_no_other_one_waiting():
    with running_sink() as slow, running_sink() as other:
        outside_double.ports.update(a=slow.port, b=other.port)
        for number in range(40):
            write(number, account="a")
        write(40, account="b")

        for most in range(1, 41):
            if not other.envelopes:
                outbox.deliver_due(now=NOW, budget=Countdown(until=most))
        assert len(slow.envelopes) < 40
        assert len(other.envelopes) == 1


def test_mail_of_an_account_that_is_gone_goes_by_the_usual_server(mailoutbox):
    write(1, account="removed")
    assert outbox.deliver_due(now=NOW) == 1
    assert [message.to for message in mailoutbox] == [["ann1@example.com"]]


def test_mail_waits_for_its_time(mailoutbox):
    write(1, not_before=NOW + dt.timedelta(minutes=10))
    assert outbox.deliver_due(now=NOW) == 0
    assert outbox.deliver_due(now=NOW + dt.timedelta(minutes=10)) == 1


def test_uploads_are_attached_and_a_lost_one_is_left_out(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    issue = IssueFactory()
    files = [
        NewFile(f"{name}.txt", "text/plain", f"{name}\n".encode(), name) for name in ("a", "b")
    ]
    services.create_note(item=issue, author=issue.author, body="Two files", files=files)
    uploads = Upload.objects.order_by("filename")
    path_of(uploads[0]).unlink()
    write(1, uploads=[upload.pk for upload in uploads])
    message = build_message(OutgoingEmail.objects.get()).message()
    attached = [part for part in message.walk() if part.get_filename()]
    assert [part.get_filename() for part in attached] == ["b.txt"]
    assert [part.get_payload(decode=True) for part in attached] == [b"b\n"]
