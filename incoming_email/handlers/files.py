"""The attachments of a message as files of the item that is made from it."""

from incoming_email.parsing.types import ParsedEmail
from issues.uploads import NewFile


def new_files(email: ParsedEmail, inbound_email_id: int) -> list[NewFile]:
    """Named after the ledger row and the place in the message: the same at every attempt."""
    return [
        NewFile(
            filename=attachment.filename,
            content_type=attachment.content_type,
            content=attachment.content,
            source=f"inbound-{inbound_email_id}-{number}",
            content_id=attachment.content_id,
        )
        for number, attachment in enumerate(email.attachments)
    ]
