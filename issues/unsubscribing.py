"""The signed link by which a person leaves a discussion without logging in."""

from django.conf import settings
from django.core import signing

from issues.models import Issue, MergeRequest, User

SALT = "issues.unsubscribe"


def token_for(user: User, item: Issue | MergeRequest) -> str:
    kind = "i" if isinstance(item, Issue) else "m"
    return signing.dumps([user.pk, kind, item.pk], salt=SALT)


def is_token(token: str) -> bool:
    """Whether it is one of these, of whomever and whatever."""
    try:
        signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return False
    return True


def find_subscription_target(token: str) -> tuple[User, Issue | MergeRequest] | None:
    """None for a forged token, and where the person or the item is gone."""
    try:
        user_id, kind, item_id = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    item: Issue | MergeRequest | None = None
    if kind == "i":
        found = Issue.objects.select_related("project", "merged_into__project").filter(pk=item_id)
        item = next((issue.current for issue in found), None)
    else:
        item = MergeRequest.objects.select_related("project").filter(pk=item_id).first()
    return None if user is None or item is None else (user, item)


def unsubscribe_url(user: User, item: Issue | MergeRequest) -> str:
    return f"{settings.BASE_URL}/unsubscribe/{token_for(user, item)}/"
