"""Changes of issues and merge requests: each leaves one system note that says what changed."""

from collections.abc import Sequence
from datetime import date

from django.conf import settings
from django.db import transaction
from django.utils import formats, timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from issues.models import Issue, Label, MergeRequest, Note, State, User
from issues.services.refusals import Invalid, require
from issues.services.writing import announce_note, insert_note, storable, title_from

Item = Issue | MergeRequest


@transaction.atomic
def close_item(*, item: Item, actor: User) -> None:
    """Nothing happens to an item that is not open."""
    require(actor, "issues.edit_item", item)
    _lock(item)
    if item.state != State.OPENED:
        return
    item.state = State.CLOSED
    item.closed_at = timezone.now()
    item.save(update_fields=["state", "closed_at"])
    _tell(item, actor, _("closed this"))


@transaction.atomic
def reopen_item(*, item: Item, actor: User) -> None:
    """Nothing happens to an item that is open or merged."""
    require(actor, "issues.edit_item", item)
    _lock(item)
    if item.state != State.CLOSED:
        return
    if isinstance(item, MergeRequest) and _has_open_twin(item):
        raise Invalid(
            [str(_("There is an open merge request for these branches already. Close it first."))]
        )
    item.state = State.OPENED
    item.closed_at = None
    item.save(update_fields=["state", "closed_at"])
    _tell(item, actor, _("reopened this"))


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
    _lock(item)
    if title is not None and title_from(storable(title)) != item.title:
        before, item.title = item.title, title_from(storable(title))
        item.save(update_fields=["title"])
        change = _("changed the title from “%(before)s” to “%(after)s”")
        _record(item, actor, change, before=before, after=item.title)
    if description is not None and storable(description) != item.description:
        item.description = storable(description)
        item.save(update_fields=["description"])
        _record(item, actor, _("changed the description"))


@transaction.atomic
def set_confidential(*, item: Issue, actor: User, confidential: bool) -> None:
    require(actor, "issues.triage_item", item)
    _lock(item)
    if item.confidential == confidential:
        return
    item.confidential = confidential
    item.save(update_fields=["confidential"])
    made, unmade = _("made this confidential"), _("made this visible to everybody in the project")
    _record(item, actor, made if confidential else unmade)


@transaction.atomic
def set_locked(*, item: Item, actor: User, locked: bool) -> None:
    require(actor, "issues.triage_item", item)
    _lock(item)
    if item.locked == locked:
        return
    item.locked = locked
    item.save(update_fields=["locked"])
    _record(item, actor, _("locked this discussion") if locked else _("unlocked this discussion"))


@transaction.atomic
def set_due_date(*, item: Item, actor: User, due_date: date | None) -> None:
    require(actor, "issues.triage_item", item)
    _lock(item)
    if item.due_date == due_date:
        return
    item.due_date = due_date
    item.save(update_fields=["due_date"])
    if due_date is None:
        _record(item, actor, _("removed the due date"))
    else:
        day = formats.date_format(due_date, "Y-m-d")
        _record(item, actor, _("changed the due date to %(day)s"), day=day)


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
        _tell(item, actor, _("assigned this to %(names)s"), names=_names(new))


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
        _record(item, actor, _("removed %(names)s as assignee"), names=_names(gone))


@transaction.atomic
def add_labels(*, item: Item, actor: User, labels: Sequence[Label]) -> None:
    require(actor, "issues.triage_item", item)
    if any(label.project_id != item.project_id for label in labels):
        raise Invalid([str(_("A label of another project cannot be used here."))])
    known = set(item.labels.values_list("pk", flat=True))
    new = [label for label in dict.fromkeys(labels) if label.pk not in known]
    if new:
        item.labels.add(*new)
        _record(item, actor, _("added the label %(names)s"), names=_label_names(new))


@transaction.atomic
def remove_labels(*, item: Item, actor: User, labels: Sequence[Label]) -> None:
    require(actor, "issues.triage_item", item)
    gone = list(item.labels.filter(pk__in=[label.pk for label in labels]))
    if gone:
        item.labels.remove(*gone)
        _record(item, actor, _("removed the label %(names)s"), names=_label_names(gone))


def _lock(item: Item) -> None:
    """Two people at once: the second one sees what the first one did."""
    fresh = type(item)._default_manager.select_for_update().get(pk=item.pk)
    for name in ("state", "closed_at", "title", "description", "locked", "due_date"):
        setattr(item, name, getattr(fresh, name))
    if isinstance(item, Issue) and isinstance(fresh, Issue):
        item.confidential = fresh.confidential


def _names(users: Sequence[User]) -> str:
    return ", ".join(f"@{user.username}" for user in users)


def _label_names(labels: Sequence[Label]) -> str:
    return ", ".join(f"~{label.name}" for label in labels)


def _record(item: Item, actor: User, change: str | Promise, **values: str) -> Note:
    """In the language of the site, since everybody reads the same note."""
    with translation.override(settings.LANGUAGE_CODE):
        body = str(change) % values if values else str(change)
    return insert_note(item=item, author=actor, body=body, system=True)


def _tell(item: Item, actor: User, change: str | Promise, **values: str) -> None:
    announce_note(_record(item, actor, change, **values), actor=actor)
