"""Two issues become one: all that was said in one stands in the other."""

from django.db import transaction
from django.db.models import F, QuerySet, TextField, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues.models import Issue, Note, State, Subscription, Upload, User
from issues.permissions import readers_among
from issues.services.changing import reopen_item, set_confidential
from issues.services.recording import announce_change, lock_item, record_change
from issues.services.refusals import Invalid, require

PERMISSION = "issues.triage_item"


@transaction.atomic
def merge_issue(*, issue: Issue, actor: User, into: Issue) -> Note:
    """Close the issue and give its text, notes, files and subscribers to `into`, an issue of the
    same project. Returns the note that its text became. Answers to its mails follow
    `Issue.merged_into`.

    Nobody reads more than before: where one of them is confidential, both are, and it is refused
    where somebody who only reads `into` would read what was confidential.
    """
    for each in sorted((issue, into), key=lambda item: item.pk):
        lock_item(each)
        require(actor, PERMISSION, each)
    _require_mergeable(issue, into)
    was_open, number = issue.state == State.OPENED, f"#{issue.iid}"
    if issue.confidential:
        set_confidential(item=into, actor=actor, confidential=True)
    opening = _move_texts(issue, into)
    _move_subscriptions(issue, into)
    Issue.objects.filter(merged_into=issue).update(merged_into=into)
    issue.state, issue.merged_into = State.CLOSED, into
    issue.closed_at = issue.closed_at or timezone.now()
    issue.save(update_fields=["state", "closed_at", "merged_into"])
    record_change(issue, actor, gettext_lazy("merged this into %(issue)s"), issue=f"#{into.iid}")
    if was_open and into.state == State.CLOSED:
        reopen_item(item=into, actor=actor)
    announce_change(into, actor, gettext_lazy("merged %(issue)s into this"), issue=number)
    return opening


def _require_mergeable(issue: Issue, into: Issue) -> None:
    if issue.pk == into.pk:
        raise Invalid([_("It cannot be merged into itself.")])
    if issue.project_id != into.project_id:
        raise Invalid([_("They are in different projects. Move one of them first.")])
    if not issue.confidential:
        return
    involved = [*into.assignees.all(), *([into.author] if into.author else ())]
    readers = set(readers_among(involved, issue))
    for user in involved:
        if user not in readers and user.is_active:
            message = _(
                "@%(name)s reads %(into)s and may not read this, which is confidential, so the two"
                " can't be merged."
            )
            raise Invalid([message % {"name": user.username, "into": f"#{into.iid}"}])


def _move_texts(issue: Issue, into: Issue) -> Note:
    """Notes keep their times, and a record of a change says of which number it is."""
    notes: QuerySet[Note] = issue.notes.all()
    records = notes.filter(system=True)
    mark = Value(f" (#{issue.iid})")
    records.update(body=Concat(F("body"), mark, output_field=TextField()))
    notes.update(issue=into)
    opening = Note.objects.create(
        issue=into,
        author=issue.author,
        external_author=issue.external_author,
        body=f"{issue.title}\n\n{issue.description}".rstrip(),
    )
    Note.objects.filter(pk=opening.pk).update(created_at=issue.created_at)
    Upload.objects.filter(issue=issue).update(issue=None, note=opening)
    return opening


def _move_subscriptions(issue: Issue, into: Issue) -> None:
    """Whoever has chosen for `into` is left at that."""
    chosen = Subscription.objects.filter(issue=into).values("user")
    Subscription.objects.filter(issue=issue).exclude(user__in=chosen).update(issue=into)
