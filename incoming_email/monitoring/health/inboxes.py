"""Turns what an inbox method's check answers into findings, in the reader's language."""

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from django.db import connections
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incoming_email.inboxes.asking import ask_steps
from incoming_email.inboxes.base import Answer, Finding
from incoming_email.inboxes.methods import (
    A,
    Backlog,
    Check,
    NewestMessage,
    Said,
    ServerTime,
    StepAnswer,
)
from incoming_email.inboxes.settings import MailboxSettings
from incoming_email.monitoring.health import clocks

BACKLOG_MESSAGES = 100
"""More waiting messages than this cause a warning."""


def ask(
    check: Check[A], account: A, position: str, *, timeout: float, has_secret: bool
) -> Iterator[Finding]:
    """One finding a step; after the first `no` the rest is skipped. Nothing is marked."""
    asked = ask_steps(check, account, position, seconds=timeout, has_secret=has_secret)
    for step, answer in asked:
        yield _describe(step, answer)


def keep_in_thread(settings: MailboxSettings) -> MailboxSettings:
    """A new refresh token must be stored at once; the thread's connection is not left open."""

    def keep(text: str) -> None:
        try:
            settings.keep(text)
        finally:
            connections.close_all()

    return replace(settings, keep=keep)


def _describe(step: str, answer: StepAnswer) -> Finding:
    match answer:
        case Said():
            detail, remedy = (_fill(text, answer) for text in (answer.detail, answer.remedy))
            return Finding(step, answer.answer, detail, remedy)
        case Backlog():
            return _describe_backlog(step, answer.waiting)
        case ServerTime():
            compared = clocks.compare(answer.theirs, answer.ours, whose=answer.whose)
            return replace(compared, step=step)
        case NewestMessage():
            looked_at = clocks.look_at_newest(answer.came_at, is_empty=answer.is_empty)
            return replace(looked_at, step=step)
        case _:
            assert_never(answer)


def _fill(text: str, said: Said) -> str:
    """Of a text that is not ours, such as a server's, a % must stay."""
    return _(text) % said.values if said.values else _(text)


def _describe_backlog(step: str, waiting: int) -> Finding:
    detail = ngettext(
        "%(count)d message is waiting to be fetched",
        "%(count)d messages are waiting to be fetched",
        waiting,
    ) % {"count": waiting}
    if waiting <= BACKLOG_MESSAGES:
        return Finding(step, Answer.YES, detail)
    remedy = _("They are fetched at the next poll; if not, look at the worker's log.")
    return Finding(step, Answer.WARN, detail, remedy)
