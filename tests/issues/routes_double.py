"""A double of the application above: reply routes."""

from issues.models import User
from issues.notifications import ReplyRoute

asked = []


def reply_routes(*, recipients, item, discussion):
    """One query, as the contract says: constant however many the recipients are."""
    asked.append(discussion)
    list(User.objects.filter(pk__in=[user.pk for user in recipients]).values_list("pk"))
    return {
        user.pk: ReplyRoute(
            reply_to=f"incoming+key{user.pk}@example.com",
            reference=f"reply-key{user.pk}@letterbox.localhost",
            unsubscribe=f"incoming+key{user.pk}-unsubscribe@example.com",
            thread=(f"own-{user.pk}@example.org",),
        )
        for user in recipients
    }
