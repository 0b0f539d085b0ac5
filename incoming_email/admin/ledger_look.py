"""How a message looked, and its source, without the secrets in them; read by the parser's child."""

import re
from dataclasses import dataclass

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from incoming_email.admin.redaction import Redactor
from incoming_email.models import InboundEmail
from incoming_email.parsing.mime.sources import Source
from incoming_email.pipeline.isolation.reading import NoLookError, find_look
from issues.admin.framing import show_frame
from issues.admin.redaction import redact_header

_DATA = re.compile(r"(data:image/[a-z]{3,4};base64,[A-Za-z0-9+/=]+)")
_PAGE = (
    '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light">'
    "<style>body{{margin:12px;font:15px/1.5 sans-serif;overflow-wrap:anywhere}}"
    "img{{max-width:100%}}a{{color:#0b57d0;text-decoration:underline}}</style>{}"
)


@dataclass(frozen=True, slots=True)
class ShownLook:
    """What the page of a row shows; all of it empty where the message was too much to read."""

    frame: SafeString | str = ""
    header: str = ""
    body: str | None = None
    """None for who may not download the raw message: a coded text hides what is in it."""

    is_cut: bool = False
    is_readable: bool = True


def show_look(row: InboundEmail, redactor: Redactor, *, with_body: bool) -> ShownLook:
    try:
        look = find_look(bytes(row.raw))
    except NoLookError:
        return ShownLook(is_readable=False)
    url = reverse("admin:incoming_email_inboundemail_html", args=[row.pk])
    return ShownLook(
        frame=show_frame(url, _("The message as it looked")) if look.html else "",
        header=_redact_source_header(look.source, redactor).rstrip(),
        body=redactor.redact(look.source.body) if with_body else None,
        is_cut=look.source.is_cut,
    )


def show_html(row: InboundEmail, redactor: Redactor) -> str:
    """A page of its own, for a frame; empty where there is no HTML that can be shown."""
    try:
        html = find_look(bytes(row.raw)).html
    except NoLookError:
        return ""
    # The bytes of an image hold no address, and take long to search.
    pieces = (
        piece if at % 2 else redactor.redact(piece) for at, piece in enumerate(_DATA.split(html))
    )
    body = mark_safe("".join(pieces))  # noqa: S308  (by parsing.html_looks, and in a sandbox)
    return format_html(_PAGE, body) if html else ""


def _redact_source_header(source: Source, redactor: Redactor) -> str:
    """The header as it arrived, except encoded-words that contain a secret."""
    header = source.header
    for words in source.words:
        shown = redact_header(redactor.redact(words.decoded))
        if shown != words.decoded:
            header = header.replace(words.raw, shown)
    return redact_header(redactor.redact(header))
