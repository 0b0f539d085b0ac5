"""Which pictures a page may load: our own uploads, and nothing else of ours or of others."""

import re
from html import unescape
from urllib.parse import unquote

_UPLOAD = re.compile(r"/uploads/[0-9a-f]{32}/(?P<name>[^/\\?#\x00-\x20\x7f]+)")
_SECRET = re.compile(r"/uploads/([0-9a-f]{32})/")
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]+")
_DOTS = {".", ".."}

_TAG = re.compile(r"<(?:a\s[^>]*|/a|img\s(?P<picture>[^>]*))>")
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
