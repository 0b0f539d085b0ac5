"""Markdown of people and mails into HTML that is safe in our pages and mails."""

import re

import nh3
from cmarkgfm import github_flavored_markdown_to_html  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

MAX_TEXT_BYTES = 1_000_000
MAX_DEPTH = 100
"""Elements in elements. The time that nh3 takes grows with the square: 24 s for 50,000 `>`."""
MAX_ENTITIES = 200_000
"""Likewise: 27 s for a million `&`, 1 s for these."""
TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "hr", "img", "input", "li", "ol", "p", "pre"),
    *("strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
}
ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "img": {"src", "alt", "title"},
    "input": {"type", "checked", "disabled"},
    "ol": {"start"},
    "pre": {"lang"},
    "td": {"align"},
    "th": {"align"},
}
OPEN_OR_CLOSE = re.compile(r"<(?P<close>/?)(?!br|hr|img|input|!)[a-z][^>]*>")
URL_SCHEMES = {"http", "https", "mailto"}
IMAGE = re.compile(r'<img src="(?P<src>[^"]*)" alt="(?P<alt>[^"]*)"(?: title="[^"]*")? />')
"""cmark writes images in this form only, and escapes the same letters in text."""


def render_markdown(text: str) -> SafeString:
    """For a page: no raw HTML; pictures from elsewhere become links, since they track readers."""
    return _render(text, own_images=True, base_url="")


def render_mail(text: str, *, base_url: str) -> SafeString:
    """For a mail: every picture is a link (it needs a log-in), every address absolute."""
    return _render(text, own_images=False, base_url=base_url)


def _render(text: str, *, own_images: bool, base_url: str) -> SafeString:
    text, was_cut = _cut(text)
    raw = github_flavored_markdown_to_html(text, Options.CMARK_OPT_HARDBREAKS)
    if _is_bomb(raw):
        html: str = format_html('<pre lang="text">{}</pre>', text)
    else:
        html = _clean(raw, own_images=own_images, base_url=base_url)
    if was_cut:
        html += format_html("<p><em>{}</em></p>", _("The text is longer; the rest is not shown."))
    return mark_safe(html)  # noqa: S308  (nh3 or format_html made every part of it)


def _clean(raw: str, *, own_images: bool, base_url: str) -> str:
    def link(match: re.Match[str]) -> str:
        if own_images and match["src"].startswith("/uploads/"):
            return match[0]
        return f'<a href="{match["src"]}">{match["alt"] or match["src"]}</a>'

    return nh3.clean(
        IMAGE.sub(link, raw),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=URL_SCHEMES,
        link_rel="nofollow noopener",
        url_relative=("rewrite_with_base", base_url) if base_url else None,
    )


def _cut(text: str) -> tuple[str, bool]:
    encoded = text.encode(errors="replace")
    if len(encoded) <= MAX_TEXT_BYTES:
        return encoded.decode(), False
    return encoded[:MAX_TEXT_BYTES].decode(errors="ignore"), True


def _is_bomb(html: str) -> bool:
    """Whether cmark's output, which is well formed, would cost too much to clean."""
    depth = 0
    for match in OPEN_OR_CLOSE.finditer(html):
        depth += -1 if match["close"] else 1
        if depth > MAX_DEPTH:
            return True
    return html.count("&") > MAX_ENTITIES
