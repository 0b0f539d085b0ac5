"""Replies with quick actions, and what their senders are told of them."""

from issues.models import OutgoingEmail
from tests.incoming_email.world import make_mail


def reply(world, body, **headers):
    sender = headers.pop("sender", world.member.email)
    row = world.receive(make_mail(to=world.reply_address(), sender=sender, body=body, **headers))
    world.issue.refresh_from_db()
    return row


def told():
    """The answers about commands: recipient and text."""
    rows = OutgoingEmail.objects.filter(kind="quick_actions").order_by("pk")
    return list(rows.values_list("recipient", "text"))


def step_of(row):
    return next(step["result"] for step in row.trace if step["step"] == "quick actions")
