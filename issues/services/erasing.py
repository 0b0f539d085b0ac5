"""Erases what the domain holds of a person; what they wrote stays, without their name."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q, QuerySet

from issues.models import (
    REMOVED_PERSON,
    ExternalPerson,
    Issue,
    Membership,
    Note,
    OutgoingAccount,
    OutgoingEmail,
    OutgoingState,
    Subscription,
    User,
)
from issues.outbox import address_with_name, bare_address
from issues.services.redacting import names_of, redact_rows

UNSENT = (OutgoingState.PENDING, OutgoingState.WITHHELD)
EMPTIED: dict[str, object] = {"subject": "", "text": "", "html": "", "headers": {}}
"""Columns of a mail that is kept so that nothing is done twice."""

Counts = tuple[tuple[str, int], ...]
"""What was erased and how much of it, in the order in which it was done."""


@transaction.atomic
def erase_person(*, user: User | None, addresses: Collection[str], now: datetime) -> Counts:
    """Erase the account, where there is one, and what bears one of these lower-case addresses.

    Issues, notes and files stay, by a removed person. Done twice it changes nothing.
    """
    counts = [
        *_erase_authors(user, addresses),
        *_erase_quotes(addresses),
        *_erase_mail(user, addresses),
        *_erase_names(addresses),
        *_take_names_out(user, addresses),
        ("e-mail addresses", _delete(EmailAddress.objects.filter(_theirs(user, addresses)))),
    ]
    if user is not None:
        counts += _erase_account(user, now=now)
    return tuple(counts)


def _theirs(user: User | None, addresses: Collection[str]) -> Q:
    """What another account claims without proof goes too; what is proven there is theirs."""
    claimed = Q(email__in=addresses, verified=False)
    return claimed if user is None else claimed | Q(user=user)


def named_by(field: str, addresses: Collection[str]) -> Q:
    """Rows with one of the addresses, in whichever letter case it was written. Databases fold
    letters beyond ASCII as well, a dotless i to an i, which is another person's address."""
    named = Q(pk=None)
    for address in addresses:
        letters = (f"[{c.lower()}{c.upper()}]" if _is_ascii(c) else re.escape(c) for c in address)
        exact = rf"\A{''.join(letters)}\Z"
        named |= Q(**{f"{field}__iexact": address, f"{field}__regex": exact})
    return named


def _is_ascii(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()


def _erase_authors(user: User | None, addresses: Collection[str]) -> Counts:
    """Their quoted parts go first: afterwards nobody knows whose they were."""
    notes = Note.objects.filter(named_by("external_author", addresses))
    mine = Note.objects.filter(author=user) if user is not None else Note.objects.none()
    quoted = sum(rows.exclude(quoted="").update(quoted="") for rows in (notes, mine))
    issues = Issue.objects.filter(named_by("external_author", addresses))
    names = names_of(user, addresses)
    own = sum(redact_rows(rows, ("body",), names) for rows in (notes, mine))
    own += redact_rows(issues, ("title", "description"), names)
    if user is not None:
        for items in (user.authored_issues, user.authored_merge_requests):
            own += redact_rows(items.all(), ("title", "description"), names)
    return (
        ("texts of theirs that name them", own),
        ("quoted parts of their notes", quoted),
        ("notes by address", notes.update(external_author=REMOVED_PERSON)),
        ("issues by address", issues.update(external_author=REMOVED_PERSON)),
    )


def _erase_quotes(addresses: Collection[str]) -> Counts:
    """Quoted parts of others that name an address of theirs."""
    named = Q(pk=None)
    for address in addresses:
        named |= Q(quoted__icontains=address)
    others = Note.objects.exclude(quoted="").filter(named)
    return (("quoted parts that name them", others.update(quoted="")),)


def _erase_mail(user: User | None, addresses: Collection[str]) -> Counts:
    """Mail to them, and mail in their name to others. The rows stay: no effect comes twice."""
    to_them = OutgoingEmail.objects.filter(named_by("recipient", addresses))
    waiting = to_them.filter(state__in=UNSENT)
    unsent = waiting.update(state=OutgoingState.FAILED)
    erased = to_them.update(**EMPTIED, recipient="", envelope_sender="", uploads=[], last_error="")
    in_their_name = 0
    if user is not None and user.removed_at is None:
        name = address_with_name(str(user), "a@example.com").rpartition(" <")[0]
        by_them = OutgoingEmail.objects.filter(from_header__startswith=f"{name} <").exclude(
            state__in=UNSENT
        )
        in_their_name = by_them.update(**EMPTIED, from_header=REMOVED_PERSON)
    return (
        ("mail to them that was not sent yet", unsent),
        ("mail to them", erased),
        ("mail to others in their name", in_their_name),
    )


def _erase_names(addresses: Collection[str]) -> Counts:
    """What they called themselves, and mail to others that shows it in From; what is not sent yet
    goes without it."""
    people = ExternalPerson.objects.filter(named_by("address", addresses))
    in_their_name = 0
    for person in people:
        name = address_with_name(person.name, "a@example.com").rpartition('" <')[0]
        by_them = OutgoingEmail.objects.filter(
            project=person.project_id, from_header__startswith=f"{name} ("
        )
        for mail in by_them.filter(state__in=UNSENT).only("from_header"):
            mail.from_header = f"<{bare_address(mail.from_header)}>"
            mail.save(update_fields=["from_header"])
        in_their_name += by_them.update(**EMPTIED, from_header=REMOVED_PERSON)
    return (
        ("names of a person without an account", _delete(people)),
        ("mail to others that shows such a name", in_their_name),
    )


def _take_names_out(user: User | None, addresses: Collection[str]) -> Counts:
    """What we wrote ourselves and somebody else reads: system notes, mail, the admin's history."""
    names = names_of(user, addresses)
    columns = ("subject", "text", "html", "headers", "from_header", "last_error")
    history = redact_rows(LogEntry.objects.all(), ("object_repr", "change_message"), names)
    if user is not None and user.removed_at is None:
        rights = ContentType.objects.get_for_model(Membership)
        about = LogEntry.objects.filter(content_type=rights)
        history += redact_rows(about, ("object_repr",), (str(user), user.username))
    return (
        ("system notes", redact_rows(Note.objects.filter(system=True), ("body",), names)),
        (
            "mail to others that names them",
            redact_rows(OutgoingEmail.objects.all(), columns, names)
            + redact_rows(OutgoingAccount.objects.all(), ("last_error",), names),
        ),
        ("entries of history that name them", history),
    )


def _erase_account(user: User, *, now: datetime) -> Counts:
    erased = 0 if user.removed_at else 1
    history = _erase_history(user)
    counts = (
        ("memberships", _delete(Membership.objects.filter(user=user))),
        ("second factors", _delete(Authenticator.objects.filter(user=user))),
        ("subscriptions", _delete(Subscription.objects.filter(user=user))),
        ("entries of the admin's history", history),
        ("accounts", erased),
    )
    user.assigned_issues.clear()
    user.assigned_merge_requests.clear()
    user.groups.clear()
    user.user_permissions.clear()
    user.username, user.email = f"removed-{user.pk}", ""
    user.first_name = user.last_name = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.set_unusable_password()
    user.removed_at = user.removed_at or now
    user.save()
    return counts


def _erase_history(user: User) -> int:
    """Entries about the account name the person; those by it keep their author."""
    about = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk)
    ).exclude(object_repr=REMOVED_PERSON)
    return about.update(object_repr=REMOVED_PERSON, change_message="")


def _delete(rows: "QuerySet[Any]") -> int:
    return rows.delete()[0]
