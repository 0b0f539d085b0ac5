"""Demo data: a project, three people and a mailbox, made once and found again later."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from incoming_email.keys import reply_keys, sender_tokens
from incoming_email.models import InboxMethod, Mailbox
from issues import repositories, services
from issues.extension_points import ExtensionPoint, declare
from issues.models import Issue, Note, Project, Role, User, Visibility

PROJECT_PATH = "acme/shop"
MAILBOX = "Demo mailbox"
MAIL_DOMAIN = "letterbox.localhost"
ADDRESS = f"incoming+%{{key}}@mail.{MAIL_DOMAIN}"
"""At a domain where nobody of the organisation has an address, as the check advises."""

PASSWORD = "letterbox-demo"  # noqa: S105  (printed, and only for a machine of one's own)


@dataclass(frozen=True, slots=True)
class DemoUser:
    user: User
    role: Role
    new_issue_address: str | None
    new_merge_request_address: str | None
    """None for people from whom the project accepts no merge requests."""


@dataclass(frozen=True, slots=True)
class Demo:
    project: Project
    mailbox: Mailbox
    users: tuple[DemoUser, ...]
    """The developer first."""

    reply_address: str
    """What the reporter's notifications of the first issue are answered to."""

    desk_address: str
    """The address that customers write to; empty where there is no service desk."""


DEMO_DESK: ExtensionPoint[Callable[[Project, datetime], str]] = declare("demo desk")
"""Opens it and gives the address that customers write to."""

PEOPLE = (
    ("dana", "Dana Developer", Role.DEVELOPER),
    ("rita", "Rita Reporter", Role.REPORTER),
    ("mona", "Mona Maintainer", Role.MAINTAINER),
)
FIRST_COMMITS = (
    ("Say what this is", {"README.md": b"# Shop\n\nA shop with a cart.\n"}),
    ("Add the cart", {"cart.py": b"def add(cart, item):\n    return [*cart, item]\n"}),
)


@transaction.atomic
def seed(*, now: datetime) -> Demo:
    """Make what is missing; a second call changes nothing."""
    users = [_find_or_create_user(name, full_name) for name, full_name, _role in PEOPLE]
    project = Project.objects.filter(path=PROJECT_PATH).first()
    if project is None:
        project = services.create_project(
            path=PROJECT_PATH, name="Shop", visibility=Visibility.PRIVATE
        )
        for user, (_name, _full_name, role) in zip(users, PEOPLE, strict=True):
            services.add_member(project=project, user=user, role=role)
        _create_first_issue(project, author=users[1], answerer=users[0])
    _find_or_create_admin()
    _plant_first_commits(project, author=users[2], now=now)
    mailbox = _find_or_create_mailbox()
    return Demo(
        project=project,
        mailbox=mailbox,
        reply_address=_find_reply_address(project, reader=users[1]),
        desk_address=_open_desk(project, now),
        users=tuple(
            _as_demo_user(user, role, project, now=now)
            for user, (_name, _full_name, role) in zip(users, PEOPLE, strict=True)
        ),
    )


def _as_demo_user(user: User, role: Role, project: Project, *, now: datetime) -> DemoUser:
    may_open = user.has_perm("issues.open_merge_request", project)
    return DemoUser(
        user,
        role,
        sender_tokens.new_issue_address(user=user, project=project, now=now),
        sender_tokens.new_merge_request_address(user=user, project=project, now=now)
        if may_open
        else None,
    )


def _plant_first_commits(project: Project, *, author: User, now: datetime) -> None:
    if repositories.find_branches(project):
        return
    for message, files in FIRST_COMMITS:
        repositories.plant_commit(project, author=author, message=message, files=files, now=now)


def _find_or_create_user(name: str, full_name: str) -> User:
    return User.objects.filter(username=name).first() or services.create_user(
        username=name, email=f"{name}@{MAIL_DOMAIN}", password=PASSWORD, full_name=full_name
    )


def _find_or_create_admin() -> User:
    found = User.objects.filter(username="admin").first()
    if found:
        return found
    admin = services.create_user(
        username="admin", email=f"admin@{MAIL_DOMAIN}", password=PASSWORD, full_name="Administrator"
    )
    admin.is_staff = admin.is_superuser = True
    admin.save(update_fields=["is_staff", "is_superuser"])
    return admin


def _find_or_create_mailbox() -> Mailbox:
    found = Mailbox.objects.filter(name=MAILBOX).first()
    if found:
        return found
    mailbox = Mailbox(
        name=MAILBOX,
        enabled=True,
        address=ADDRESS,
        inbox_method=InboxMethod.SMTP,
        port=settings.SMTP_LISTENER_PORT,
    )
    mailbox.full_clean()
    mailbox.save()
    return mailbox


def _find_reply_address(project: Project, *, reader: User) -> str:
    """What the notification of the first note is answered to; empty once the note is gone."""
    note = Note.objects.filter(issue__project=project, issue__author=reader).order_by("pk").first()
    if note is None or note.issue is None:
        return ""
    routes = reply_keys.reply_routes(
        recipients=[reader], item=note.issue, discussion=note.discussion
    )
    return routes[reader.pk].reply_to if reader.pk in routes else ""


def _open_desk(project: Project, now: datetime) -> str:
    open_desk = DEMO_DESK.find()
    return "" if open_desk is None else open_desk(project, now)


def _create_first_issue(project: Project, *, author: User, answerer: User) -> Issue:
    issue = services.create_issue(
        project=project,
        author=author,
        title=_("The cart forgets its content"),
        description=_(
            "Put something into the cart, close the browser, come back: it is **empty**."
        ),
    )
    services.create_note(
        item=issue, author=answerer, body=_("Thanks! I can see it too. I look into it today.")
    )
    return issue
