"""Which pictures a page may load: our own uploads, and nothing else of ours or of others."""

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import unquote

_UPLOAD = re.compile(r"/uploads/[0-9a-f]{32}/(?P<name>[^/\\?#\x00-\x20\x7f]+)")
_SECRET = re.compile(r"/uploads/([0-9a-f]{32})/")
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]+")
_DOTS = {".", ".."}

_TAG = re.compile(r"<(?:a\s[^>]*|/a|img\s(?P<picture>[^>]*))>")
_UPLOAD_LINK = re.compile(
    r'<a href="[^"]*/uploads/(?P<secret>[0-9a-f]{32})/[^"]*"[^>]*>(?P<words>[^<]*)</a>'
)
_ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"')


def is_upload(address: str) -> bool:
    """Whether a browser that is given this address asks for an upload, and for nothing else.

    Browsers take `\\` for `/`, `%2e` for a dot, and drop tabs and line ends (WHATWG URL, 4.4), so
    `/uploads/../admin/` has many spellings.
    """
    match = _UPLOAD.fullmatch(address)
    if match is None:
        return False
    name = unquote(match["name"])
    return _NAME.fullmatch(name) is not None and name not in _DOTS


def find_secrets(text: str) -> set[str]:
    """Of the uploads that a text or its HTML may name."""
    return set(_SECRET.findall(text))


def link_pictures(html: str, *, keep_own: bool) -> str:
    """The HTML with links in place of pictures; of those inside a link only the words are left.

    For looks alone: what stays a picture is decided when the HTML is cleaned.
    """
    in_link = False

    def put(tag: re.Match[str]) -> str:
        nonlocal in_link
        whole: str = tag[0]
        if tag["picture"] is None:
            in_link = whole != "</a>"
            return whole
        attributes: dict[str, str] = dict(_ATTRIBUTE.findall(tag["picture"]))
        source, words = attributes.get("src", ""), attributes.get("alt", "")
        if keep_own and is_upload(unescape(source)):
            return whole
        if in_link or not source:
            return words or source
        return f'<a href="{source}">{words or source}</a>'

    return _TAG.sub(put, html)


def put_pictures(html: str, pictures: Mapping[str, str]) -> str:
    """Clean HTML with pictures at these addresses in place of the links to some uploads; by the
    secret of each. The words of the link describe it."""

    def put(link: re.Match[str]) -> str:
        address = pictures.get(link["secret"])
        if address is None:
            return link[0]
        words = link["words"].replace('"', "&quot;")
        return f'<img src="{address}" alt="{words}" style="max-width: 100%">'

    return _UPLOAD_LINK.sub(put, html)
