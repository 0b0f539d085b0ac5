"""How an item is locked for a change, and how the change is recorded and announced."""

from collections.abc import Sequence

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise

from issues.models import Announcement, Event, Issue, MergeRequest, Note, User
from issues.services.writing import announce

Item = Issue | MergeRequest


def lock_item(item: Item) -> None:
    """Two people at once: the second one sees what the first one did, in every column."""
    fresh = type(item)._default_manager.select_for_update().get(pk=item.pk)
    # Not refresh_from_db: that forgets the related rows that the caller has fetched.
    for field in item._meta.concrete_fields:
        setattr(item, field.attname, getattr(fresh, field.attname))


def set_value(item: Item, field: str, value: object) -> bool:
    """Lock the item and store the value; False where it has it already."""
    lock_item(item)
    if getattr(item, field) == value:
        return False
    setattr(item, field, value)
    item.save(update_fields=[field])
    return True


def record_change(item: Item, actor: User, change: str | Promise, **values: str) -> Note:
    """In the language of the site, since everybody reads the same note."""
    with translation.override(settings.LANGUAGE_CODE):
        body = str(change) % values if values else str(change)
    return Note.objects.create(**{item.COLUMN: item}, author=actor, body=body, system=True)


def announce_change(item: Item, actor: User, change: str | Promise, **values: str) -> None:
    """Recorded, and announced to those who take part."""
    note = record_change(item, actor, change, **values)
    announce(Announcement(event=Event.NEW_NOTE, note=note, actor=actor))


def name_people(users: Sequence[User]) -> str:
    return ", ".join(f"@{user.username}" for user in users)
