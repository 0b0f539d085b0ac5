"""How a person can answer a notification: asked of the layer above."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from issues.extension_points import ExtensionPoint, declare
from issues.models import Issue, MergeRequest, User


@dataclass(frozen=True, slots=True)
class ReplyRoute:
    """Ids without angle brackets; "" where there is no such way."""

    reply_to: str = ""
    """The address that answers go to."""
    reference: str = ""
    """`reply-KEY@host`, found again in the References of the answer."""
    unsubscribe: str = ""
    """The address that a mail to unsubscribe goes to."""
    thread: tuple[str, ...] = ()
    """Message-IDs of the person's own mails, so that the notification joins their thread."""


NO_ROUTE = ReplyRoute()


class FindRoutes(Protocol):
    def __call__(
        self, *, recipients: Sequence[User], item: Issue | MergeRequest, discussion: str
    ) -> dict[int, ReplyRoute]: ...


REPLY_ROUTES: ExtensionPoint[FindRoutes] = declare("how a notification can be answered")


def find_routes(
    *, recipients: Sequence[User], item: Issue | MergeRequest, discussion: str
) -> dict[int, ReplyRoute]:
    """By user id, in a constant number of queries; empty where nothing takes answers."""
    ask = REPLY_ROUTES.find()
    if ask is None or not recipients:
        return {}
    return ask(recipients=recipients, item=item, discussion=discussion)
