"""Journeys from mail to effect, which are cut at each point: what is prepared, and what is done."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, reviewing
from issues import services
from issues.models import Announcement, Issue, Label, Membership, Note, Role, Upload
from servicedesk import spam
from tests.clones import Clone, plant
from tests.factories import MembershipFactory, NoteFactory
from tests.faults.hand_journey import decide, prepare_decisions
from tests.faults.outside import Mail
from tests.faults.restarting import run_queued, run_scheduled
from tests.incoming_email.mails import make_mail_with_file
from tests.incoming_email.patch_mails import attach
from tests.incoming_email.world import make_mail, make_world
from tests.servicedesk.world import CUSTOMER, make_desk

SENDING = "issues.sweep_outgoing_email"
UPKEEP = ("incoming_email.purge", "issues.remove_orphan_files")
KEPT_DAYS = 30


@dataclass(frozen=True)
class Journey:
    """`prepare` writes what there is before, and gives the mails that come. Then mail is received,
    and `tasks` are done."""

    prepare: Callable[[], Sequence[Mail]]
    tasks: Sequence[str] = ()
    brings_mail: bool = True
    act: Callable[[], None] = lambda: None
    server_cuts: bool = False
    """Nobody dies: at each point the server for outgoing mail ends the connection instead."""

    expected: str = ""
    """Begins a line of the end state that shows that something happened at all."""

    def go_on(self) -> None:
        """What is done beside receiving mail."""
        self.act()
        if self.tasks:
            run_scheduled(self.tasks)
        run_queued()


def prepare_replies() -> list[Mail]:
    """Two answers, and one of them twice: all in one batch."""
    world = make_world()
    for _person in range(2):
        NoteFactory(issue=world.issue)
    to, sender = world.reply_address(), world.member.email
    one, two = (
        make_mail(to=to, sender=sender, body=body) for body in ("One.", "Two.\r\n\r\n/close")
    )
    return [Mail(to, one), Mail(to, two), Mail(to, one)]


def prepare_issue() -> list[Mail]:
    world = make_world()
    to = world.issue_address()
    return [Mail(to, make_mail_with_file(to=to, sender=world.member.email, subject="It squeaks"))]


def prepare_ticket() -> list[Mail]:
    """With a file, and somebody in Cc who takes part."""
    desk = make_desk(add_cc=True, template="/label ~door")
    Label.objects.create(project=desk.project, name="door")
    mail = make_mail_with_file(
        to=desk.address, sender=CUSTOMER, subject="It is broken", Cc="cora@customer.example"
    )
    return [Mail(desk.address, mail)]


def prepare_merge_request() -> list[Mail]:
    world = make_world()
    plant(world.issue.project)
    with tempfile.TemporaryDirectory() as folder:
        clone = Clone(world.issue.project, Path(folder) / "clone")
        clone.oil(3)
        patches = clone.patches()
    return [Mail(world.merge_request_address(), attach(world, patches))]


def prepare_notification() -> list[Mail]:
    """A note on an issue on which three people have written."""
    world = make_world()
    for _person in range(3):
        NoteFactory(issue=world.issue)
    services.create_note(item=world.issue, author=world.member, body="Hello")
    return []


def prepare_purge() -> list[Mail]:
    """A ticket with a file, of which nothing is to be kept any more."""
    desk = make_desk()
    mail = make_mail_with_file(to=desk.address, sender=CUSTOMER, subject="It was broken")
    assert desk.receive(mail).status == Status.PROCESSED
    run_scheduled([SENDING])
    old = timezone.now() - timedelta(days=2 * KEPT_DAYS)
    InboundEmail.objects.update(received_at=old)
    Upload.objects.update(created_at=old)
    Mailbox.objects.update(
        keep_raw_days=KEPT_DAYS, keep_trace_days=KEPT_DAYS, keep_attachments_days=KEPT_DAYS
    )
    return []


def prepare_spam_ticket() -> list[Mail]:
    """A ticket of which nothing went out yet, and a maintainer."""
    desk = make_desk()
    MembershipFactory(project=desk.project, role=Role.MAINTAINER)
    assert desk.write().status == Status.PROCESSED
    return []


def prepare_marked_ticket() -> list[Mail]:
    prepare_spam_ticket()
    mark_as_spam()
    return []


def prepare_held_spam() -> list[Mail]:
    desk = make_desk()
    Mailbox.objects.update(spam_policy="hold")
    desk.mailbox.refresh_from_db()
    assert desk.write(X_Spam_Flag="YES").reason == Reason.SPAM
    return []


def mark_as_spam() -> None:
    _judge(spam.mark_as_spam)


def bring_back() -> None:
    _judge(spam.mark_as_no_spam)


def _judge(judge: Callable[..., None]) -> None:
    maintainer = Membership.objects.get(role=Role.MAINTAINER).user
    judge(issue=Issue.objects.get(), actor=maintainer, now=timezone.now())


def release_spam() -> None:
    """As the button does it."""
    rows = InboundEmail.objects.held_spam().values_list("pk", flat=True)
    processing.process_each(reviewing.release(list(rows), now=timezone.now()))


@dataclass(frozen=True)
class WrongOrder:
    """A step that writes an effect and its record without a transaction: what must be found."""

    record_first: bool

    def __call__(self) -> None:
        for owed in Announcement.objects.filter(fanned_out_at=None):
            steps = [self._write_effect, self._write_record]
            for step in reversed(steps) if self.record_first else steps:
                step(owed)

    @staticmethod
    def _write_effect(owed: Announcement) -> None:
        Note.objects.create(issue=Issue.objects.get(), author=owed.actor, body="An effect.")

    @staticmethod
    def _write_record(owed: Announcement) -> None:
        Announcement.objects.filter(pk=owed.pk).update(fanned_out_at=timezone.now())


JOURNEYS = {
    "reply": Journey(prepare_replies, expected="note"),
    "new issue": Journey(prepare_issue, expected="upload"),
    "ticket": Journey(prepare_ticket, expected="sent"),
    "merge request": Journey(prepare_merge_request, expected="version"),
    "notification": Journey(
        prepare_notification, tasks=[SENDING], brings_mail=False, expected="sent"
    ),
    "notification, server cuts": Journey(
        prepare_notification,
        tasks=[SENDING],
        brings_mail=False,
        server_cuts=True,
        expected="sent",
    ),
    "decisions of people": Journey(
        prepare_decisions, tasks=[SENDING], brings_mail=False, act=decide, expected="note"
    ),
    "purge": Journey(prepare_purge, tasks=UPKEEP, brings_mail=False, expected="ledger"),
    "mark as spam": Journey(
        prepare_spam_ticket, brings_mail=False, act=mark_as_spam, expected="row of incoming_email.B"
    ),
    "not spam": Journey(
        prepare_marked_ticket, tasks=[SENDING], brings_mail=False, act=bring_back, expected="sent"
    ),
    "held spam released": Journey(
        prepare_held_spam, tasks=[SENDING], brings_mail=False, act=release_spam, expected="sent"
    ),
    "effect before its record": Journey(
        prepare_notification, brings_mail=False, act=WrongOrder(False), expected="note"
    ),
    "record before its effect": Journey(
        prepare_notification, brings_mail=False, act=WrongOrder(True), expected="note"
    ),
}
"""The last two are wrong on purpose."""
