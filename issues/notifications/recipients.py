"""Who is notified of an event: participants, except those who unsubscribed."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower

from issues.external_people import Sight, sight_of_role
from issues.models import Issue, MergeRequest, Note, Subscription, User
from issues.notifications.mentions import parse_mentions
from issues.permissions import find_readers


class Tie(Enum):
    """Why a person is notified; the first that applies is given in the mail."""

    MENTIONED = auto()
    ASSIGNED = auto()
    AUTHOR = auto()
    SUBSCRIBED = auto()
    TOOK_PART = auto()


@dataclass(frozen=True, slots=True)
class Recipient:
    user: User
    tie: Tie
    sight: Sight
    """How much the mail tells of people without an account."""


def find_recipients(
    *, item: Issue | MergeRequest, note: Note | None, actor_id: int | None
) -> list[Recipient]:
    """Who is sent a notification of this note, or of the item where `note` is None, and why.

    Only active people with a proven address who may read it; never who did it (`actor_id`), nor
    who unsubscribed. Ordered by user id; the number of queries does not grow with theirs.
    """
    ties, unsubscribed = _find_ties(item, note)
    silent = {*unsubscribed, actor_id, None}
    ids = {pk for found in ties.values() for pk in found if pk is not None and pk not in silent}
    # Mail goes to `User.email` only while it is proven to be theirs.
    proven = EmailAddress.objects.filter(
        user=OuterRef("pk"), email=Lower(OuterRef("email")), verified=True
    )
    users = list(User.objects.filter(Exists(proven), pk__in=ids, is_active=True).order_by("pk"))
    return [
        Recipient(user, next(tie for tie in Tie if user.pk in ties[tie]), sight_of_role(role))
        for user, role in find_readers(users, item, internal=note is not None and note.internal)
    ]


def _find_ties(
    item: Issue | MergeRequest, note: Note | None
) -> tuple[dict[Tie, Collection[int | None]], set[int]]:
    choices = Subscription.objects.filter(**{item.COLUMN: item})
    opinions = dict(choices.values_list("user_id", "subscribed"))
    authors = item.notes.filter(system=False).values_list("author_id", flat=True)
    return {
        Tie.MENTIONED: _find_mentioned(item, note),
        Tie.ASSIGNED: set(item.assignees.values_list("pk", flat=True)),
        Tie.AUTHOR: {item.author_id},
        Tie.SUBSCRIBED: {user_id for user_id, wanted in opinions.items() if wanted},
        Tie.TOOK_PART: set(authors.distinct()),
    }, {user_id for user_id, wanted in opinions.items() if not wanted}


def _find_mentioned(item: Issue | MergeRequest, note: Note | None) -> set[int]:
    """Mentions by external participants have no effect."""
    is_external = isinstance(item, Issue) and bool(item.external_author)
    names = frozenset() if is_external else parse_mentions(item.description)
    if note is not None and not note.external_author and not note.system:
        names |= parse_mentions(note.body)
    if not names:
        return set()
    people = User.objects.alias(handle=Lower("username")).filter(handle__in=names)
    return set(people.values_list("pk", flat=True))
