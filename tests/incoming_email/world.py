"""A small world for the tests of the core: a mailbox, a project, people, and mail from them."""

from dataclasses import dataclass

from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.keys import reply_keys, sender_tokens
from incoming_email.models import InboundEmail, InboxMethod, Mailbox
from incoming_email.pipeline import processing, receiving
from issues.models import Issue, Role, User
from tests.factories import IssueFactory, MembershipFactory

ADDRESS = "incoming+%{key}@letterbox.localhost"
_numbers = iter(range(1, 10**9))


@dataclass(frozen=True)
class World:
    mailbox: Mailbox
    issue: Issue
    member: User

    def reply_address(self, user: User | None = None, discussion: str = "") -> str:
        user = user or self.member
        routes = reply_keys.reply_routes(recipients=[user], item=self.issue, discussion=discussion)
        return routes[user.pk].reply_to

    def reply_id(self, user: User | None = None) -> str:
        user = user or self.member
        routes = reply_keys.reply_routes(recipients=[user], item=self.issue, discussion="")
        return routes[user.pk].reference

    def issue_address(self, user: User | None = None) -> str:
        address = sender_tokens.new_issue_address(
            user=user or self.member, project=self.issue.project, now=timezone.now()
        )
        assert address is not None
        return address

    def merge_request_address(self, user: User | None = None) -> str:
        address = sender_tokens.new_merge_request_address(
            user=user or self.member, project=self.issue.project, now=timezone.now()
        )
        assert address is not None
        return address

    def receive(self, *contents: bytes, **message: str) -> InboundEmail:
        """Store and process, as one batch; the last row."""
        number = next(_numbers)
        messages = [RawMessage(f"{number}:{n}", c, **message) for n, c in enumerate(contents)]
        rows = receiving.store(self.mailbox, messages, now=timezone.now(), claimed=True)
        processing.process_claimed(rows, clock=timezone.now)
        row = rows[-1]
        row.refresh_from_db()
        return row


def make_smtp_mailbox(**fields: object) -> Mailbox:
    """A mailbox with the inbox method SMTP, unless another one is given."""
    given = {"name": "main", "enabled": True, "address": ADDRESS, "inbox_method": InboxMethod.SMTP}
    return Mailbox.objects.create(**(given | fields))


def make_world(**mailbox: object) -> World:
    row = make_smtp_mailbox(**mailbox)
    issue = IssueFactory()
    issue.project.last_issue_iid = issue.iid
    issue.project.save()
    member = MembershipFactory(project=issue.project, role=Role.DEVELOPER).user
    return World(row, issue, member)


def make_mail(
    *, to: str, sender: str, body: str = "Looks good.", subject: str = "Re: it", **headers: str
) -> bytes:
    """A plain message; further header fields with `_` for `-`; a header "" is left out."""
    fields = {
        "From": sender,
        "To": to,
        "Subject": subject,
        "Message-ID": f"<{next(_numbers)}@example.com>",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    return ("\r\n".join([*lines, "", body]) + "\r\n").encode()
