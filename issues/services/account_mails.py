"""Mail about an account itself: how one logs in, and what was changed there."""

import secrets
from datetime import datetime

from issues import outbox


def write_account_mail(*, recipient: str, subject: str, text: str, now: datetime) -> None:
    """Each has its own effect, since each may carry a secret of its own."""
    name = f"account-{secrets.token_hex(16)}"
    outbox.enqueue(
        kind="account",
        effect_key=name,
        recipient=recipient,
        subject=subject,
        text=text,
        envelope_sender="",
        message_id=outbox.make_message_id(name),
        now=now,
    )
