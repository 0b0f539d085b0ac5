"""What people decide on pages, as a journey: who sees that nothing came of a button presses it
again."""

from collections.abc import Callable
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from incoming_email.keys import reply_keys
from incoming_email.models import InboundEmail, ReplyKey
from incoming_email.outcomes import Status
from incoming_email.upkeep import erasing
from issues.models import OutgoingEmail, Role, User
from tests.factories import PASSWORD, MembershipFactory, NoteFactory, UserFactory
from tests.faults.outside import Mail
from tests.incoming_email.world import make_mail, make_world

INVITED, CLAIMED = "ida@example.org", "mia.two@example.org"


def prepare_decisions() -> list[Mail]:
    """Two held mails, a reply key that they don't use, a person without a password, and one who
    leaves."""
    world = make_world()
    people = [
        UserFactory(username="mia", is_staff=True, is_superuser=True),
        UserFactory(username="ida", email=INVITED),
        UserFactory(username="leo"),
    ]
    MembershipFactory(project=world.issue.project, user=people[0], role=Role.MAINTAINER)
    NoteFactory(issue=world.issue, author=people[2])
    reply_keys.reply_routes(recipients=people[:1], item=world.issue, discussion="")
    to = world.reply_address()
    for body in ("Let me in.", "Me too."):
        row = world.receive(make_mail(to=to, sender="mallory@example.org", body=body))
        assert row.status == Status.HELD
    return []


@dataclass(frozen=True)
class Decision:
    is_open: Callable[[], bool]
    """Whether it is still to be made, as the page shows it."""

    press: Callable[[Client], None]


def decide() -> None:
    """All that is still open, one after the other, by one person who is logged in."""
    client = Client(headers={"host": "letterbox.localhost"})
    client.force_login(User.objects.get(username="mia"))
    for decision in DECISIONS:
        if decision.is_open():
            decision.press(client)


def _find_held() -> list[int]:
    held = InboundEmail.objects.filter(status=Status.HELD).order_by("pk")
    return list(held.values_list("pk", flat=True))


def _press_held(button: str) -> Callable[[Client], None]:
    def press(client: Client) -> None:
        row = InboundEmail.objects.get(pk=_find_held()[0])
        assert row.project is not None
        page = reverse("held-mail", args=[row.project.path])
        _post(client, page, {"row": [row.pk], button: ""})

    return press


def _press_action(model: str, action: str, find: Callable[[], int]) -> Callable[[Client], None]:
    def press(client: Client) -> None:
        page = reverse(f"admin:{model}_changelist")
        _post(client, page, {"action": action, "_selected_action": [find()]})

    return press


def _add_address(client: Client) -> None:
    """The password is asked for first."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    _post(client, reverse("account_email"), {"email": CLAIMED, "action_add": ""})


def _erase(_client: Client) -> None:
    """As `manage.py erase_person` does."""
    erasing.erase(erasing.find_person("leo"), by=None, now=timezone.now())


def _post(client: Client, page: str, data: dict[str, object]) -> None:
    answer = client.post(page, data)
    assert answer.status_code == 302, (page, answer.status_code)
    assert "reauthenticate" not in answer.headers["Location"]


def _is_mailed(address: str) -> bool:
    return OutgoingEmail.objects.filter(kind="account", recipient=address).exists()


def _find_key() -> int:
    return ReplyKey.objects.get(recipient__username="mia").pk


DECISIONS = [
    Decision(lambda: len(_find_held()) == 2, _press_held("release")),
    Decision(lambda: len(_find_held()) == 1, _press_held("discard")),
    Decision(
        lambda: not ReplyKey.objects.exclude(revoked_at=None).exists(),
        _press_action("incoming_email_replykey", "revoke", _find_key),
    ),
    Decision(
        lambda: not _is_mailed(INVITED),
        _press_action("issues_user", "invite", lambda: User.objects.get(username="ida").pk),
    ),
    Decision(
        lambda: not EmailAddress.objects.filter(email=CLAIMED).exists(),
        _add_address,
    ),
    Decision(lambda: User.objects.filter(username="leo").exists(), _erase),
]
