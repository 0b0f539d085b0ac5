"""HTML as its sender meant it to look, with nothing in it that runs, calls or links anywhere.

For a sandboxed frame under a policy that forbids all requests. Both must fail before a sender
learns of a reader, and what no policy stops (a preconnect, a ping) is removed here.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import nh3
from lxml import etree

from incoming_email.parsing.html.cleaning import Allowed, as_text, clean_tree
from incoming_email.parsing.html.elements import Element

MAX_SHOWN_HTML = 500_000
"""Characters; the rest is in the raw message."""

MAX_IMAGE_BYTES = 5_000_000
"""Of the images in one message, each counted as often as it is shown."""

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
"""No SVG: it is a document of its own."""

_LOOKS = {
    *("style", "class", "id", "align", "valign", "bgcolor", "border", "color", "face", "size"),
    *("width", "height", "cellpadding", "cellspacing", "dir", "lang", "hidden"),
}
_ALLOWED = Allowed(
    tags=(nh3.ALLOWED_TAGS - {"map", "area"}) | {"font", "big", "style", "section", "main"},
    dropped={
        "script", "title", "noscript", "template", "textarea", "select", "iframe", "object",
        "svg", "math", "noframes", "noembed", "xml", "audio", "video", "xmp", "plaintext",
    },
    attributes={
        "*": _LOOKS,
        "a": {"href"},
        "img": {"src", "alt"},
        "ol": {"start", "type"},
        "td": {"colspan", "rowspan", "nowrap"},
        "th": {"colspan", "rowspan", "nowrap"},
    },
    schemes={"http", "https", "mailto", "tel", "cid", "data"},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Image:
    content_type: str
    content: bytes


def show_html(markup: str, images: Mapping[str, Image]) -> str:
    """`images` by Content-ID. Empty where the markup nests too deeply, or contains nothing."""
    root = clean_tree(markup[:MAX_SHOWN_HTML], _ALLOWED)
    if root is None:
        return ""
    left = MAX_IMAGE_BYTES
    for element in root.iter("a", "img"):
        if element.tag == "a":
            _show_target(element)
        else:
            left -= _show_image(element, images, left=left)
    return str(etree.tostring(root, encoding="unicode", method="html"))


def _show_target(link: Element) -> None:
    """Shows the URL of a link as text; the link itself is removed."""
    target = link.get("href")
    if target is not None:
        del link.attrib["href"]
        link.set("title", as_text(unquote(target)))


def _show_image(element: Element, images: Mapping[str, Image], *, left: int) -> int:
    """Returns how many bytes it used. A remote image is replaced by its alternative text."""
    source = element.get("src", "")
    if source:
        del element.attrib["src"]
    if source.startswith(tuple(f"data:{kind};base64," for kind in IMAGE_TYPES)):
        size = len(source)
    else:
        image = images.get(unquote(source.removeprefix("cid:")))
        if image is None or not source.startswith("cid:"):
            return 0
        size = len(image.content)
        if size <= left:
            encoded = base64.b64encode(image.content).decode("ascii")
            source = f"data:{image.content_type};base64,{encoded}"
    if size > left:
        return 0
    element.set("src", source)
    return size
