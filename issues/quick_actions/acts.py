"""What each of our quick actions does: one call of a service, with the names looked up."""

from django.utils.translation import gettext as _

from issues import services
from issues.quick_actions.arguments import is_off
from issues.quick_actions.dates import parse_day
from issues.quick_actions.naming import find_issue, find_labels, find_people
from issues.quick_actions.types import Call, NotUnderstood


def close(call: Call) -> None:
    services.close_item(item=call.item, actor=call.actor)


def reopen(call: Call) -> None:
    services.reopen_item(item=call.item, actor=call.actor)


def change_title(call: Call) -> None:
    services.edit_item(item=call.item, actor=call.actor, title=call.argument)


def assign(call: Call) -> None:
    services.assign(item=call.item, actor=call.actor, users=find_people(call))


def unassign(call: Call) -> None:
    """Without names: everybody."""
    users = find_people(call) if call.argument else list(call.item.assignees.all())
    services.unassign(item=call.item, actor=call.actor, users=users)


def add_labels(call: Call) -> None:
    services.add_labels(item=call.item, actor=call.actor, labels=find_labels(call))


def remove_labels(call: Call) -> None:
    """Without names: all of them."""
    labels = find_labels(call) if call.argument else list(call.item.labels.all())
    services.remove_labels(item=call.item, actor=call.actor, labels=labels)


def set_due_date(call: Call) -> None:
    day = parse_day(call.argument, today=call.today)
    if day is None:
        raise NotUnderstood(_("Invalid date. Use the format YYYY-MM-DD."))
    services.set_due_date(item=call.item, actor=call.actor, due_date=day)


def remove_due_date(call: Call) -> None:
    services.set_due_date(item=call.item, actor=call.actor, due_date=None)


def set_confidential(call: Call) -> None:
    is_on = not is_off(call.argument)
    services.set_confidential(item=call.issue, actor=call.actor, confidential=is_on)


def lock(call: Call) -> None:
    services.set_locked(item=call.item, actor=call.actor, locked=True)


def unlock(call: Call) -> None:
    services.set_locked(item=call.item, actor=call.actor, locked=False)


def subscribe(call: Call) -> None:
    services.subscribe(user=call.actor, item=call.item)


def unsubscribe(call: Call) -> None:
    services.unsubscribe(user=call.actor, item=call.item)


def copy_in(call: Call) -> None:
    services.copy_in(
        item=call.item, actor=call.actor, users=find_people(call), announce=not call.announced
    )


def mark_duplicate(call: Call) -> None:
    services.mark_duplicate(item=call.issue, actor=call.actor, original=find_issue(call))


def set_target_branch(call: Call) -> None:
    services.set_target_branch(item=call.merge_request, actor=call.actor, branch=call.argument)


def make_draft(call: Call) -> None:
    services.set_draft(item=call.merge_request, actor=call.actor, draft=True)


def make_ready(call: Call) -> None:
    services.set_draft(item=call.merge_request, actor=call.actor, draft=False)
