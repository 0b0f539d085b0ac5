"""`manage.py backfill_mailbox`: count, fill in, start from now, and what is said when it can't."""

import os
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from incoming_email.models import InboundEmail, InboxMethod, Mailbox
from incoming_email.tasks import backfill_mailbox
from tests.incoming_email.factories import MailboxFactory
from tests.servers.reading import mail

MAY = datetime(2026, 5, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mailbox(tmp_path):
    """With seen mail of 30 April and of 1 May, and one of 2 May, each at noon."""
    for folder in ("tmp", "new", "cur"):
        (tmp_path / folder).mkdir()
    for day, name in ((-1, "cur/1.a:2,S"), (0, "cur/2.b:2,S"), (1, "new/3.c")):
        path = tmp_path / name
        path.write_bytes(mail(name))
        moment = MAY.timestamp() + (day + 0.5) * 86_400
        os.utime(path, (moment, moment))
    return MailboxFactory(
        name="support",
        inbox_method=InboxMethod.MAILDIR,
        maildir_path=str(tmp_path),
        delete_after_delivery=False,
    )


def run(*words):
    out = StringIO()
    call_command("backfill_mailbox", *words, stdout=out)
    return out.getvalue().strip()


@pytest.mark.parametrize(
    ("date", "count"), [("2026-05-01", 2), ("2026-05-01T12:30", 1), ("2026-04-30T12:00+09:00", 3)]
)
def test_a_preview_counts_and_takes_nothing_in(mailbox, date, count):
    said = run("support", "--since", date, "--preview")
    assert said.startswith(f"{count} message")
    assert f"since {date}" in said
    assert InboundEmail.objects.count() == 0
    assert len(list(Path(mailbox.maildir_path, "new").iterdir())) == 1


def test_what_came_since_a_day_is_taken_in_once(mailbox):
    assert run("support", "--since", "2026-05-01") == "2 new messages were fetched."
    assert run("support", "--since", "2026-05-01") == "0 new messages were fetched."
    assert InboundEmail.objects.count() == 2


@pytest.mark.parametrize("state", [{"enabled": False}, {"lease_holder": "watcher"}])
def test_neither_a_watcher_nor_a_switch_stands_in_its_way(mailbox, state):
    far = timezone.now() + timedelta(hours=1)
    Mailbox.objects.update(lease_until=far, **state)
    assert run("support", "--since", "2026-05-01") == "2 new messages were fetched."


def test_the_position_of_a_watcher_is_not_touched(mailbox):
    Mailbox.objects.update(position="17")
    run("support", "--since", "2026-05-01")
    assert Mailbox.objects.get().position == "17"


def test_the_worker_does_it_for_the_admin(mailbox):
    backfill_mailbox(mailbox_id=mailbox.pk, since=MAY.isoformat())
    assert InboundEmail.objects.count() == 2


def test_a_mailbox_starts_from_now(mailbox):
    before = timezone.now()
    assert "is ignored from now on" in run("support", "--from-now")
    assert before <= Mailbox.objects.get().starts_at <= timezone.now()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody", "--from-now"), "There are: support."),
        (("door", "--from-now"), "There are: support."),
        (("support", "--since", "yesterday"), "“yesterday” is not a date"),
        (("support", "--since", "2026-02-30"), "“2026-02-30” is not a date"),
        (("support",), "one of the arguments"),
        (("support", "--from-now", "--since", "2026-05-01"), "not allowed with"),
    ],
)
def test_what_cannot_be_done_is_said(mailbox, words, said):
    MailboxFactory(name="door", inbox_method=InboxMethod.SMTP)
    with pytest.raises(CommandError, match=said):
        run(*words)


def test_the_words_of_the_server_are_shown(mailbox):
    Path(mailbox.maildir_path, "new").rename(Path(mailbox.maildir_path, "old"))
    with pytest.raises(CommandError, match=r"No such file .*new, cur and tmp"):
        run("support", "--since", "2026-05-01")
