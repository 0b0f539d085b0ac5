"""The outcome of a text by mail, as the ledger stores it, and which of its commands failed."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import translation

from incoming_email.handlers.refusals import as_rejections
from incoming_email.outcomes import FailedCommand, Outcome
from issues.models import Issue, User
from issues.quick_actions import Written


@contextmanager
def in_language_of(author: User) -> Iterator[None]:
    """Raises refusals as Rejected; sentences about commands are in the language of the author."""
    with as_rejections(), translation.override(author.language):
        yield


def outcome_of(written: Written, *, opened: bool = False) -> Outcome:
    """`opened`: the item itself was made by this text."""
    kind = "issue" if isinstance(written.item, Issue) else "merge request"
    failed_commands = tuple(
        FailedCommand(refusal.shown_line, refusal.why) for refusal in written.refused
    )
    if opened:
        return Outcome(f"{kind} {written.item}", written.item, failed_commands)
    if written.note is None:
        return Outcome(f"commands on {kind} {written.item}", None, failed_commands)
    return Outcome(
        f"note {written.note.pk} on {kind} {written.item}", written.note, failed_commands
    )
