"""Pictures that the HTML of a message shows, put beside it in the message."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.encoders import encode_base64
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from typing import Any


@dataclass(frozen=True, slots=True)
class Picture:
    content_id: str
    """The HTML shows it as `cid:` and this (RFC 2392)."""

    filename: str
    content_type: str
    content: bytes


def put_beside_html(message: Message, pictures: Sequence[Picture]) -> None:
    """Into a multipart/related with the HTML (RFC 2387): not every mail program finds pictures that
    stand elsewhere."""
    for part in message.walk():
        if part.get_content_type() == "multipart/alternative":
            texts: Any = part.get_payload()  # a list of parts
            related = MIMEMultipart("related", type="text/html")
            related.attach(texts.pop())
            for picture in pictures:
                related.attach(_make_part(picture))
            texts.append(related)
            return


def _make_part(picture: Picture) -> MIMEBase:
    part = MIMEBase(*picture.content_type.split("/", 1))
    part.set_payload(picture.content)
    encode_base64(part)
    part.add_header("Content-ID", f"<{picture.content_id}>")
    name = picture.filename
    shown = name if name.isascii() else ("utf-8", "", name)
    part.add_header("Content-Disposition", "inline", filename=shown)
    return part
