"""The attachments of a message as files of the item that is made from it."""

from incoming_email.parsing.types import Attachment, ParsedEmail
from issues.uploads import NewFile, find_references


def new_files(
    email: ParsedEmail, inbound_email_id: int, *, quoted_is_cut: bool = False
) -> list[NewFile]:
    """Named after the ledger row and the position in the message: the same at every attempt.

    `quoted_is_cut`: the text becomes the reply alone, so pictures of the rest may be old.
    """
    cut = find_references(email.quoted) if quoted_is_cut else frozenset()
    cut -= find_references(email.reply)
    return [
        NewFile(
            filename=attachment.filename,
            content_type=attachment.content_type,
            content=attachment.content,
            source=f"inbound-{inbound_email_id}-{number}",
            content_id=attachment.content_id,
            inline=attachment.inline,
            is_old=_id(attachment) in cut,
        )
        for number, attachment in enumerate(email.attachments)
    ]


def _id(attachment: Attachment) -> str:
    return attachment.content_id.strip("<>").lower()
