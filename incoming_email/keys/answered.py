"""What a mail answers: the reply keys in it, and the discussions that the ids and addresses of ours
in it stand for."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q

from incoming_email.models import ReplyKey
from incoming_email.parsing.addresses import find_reply_keys
from issues.models import Issue, Membership, MergeRequest, User
from issues.notifications import find_told_issues, find_told_notes
from issues.quick_actions import Answered
from issues.services.discussions import discussions_looked_up, find_discussion

REPLY_KEY = re.compile(r"[0-9a-z]{25}(?=-|\Z)")
MAX_ANSWERED_IDS = 100
"""Ids that a mail answers which are looked up, the nearest first."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a name of ours stands for, and whom it was sent to."""

    place: Answered
    reader_id: int | None
    """None for a person without an account."""


def find_keys_named(keys: Iterable[str]) -> Mapping[str, ReplyKey]:
    """The rows of the reply keys that these address keys begin with (`<reply key>` and `<reply
    key>-unsubscribe`), with all that a handler asks of them, in two queries. `is_members` of each
    says whether its recipient is a member of the project, as an administrator is of all."""
    named = {match[0] for key in keys if (match := REPLY_KEY.match(key))}
    verified = EmailAddress.objects.filter(verified=True)
    project = Q(project=OuterRef("issue__project")) | Q(project=OuterRef("merge_request__project"))
    membership = Exists(Membership.objects.filter(project, user=OuterRef("recipient")))
    rows = (
        ReplyKey.objects.annotate(is_members=Q(recipient__is_superuser=True) | membership)
        .select_related(
            *("recipient", "issue__project", "merge_request__project"),
            "issue__merged_into__project",
        )
        .prefetch_related(Prefetch("recipient__emailaddress_set", verified, "verified_addresses"))
    )
    return rows.in_bulk(named, field_name="key")


def find_told(
    ids: Iterable[str], addresses: Mapping[str, str | None], rows: Mapping[str, ReplyKey]
) -> dict[str, Told]:
    """By each id that a notification of ours bears, whoever got that, and by each of `addresses`,
    which are given with their keys: one query at most. `rows` are those of the reply keys in both.
    """
    told: dict[str, Told] = {}
    ids, keys = set(ids), dict[str, str | None]()
    for message_id, (note, reader_id) in (find_told_notes(ids) if ids else {}).items():
        told[message_id] = Told(Answered(note.item, note.discussion), reader_id)
    for message_id in ids:
        keys[message_id] = next(find_reply_keys([message_id], settings.MESSAGE_ID_HOST), None)
    for name, key in (keys | dict(addresses)).items():
        if row := rows.get(key or ""):
            told[name] = Told(Answered(row.item, row.discussion), row.recipient_id)
    return told


def find_nearest(ids: Iterable[str], told: Mapping[str, Told], author: User) -> Answered | None:
    """The discussion that the first id stands for that was sent to this person."""
    found = (told[message_id] for message_id in _cut(ids) if message_id in told)
    return next((each.place for each in found if each.reader_id == author.pk), None)


def find_answered(ids: Iterable[str], *, author: User) -> Answered | None:
    """The discussion that a mail of this person answers, by the first of `ids` that one of our
    notifications to them bears: its own id, or the one that holds its reply key. Two queries at
    most.

    Only for a person whom an address has named already: it places what they write, and lets
    nobody do anything.
    """
    ids = _cut(ids)
    return find_nearest(ids, find_told(ids, {}, _find_rows(ids, author)), author)


def _cut(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))[:MAX_ANSWERED_IDS]


def _find_rows(ids: Iterable[str], author: User) -> dict[str, ReplyKey]:
    rows = ReplyKey.objects.filter(recipient=author).select_related(
        "issue__merged_into", "merge_request"
    )
    named = set(find_reply_keys(ids, settings.MESSAGE_ID_HOST))
    return rows.in_bulk(named, field_name="key")


def find_internal(places: Iterable[Answered]) -> frozenset[Answered]:
    """Those among them that only the team reads, in one query; none where there are none. One
    whose notes are gone counts, since it may have been internal."""
    asked = {place for place in places if place.discussion}
    if not asked:
        return frozenset()
    with discussions_looked_up([(place.item, place.discussion) for place in asked]):
        return frozenset(place for place in asked if _is_internal(place))


def _is_internal(place: Answered) -> bool:
    found = find_discussion(place.item, place.discussion)
    return found.internal or not (found.public or found.system)


def find_confidential(
    ids: Sequence[str], told: Mapping[str, Told], *, besides: Issue | MergeRequest | None
) -> set[int]:
    """The projects of confidential issues, but for `besides`, that members were sent mail about
    with these ids. Where that is None, the mails that issues were opened with count too, which
    takes a query where there is such an id."""
    found = {told[each].place.item for each in ids if each in told and told[each].reader_id}
    found.update(find_told_issues(ids) if besides is None else ())
    others = found - {besides}
    return {each.project_id for each in others if isinstance(each, Issue) and each.confidential}
