"""What ties an item to people and other items: copies to people, duplicates."""

from collections.abc import Sequence
from typing import Protocol

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues.extension_points import ExtensionPoint, declare
from issues.models import Issue, MergeRequest, State, Subscription, User
from issues.permissions import readers_among
from issues.services.recording import announce_change, lock_item, name_people, record_change
from issues.services.refusals import Invalid, require


class TellOfDuplicate(Protocol):
    def __call__(self, issue: Issue) -> bool:
        """Whether a comment tells them."""


DUPLICATE_NOTICES: ExtensionPoint[TellOfDuplicate] = declare(
    "how people without an account hear of a duplicate"
)


@transaction.atomic
def copy_in(
    *, item: Issue | MergeRequest, actor: User, users: Sequence[User], announce: bool = True
) -> None:
    """Subscribe people who have not chosen for this item themselves; idempotent.

    Their own choice is kept: who unsubscribed is not notified. `announce` notifies all
    participants.
    """
    require(actor, "issues.comment_on", item)
    readers = set(readers_among(users, item))
    for user in users:
        if user not in readers:
            message = _("@%(name)s may not read this, so they cannot be notified.")
            raise Invalid([message % {"name": user.username}])
    on_item = {item.COLUMN: item}
    known = Subscription.objects.filter(user__in=readers, **on_item)
    spoken = set(known.values_list("user_id", flat=True))
    new = [user for user in dict.fromkeys(users) if user.pk not in spoken]
    if not new:
        return
    Subscription.objects.bulk_create(
        [Subscription(user=user, subscribed=True, **on_item) for user in new],
        ignore_conflicts=True,
    )
    write = announce_change if announce else record_change
    write(item, actor, gettext_lazy("let %(names)s hear of this"), names=name_people(new))


@transaction.atomic
def mark_duplicate(*, item: Issue, actor: User, original: Issue) -> None:
    """Close the issue in favour of another one; nothing happens where that is so already. People
    without an account who wait for it are told once, by a comment that all who take part get."""
    require(actor, "issues.edit_item", item)
    require(actor, "issues.read_item", original)
    if original.pk == item.pk:
        raise Invalid([_("An issue cannot be a duplicate of itself.")])
    lock_item(item)
    if item.duplicate_of_id == original.pk and item.state == State.CLOSED:
        return
    is_news, tell = item.duplicate_of_id is None, DUPLICATE_NOTICES.find()
    if item.state == State.OPENED:
        item.state = State.CLOSED
        item.closed_at = timezone.now()
    item.duplicate_of = original
    item.save(update_fields=["state", "closed_at", "duplicate_of"])
    name = str(original) if original.project_id != item.project_id else f"#{original.iid}"
    is_told = is_news and tell is not None and tell(item)
    write = record_change if is_told else announce_change
    write(item, actor, gettext_lazy("closed this as a duplicate of %(original)s"), original=name)
