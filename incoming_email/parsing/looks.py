"""What a page shows of a message to people: how it looked, and its source."""

from collections.abc import Iterator
from dataclasses import dataclass

from incoming_email.parsing.html.looks import IMAGE_TYPES, Image, show_html
from incoming_email.parsing.limits import Limits
from incoming_email.parsing.mime.contents import Contents, decode_contents
from incoming_email.parsing.mime.sources import Source, show_source
from incoming_email.parsing.mime.structure import Part, parse_structure


@dataclass(frozen=True, slots=True)
class Look:
    html: str
    """Empty where the message has no HTML, or none that can be shown."""

    source: Source


def find_look(content: bytes, limits: Limits) -> Look:
    root, _ = parse_structure(content, limits)
    contents = decode_contents(root, limits)
    markup = "\n".join(_find_markup(root, contents))
    html = show_html(markup, dict(_find_images(root, contents))) if markup.strip() else ""
    return Look(html, show_source(content, limits))


def _find_markup(root: Part, contents: Contents) -> Iterator[str]:
    for part in root.walk():
        if part.type == "text/html" and not part.is_attachment:
            yield contents.texts.get(id(part), "")


def _find_images(root: Part, contents: Contents) -> Iterator[tuple[str, Image]]:
    for part in root.walk():
        name = part.headers.first("Content-ID").strip("<> ")
        if name and part.type in IMAGE_TYPES:
            yield name, Image(part.type, contents.data.get(id(part), b""))
