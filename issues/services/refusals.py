"""The exceptions by which a service refuses."""

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from issues import permissions
from issues.models import Issue, MergeRequest, Project, User


class NotAllowed(Exception):
    """The person may read the thing, and may not do this to it."""


class Locked(NotAllowed):
    """The discussion takes comments of members only."""


class NotVisible(NotAllowed):
    """The person may not even know that the thing exists: answer as if it did not."""


class Invalid(ValueError):
    """The values make no sense. `messages` are sentences for the person who gave them."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__(" ".join(messages))
        self.messages = messages


class Gone(Invalid):
    """What is answered is no longer there."""


def require(user: User, action: str, target: Project | Issue | MergeRequest) -> None:
    """One query when the answer is yes; a second one only to choose the exception."""
    if permissions.allows(user, action, target):
        return
    reading = "issues.read_project" if isinstance(target, Project) else "issues.read_item"
    if action == reading or not permissions.allows(user, reading, target):
        raise NotVisible(
            _("There is nothing at this address for you: it does not exist or is not yours.")
        )
    if isinstance(target, Issue) and target.forbids(action):
        if target.merged_into is not None:
            raise NotAllowed(
                _("This was merged into %(issue)s. Go on there.") % {"issue": target.merged_into}
            )
        raise NotAllowed(
            _(
                "Nobody changes what is marked as spam. A maintainer of the project can say that"
                " it is none."
            )
        )
    if action == "issues.comment_on" and not isinstance(target, Project) and target.locked:
        raise Locked(_("The discussion is locked: only members of the project may comment."))
    raise NotAllowed(
        _("Your role in the project does not include this. Ask one of its maintainers.")
    )


def require_valid(instance: Model, *, exclude: tuple[str, ...] = ()) -> None:
    """The model's own rules, with the sentences it has for them."""
    try:
        instance.full_clean(exclude=exclude)
    except ValidationError as error:
        raise Invalid(list(error.messages)) from error
