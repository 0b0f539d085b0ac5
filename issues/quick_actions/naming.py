"""From the names in an argument to the rows they mean: one query, or a sentence why not."""

from collections.abc import Sequence

from django.conf import settings
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from issues import former
from issues.models import Issue, Label, Project, User
from issues.quick_actions.arguments import MYSELF, parse_issue, parse_labels, parse_people
from issues.quick_actions.types import Call, NotUnderstood


def find_people(call: Call) -> list[User]:
    """Those named, without regard to case; 'me' is the actor. Raises NotUnderstood."""
    names = parse_people(call.argument) or ()
    others = {name.lower() for name in names if name != MYSELF}
    found: dict[str, User] = {}
    if others:
        people = User.objects.alias(handle=Lower("username")).filter(handle__in=others)
        for user in people.filter(is_active=True).order_by("pk"):
            found.setdefault(user.username.lower(), user)
            found[user.username] = user
    return [
        call.actor if name == MYSELF else _pick(found, name, sentence=_("Nobody is named @%s."))
        for name in names
    ]


def _pick(found: dict[str, User], name: str, *, sentence: str) -> User:
    """The one with exactly this name, else the one that differs in case only."""
    user = found.get(name) or found.get(name.lower())
    if user is None:
        raise NotUnderstood(sentence % name)
    return user


def find_labels(call: Call) -> list[Label]:
    """Labels of the item's project, without regard to case. Raises NotUnderstood."""
    names = parse_labels(call.argument) or ()
    labels = Label.objects.alias(handle=Lower("name")).filter(
        project=call.item.project_id, handle__in=[name.lower() for name in names]
    )
    found = {label.name.lower(): label for label in labels}
    missing = [name for name in names if name.lower() not in found]
    if missing:
        raise NotUnderstood(
            _("The project has no label %s. Make it first.") % _enumerate_labels(missing)
        )
    return [found[name.lower()] for name in names]


def _enumerate_labels(names: Sequence[str]) -> str:
    return ", ".join(f'~"{name}"' if " " in name else f"~{name}" for name in names)


def find_issue(call: Call) -> Issue:
    return find_named_issue(call.argument, project=call.item.project, reader=call.actor)


def find_named_issue(text: str, *, project: Project, reader: User) -> Issue:
    """One that the person may read, also by a former path or number; one they may not is answered
    like one that is not there. `project` is meant where the text names none."""
    reference = parse_issue(text, base_url=settings.BASE_URL)
    if reference is not None:
        issue = former.find_issue(reference.path or project.path, reference.iid)
        if issue is not None and reader.has_perm("issues.read_item", issue.current):
            return issue.current
    raise NotUnderstood(_("There is no such issue, or you may not see it."))


def find_named_project(text: str, *, reader: User) -> Project:
    """One that the person may see, also by a former path."""
    project = former.find_project(text.lower())
    if project is None or not reader.has_perm("issues.read_project", project):
        raise NotUnderstood(_("There is no such project, or you may not see it."))
    return project
