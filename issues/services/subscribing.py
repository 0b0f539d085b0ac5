"""A person's choice whether they are notified about an item."""

from typing import Any

from django.db import transaction

from issues.models import Issue, MergeRequest, Subscription, User
from issues.services.refusals import require


@transaction.atomic
def subscribe(*, user: User, item: Issue | MergeRequest) -> None:
    """Idempotent. Overrides an earlier unsubscribe."""
    require(user, "issues.read_item", item)
    _set(user=user, item=item, subscribed=True)


@transaction.atomic
def unsubscribe(*, user: User, item: Issue | MergeRequest) -> None:
    """Idempotent, and asks nothing: who lost access may still leave."""
    _set(user=user, item=item, subscribed=False)


def _set(*, user: User, item: Issue | MergeRequest, subscribed: bool) -> None:
    on_item: dict[str, Any] = {item.COLUMN: item}
    Subscription.objects.update_or_create(user=user, defaults={"subscribed": subscribed}, **on_item)
