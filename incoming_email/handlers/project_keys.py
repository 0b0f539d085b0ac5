"""Keys that name a project and hold a person's token: `<slug>-<project id>-<token>-…`."""

import re

from incoming_email.handlers.base import Target
from incoming_email.keys import sender_tokens
from incoming_email.outcomes import Reason
from issues.models import Project

PREFIX = r"(?:[0-9a-z-]*-)?(?P<project_id>[1-9][0-9]{0,17})-(?P<token>[0-9a-z]{25})"
"""The slug is decoration: id and token decide, so a rename breaks no address."""


def find_target(key: re.Match[str]) -> Target | None:
    """The token's owner and the project.

    A project that does not exist is answered like one that the owner can't see, so that addresses
    reveal no projects.
    """
    token = sender_tokens.find_owner_token(key["token"])
    if token is None:
        return None
    author = token.user
    project = Project.objects.filter(pk=int(key["project_id"])).first()
    refusal = None
    if not author.is_active:
        refusal = Reason.BLOCKED
    elif project is None or not author.has_perm("issues.read_project", project):
        refusal = Reason.NOT_FOUND
    return Target(project=project or Project(), author=author, refusal=refusal)
