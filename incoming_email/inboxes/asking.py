"""Asks the steps of a method's check one by one: after the first that fails the rest is skipped."""

from collections.abc import Generator
from contextlib import closing

from incoming_email.inboxes.base import Answer, InboxError, gettext_noop
from incoming_email.inboxes.methods import A, Check, Said, StepAnswer

FAILED_BEFORE = gettext_noop("an earlier step failed")


def ask_steps(
    check: Check[A], account: A, position: str, *, seconds: float, has_secret: bool = True
) -> Generator[tuple[str, StepAnswer], None, None]:
    """Name and answer of each step, as it is known. Reads only; nothing is marked.

    `seconds`: for one step. It ends early where the method has no answer to a step.
    """
    skipped = ""
    with closing(check.ask(account, position, seconds)) as answers:
        for step in check.steps:
            if step.needs_secret and not has_secret:
                skipped = skipped or check.without_secret
            if skipped:
                yield step.name, Said(Answer.SKIPPED, skipped)
                continue
            answer = _find_next(answers)
            if answer is None:
                return
            yield step.name, answer
            if isinstance(answer, Said) and answer.answer is Answer.NO:
                skipped = FAILED_BEFORE


def _find_next(answers: Generator[StepAnswer, None, None]) -> StepAnswer | None:
    try:
        return next(answers, None)
    except InboxError as fault:
        return Said(Answer.NO, fault.detail, fault.remedy)
