"""The private addresses of a person: made from a token that only its owner sees."""

from datetime import datetime

from django.db import transaction

from incoming_email.models import Mailbox, Purpose, SenderToken, new_key
from incoming_email.parsing.addresses import AddressTemplate, project_key
from incoming_email.secrets import credentials
from issues.models import Issue, Project, User


def find_owner_token(token: str) -> SenderToken | None:
    """The token's row with its owner, or None where nobody holds it."""
    return (
        SenderToken.objects.select_related("user")
        .filter(digest__in=credentials.digests(token))
        .first()
    )


def ensure_token(*, user: User, now: datetime) -> str:
    """The user's token, made on first use: of two pages at once both show the one that is kept."""
    token = new_key()
    new = {"token": token, "digest": credentials.digest(token), "changed_at": now}
    return SenderToken.objects.get_or_create(user=user, defaults=new)[0].token


@transaction.atomic
def reset_token(*, user: User, now: datetime) -> str:
    """Make a new token; every private address of the user that was given out stops working."""
    token = new_key()
    SenderToken.objects.update_or_create(
        user=user,
        defaults={"token": token, "digest": credentials.digest(token), "changed_at": now},
    )
    return token


def find_public_mailbox() -> Mailbox | None:
    """The mailbox whose addresses are shown: the first enabled one with a key in its address."""
    mailboxes = Mailbox.objects.filter(enabled=True, purpose=Purpose.INCOMING_EMAIL).order_by("pk")
    return next((mailbox for mailbox in mailboxes if mailbox.template.has_key), None)


def new_issue_address(*, user: User, project: Project, now: datetime) -> str | None:
    """The user's address for new issues of the project; None where no mailbox takes them."""
    return _address(user=user, project=project, suffix="issue", now=now)


def new_merge_request_address(*, user: User, project: Project, now: datetime) -> str | None:
    """The user's address for new merge requests; None where no mailbox takes them."""
    return _address(user=user, project=project, suffix="merge-request", now=now)


def issue_note_address(*, user: User, issue: Issue, now: datetime) -> str | None:
    """The user's address for notes on the issue; None where no mailbox takes them."""
    return _address(user=user, project=issue.project, suffix=f"issue-{issue.iid}", now=now)


def _address(*, user: User, project: Project, suffix: str, now: datetime) -> str | None:
    mailbox = find_public_mailbox()
    if mailbox is None:
        return None
    token = ensure_token(user=user, now=now)
    return address_for(mailbox.template, project, f"{token}-{suffix}")


def address_for(template: AddressTemplate, project: Project, rest: str) -> str:
    """`<slug>-<id>-<rest>` in the template, the slug cut so that the local part fits."""
    return template.address_for(
        project_key(project.slug, f"{project.pk}-{rest}", template=template)
    )
