"""What the sender of a mail is told of its quick actions."""

import pytest
from django.core import mail
from django.utils import timezone

from incoming_email.outcomes import Status
from issues import outbox
from issues.models import State
from tests.incoming_email.handlers.replying import reply, step_of, told
from tests.incoming_email.world import make_world

pytestmark = pytest.mark.django_db


def test_the_sender_is_told_what_was_refused(world):
    row = reply(
        world,
        "/assign @ghost\r\n/colse\r\n/close",
        subject="Re: door",
        Message_ID="<m@example.com>",
    )

    assert step_of(row) == "sent"
    outbox.deliver_due(now=timezone.now())
    answer = next(sent for sent in mail.outbox if sent.subject == "Not carried out: Re: door")
    assert answer.to == [world.member.email]
    assert answer.from_email == "", "the null reverse-path"
    assert answer.extra_headers["Auto-Submitted"] == "auto-replied"
    assert answer.extra_headers["In-Reply-To"] == "<m@example.com>"
    assert "  /assign @ghost\n  Nobody is named @ghost.\n" in answer.body
    assert "  /colse\n  There is no such quick action; is /close meant?" in answer.body
    assert "/help/quick-actions/" in answer.body
    assert world.issue.state == State.CLOSED


def test_a_long_line_is_shown_by_its_beginning(world):
    line = f"/assign @{'g' * 200}"
    reply(world, line)
    outbox.deliver_due(now=timezone.now())
    (answer,) = [sent for sent in mail.outbox if sent.subject.startswith("Not carried out")]
    assert f"\n  {line[:120]}…\n" in answer.body


def test_in_the_language_of_the_author(world):
    world.member.language = "ko"
    world.member.save()
    reply(world, "/assign @ghost")
    ((_recipient, text),) = told()
    assert "@ghost 님이 없습니다." in text


def test_told_at_each_mistake_and_no_more_than_the_limit(world, settings):
    settings.LOOP_LIMIT_PER_HOUR = 3
    rows = [reply(world, "/colse") for _mistake in range(4)]
    assert [step_of(row) for row in rows] == [
        *["sent"] * 3,
        "not sent: the limit of automatic answers is reached (LOOP_LIMIT_PER_HOUR)",
    ]


@pytest.mark.parametrize(
    ("header", "value"), [("Return_Path", "<>"), ("List_Id", "<list.example.com>")]
)
def test_some_mail_is_never_answered(world, header, value):
    row = reply(world, "/colse", **{header: value})
    assert row.status == Status.PROCESSED
    assert step_of(row).startswith("not sent")
    assert told() == []


def test_who_writes_in_the_name_of_another_is_not_told_but_the_other_is():
    world = make_world(reply_sender_policy="off")
    reply(world, "/colse", sender="stranger@example.org")
    ((recipient, _text),) = told()
    assert recipient == world.member.email


def test_the_answer_goes_to_the_address_that_was_used(world):
    world.member.emailaddress_set.create(email="phone@example.org", verified=True)
    reply(world, "/colse", sender="phone@example.org")
    ((recipient, _text),) = told()
    assert recipient == "phone@example.org"


def test_without_a_proven_address_nobody_is_told():
    world = make_world(reply_sender_policy="off")
    world.member.emailaddress_set.update(verified=False)
    row = reply(world, "/colse")
    assert step_of(row) == "not sent: the author has no proven address"
