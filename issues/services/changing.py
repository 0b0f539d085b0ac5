"""Changes of issues and merge requests: each adds one system note that describes it."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from django.db import transaction
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _

from issues.extension_points import ExtensionPoint, declare
from issues.models import Issue, Label, MergeRequest, State, User
from issues.services.recording import (
    announce_change,
    lock_item,
    name_people,
    record_change,
    set_value,
)
from issues.services.refusals import Invalid, require
from issues.services.writing import clean_texts, title_from

Item = Issue | MergeRequest


class WhyConfidential(Protocol):
    def __call__(self, issue: Issue) -> str:
        """Why the issue must stay confidential; "" where it need not."""


KEPT_CONFIDENTIAL: ExtensionPoint[WhyConfidential] = declare("which issues stay confidential")


@transaction.atomic
def close_item(*, item: Item, actor: User) -> None:
    """Nothing happens to an item that is not open."""
    require(actor, "issues.edit_item", item)
    lock_item(item)
    if item.state != State.OPENED:
        return
    item.state = State.CLOSED
    item.closed_at = timezone.now()
    item.save(update_fields=["state", "closed_at"])
    announce_change(item, actor, _("closed this"))


@transaction.atomic
def reopen_item(*, item: Item, actor: User, announced: bool = True) -> None:
    """Nothing happens to an item that is open or merged. Not `announced` where a note that is says
    so."""
    require(actor, "issues.edit_item", item)
    lock_item(item)
    if item.state != State.CLOSED:
        return
    if isinstance(item, MergeRequest) and _has_open_twin(item):
        raise Invalid(
            [str(_("There is an open merge request for these branches already. Close it first."))]
        )
    item.state = State.OPENED
    item.closed_at = None
    item.save(update_fields=["state", "closed_at"])
    if isinstance(item, Issue) and item.duplicate_of_id is not None:
        item.duplicate_of = None
        item.save(update_fields=["duplicate_of"])
    (announce_change if announced else record_change)(item, actor, _("reopened this"))


def _has_open_twin(item: MergeRequest) -> bool:
    return MergeRequest.objects.filter(
        project=item.project_id,
        source_branch=item.source_branch,
        target_branch=item.target_branch,
        state=State.OPENED,
    ).exists()


@transaction.atomic
def edit_item(
    *, item: Item, actor: User, title: str | None = None, description: str | None = None
) -> None:
    """None leaves a field as it is."""
    require(actor, "issues.edit_item", item)
    lock_item(item)
    given = clean_texts(title or "", description or "")
    if title is not None and title_from(given[0]) != item.title:
        before, item.title = item.title, title_from(given[0])
        item.save(update_fields=["title"])
        change = _("changed the title from “%(before)s” to “%(after)s”")
        record_change(item, actor, change, before=before, after=item.title)
    if description is not None and given[1] != item.description:
        item.description = given[1]
        item.save(update_fields=["description"])
        record_change(item, actor, _("changed the description"))


@transaction.atomic
def set_confidential(*, item: Issue, actor: User, confidential: bool) -> None:
    """Raises Invalid for what must stay confidential."""
    require(actor, "issues.triage_item", item)
    ask = KEPT_CONFIDENTIAL.find()
    if not confidential and ask is not None and (why := ask(item)):
        raise Invalid([why])
    made, unmade = _("made this confidential"), _("made this visible to everybody in the project")
    if set_value(item, "confidential", confidential):
        record_change(item, actor, made if confidential else unmade)


@transaction.atomic
def set_locked(*, item: Item, actor: User, locked: bool) -> None:
    require(actor, "issues.triage_item", item)
    made, unmade = _("locked this discussion"), _("unlocked this discussion")
    if set_value(item, "locked", locked):
        record_change(item, actor, made if locked else unmade)


@transaction.atomic
def set_due_date(*, item: Item, actor: User, due_date: date | None) -> None:
    require(actor, "issues.triage_item", item)
    if not set_value(item, "due_date", due_date):
        return
    if due_date is None:
        record_change(item, actor, _("removed the due date"))
    else:
        day = formats.date_format(due_date, "Y-m-d")
        record_change(item, actor, _("changed the due date to %(day)s"), day=day)


@transaction.atomic
def assign(*, item: Item, actor: User, users: Sequence[User]) -> None:
    """People who may not read the item cannot be assigned to it."""
    require(actor, "issues.triage_item", item)
    known = set(item.assignees.filter(pk__in=[u.pk for u in users]).values_list("pk", flat=True))
    new = [user for user in dict.fromkeys(users) if user.pk not in known]
    for user in new:
        _require_assignable(user, item)
    if new:
        item.assignees.add(*new)
        announce_change(item, actor, _("assigned this to %(names)s"), names=name_people(new))


def _require_assignable(user: User, item: Item) -> None:
    # A confidential issue becomes readable by the assignment itself.
    may_read = user.has_perm("issues.read_project", item.project)
    if not may_read or not (isinstance(item, Issue) or user.has_perm("issues.read_item", item)):
        message = _("@%(name)s may not read this, so it cannot be assigned to them.")
        raise Invalid([str(message) % {"name": user.username}])


@transaction.atomic
def unassign(*, item: Item, actor: User, users: Sequence[User]) -> None:
    require(actor, "issues.triage_item", item)
    gone = list(item.assignees.filter(pk__in=[user.pk for user in users]))
    if gone:
        item.assignees.remove(*gone)
        record_change(item, actor, _("removed %(names)s as assignee"), names=name_people(gone))


@transaction.atomic
def add_labels(*, item: Item, actor: User, labels: Sequence[Label]) -> None:
    require(actor, "issues.triage_item", item)
    if any(label.project_id != item.project_id for label in labels):
        raise Invalid([str(_("A label of another project cannot be used here."))])
    known = set(item.labels.values_list("pk", flat=True))
    new = [label for label in dict.fromkeys(labels) if label.pk not in known]
    if new:
        item.labels.add(*new)
        record_change(item, actor, _("added the label %(names)s"), names=_label_names(new))


@transaction.atomic
def remove_labels(*, item: Item, actor: User, labels: Sequence[Label]) -> None:
    require(actor, "issues.triage_item", item)
    gone = list(item.labels.filter(pk__in=[label.pk for label in labels]))
    if gone:
        item.labels.remove(*gone)
        record_change(item, actor, _("removed the label %(names)s"), names=_label_names(gone))


def _label_names(labels: Sequence[Label]) -> str:
    return ", ".join(f"~{label.name}" for label in labels)
