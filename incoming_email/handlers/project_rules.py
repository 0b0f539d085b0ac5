"""What a project takes of its members by mail: switches, a second factor, proof of the sender."""

from incoming_email.handlers.base import Context
from incoming_email.outcomes import Held, Reason, Rejected
from issues.accounts import has_second_factor
from issues.models import Project, User

Trace = list[dict[str, str]]


def require_project_allows(
    project: Project,
    author: User | None,
    switch: str,
    *,
    fits: bool,
    context: Context,
    trace: Trace,
) -> None:
    """Raises Rejected or Held where it does not. `switch` is a handler's `project_switch`; `fits`:
    From is an address of the author."""
    if not getattr(project, switch):
        trace.append({"step": "project", "result": "switched off", "because": switch})
        raise Rejected(Reason.SWITCHED_OFF)
    if project.mail_needs_second_factor and not has_second_factor(author):
        trace.append({"step": "project", "result": "the author has no second factor"})
        raise Rejected(Reason.NO_SECOND_FACTOR)
    if project.mail_needs_authentication:
        proof = context.proof
        result = "passed" if fits and proof.passed else "not passed"
        trace.append({"step": "project", "result": result, "because": proof.because})
        if not fits:
            _hold(Reason.SENDER_MISMATCH, context)
        if not proof.passed:
            _hold(Reason.NOT_AUTHENTICATED, context)


def _hold(reason: Reason, context: Context) -> None:
    if reason.value not in context.waived:
        raise Held(reason, rule=reason.value)
