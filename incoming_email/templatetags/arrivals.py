"""How what a page shows came by mail and who wrote it, for those who may see that."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import template
from django.db.models import Q

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from issues.models import Issue, MergeRequest

if TYPE_CHECKING:
    from issues.views.discussions import ShownItem

ITEM = 0
"""Stands for the item itself among ids of notes."""

register = template.Library()


@dataclass(frozen=True, slots=True)
class Arrival:
    row: int
    """Id in the ledger."""

    sender: str
    is_proven: bool | None
    """None where nobody asked, or retention has taken the trace."""

    because: str
    author: str
    """Why somebody else than From counts as the sender; else empty."""


@register.simple_tag(takes_context=True)
def find_arrivals(context: dict[str, Any], item: Issue | MergeRequest) -> Mapping[int, Arrival]:
    """By note of the page, in one query; nothing for readers below reporter, whom the page shows no
    addresses either."""
    shown: ShownItem = context["shown"]
    if not shown.may_write_internal:
        return {}
    notes = [note.id for discussion in shown.discussions for note in discussion.notes]
    made = Q(outcome__startswith="issue ") | Q(outcome__startswith="ticket ")
    made |= Q(outcome__startswith="merge request ")
    rows = InboundEmail.objects.filter(
        Q(note__in=notes) | Q(made, note=None, **{item.COLUMN: item.pk}), status=Status.PROCESSED
    )
    found: dict[int, Arrival] = {}
    for pk, note, sender, trace in rows.order_by("pk").values_list(
        "pk", "note_id", "sender", "trace"
    ):
        found.setdefault(note or ITEM, _read(pk, sender, trace))
    return found


@register.filter
def of_note(arrivals: Mapping[int, Arrival] | None, note_id: int) -> Arrival | None:
    return arrivals.get(note_id) if arrivals else None


def _read(pk: int, sender: str, trace: Iterable[Mapping[str, str]]) -> Arrival:
    steps = {step.get("step", ""): step for step in trace}
    proof = steps.get("authentication", {})
    is_proven = {"passed": True, "not passed": False}.get(proof.get("result", ""))
    return Arrival(
        pk, sender, is_proven, proof.get("because", ""), steps.get("author", {}).get("because", "")
    )
