"""Mail to the administrators: active superusers who have an address."""

import secrets
from collections.abc import Callable, Sequence

from django.conf import settings
from django.utils import translation

from issues import outbox
from issues.models import User


def find_administrators() -> list[User]:
    return list(
        User.objects.filter(is_active=True, is_superuser=True).exclude(email="").order_by("pk")
    )


def address_of_page(path: str) -> str:
    """The absolute URL of one of our pages, for a mail."""
    return f"{settings.BASE_URL}{path}"


def compose_mails(
    people: Sequence[User], *, kind: str, cause: str, write: Callable[[User], tuple[str, str]]
) -> list[outbox.NewMail]:
    """One mail per person; `write` returns subject and text in the language that is active then."""
    return [_compose(user, kind, cause, write) for user in people]


def _compose(
    user: User, kind: str, cause: str, write: Callable[[User], tuple[str, str]]
) -> outbox.NewMail:
    effect_key = f"{cause}-u{user.pk}"
    with translation.override(user.language):
        subject, text = write(user)
    return outbox.NewMail(
        kind=kind,
        effect_key=effect_key,
        recipient=user.email,
        subject=subject,
        text=text,
        envelope_sender=outbox.bare_address(settings.DEFAULT_FROM_EMAIL),
        message_id=outbox.make_message_id(f"{effect_key}.{secrets.token_hex(8)}"),
    )
