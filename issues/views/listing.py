"""What the lists of issues and of merge requests have in common: states and their counts."""

from collections.abc import Sequence
from typing import TypeVar

from django.db.models import QuerySet
from django.utils.translation import gettext

from issues.counting import StateTab, count_rows
from issues.models import Issue, MergeRequest, State

ITEMS_A_PAGE = 25
ItemT = TypeVar("ItemT", Issue, MergeRequest)


def in_state(items: QuerySet[ItemT], state: str) -> QuerySet[ItemT]:
    """Newest first, with all that a line of the list shows; `state` is a State or "all"."""
    found = items if state == "all" else items.filter(state=state)
    found = found.defer("description", "html").select_related("author")
    return found.prefetch_related("labels", "assignees").order_by("-iid")


def count_states(items: QuerySet[ItemT], states: Sequence[State]) -> list[StateTab]:
    """One query for each state."""
    tabs: list[StateTab] = [
        StateTab(state.value, str(state.label), count_rows(items.filter(state=state)))
        for state in states
    ]
    return [*tabs, StateTab("all", gettext("All"), count_rows(items))]
