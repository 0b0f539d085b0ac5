"""The steps from Markdown to safe HTML, and what is shown where a limit forbids one."""

from collections.abc import Mapping, Set

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from issues.rendering import limits
from issues.rendering.cleaning import clean
from issues.rendering.markdown import to_html
from issues.rendering.pictures import link_pictures, put_pictures

_CUT = "<!--cut-->"
_MARKS = {f"<!--{limit.value}-->": limit for limit in limits.Limit}
"""Where a sentence of ours stands, in whichever language a reader has. No text can make one:
cleaning takes comments out."""


def render_markdown(text: str) -> SafeString:
    """For a page: no raw HTML; pictures from elsewhere become links, since they track readers.

    A text past a limit is shown as it was written, and says why.
    """
    return fill_in(render_page(text))


def render_page(text: str) -> str:
    """The same in no language yet: `fill_in` puts our sentences in."""
    return _render(text, own_pictures=True, base_url="")


def render_mail(
    text: str, *, base_url: str, pictures: Mapping[str, str] | None = None
) -> SafeString:
    """For a mail: every picture is a link (it needs a log-in), every address absolute. Those in
    `pictures`, by the secret of the upload, go with the mail under these addresses.

    A text past a limit is shown as it was written, and says why.
    """
    html = _render(text, own_pictures=False, base_url=base_url)
    return fill_in(put_pictures(html, pictures) if pictures else html)


def without_pictures(html: SafeString, secrets: Set[str]) -> SafeString:
    """HTML of this module with the words of a picture in place of those of these uploads."""
    cleaned = clean(html, own_pictures=True, base_url="", foreign=secrets)
    return mark_safe(cleaned)  # noqa: S308  (clean made every part of it)


def show_unformatted(text: str) -> SafeString:
    """For a page that can't wait until the text is rendered."""
    shown, was_cut = _cut(text, limits.MAX_PLAIN_BYTES)
    sentence = _("This long text is still being formatted. Load the page again in a moment.")
    return format_html("{}\n{}", _say(sentence), fill_in(_show_plain(shown) + _CUT * was_cut))


def fill_in(html: str) -> SafeString:
    """Our sentences at their marks, in the active language. The HTML must be of this module."""
    for mark, limit in _MARKS.items():
        if html.startswith(mark):
            html = _say(limit.sentence) + "\n" + html.removeprefix(mark)
    if html.endswith(_CUT):
        html = html.removesuffix(_CUT) + _say(_("The text is longer; the rest is not shown."))
    return mark_safe(html)  # noqa: S308  (clean or format_html made every part of it)


def _render(text: str, *, own_pictures: bool, base_url: str) -> str:
    shown, was_cut = _cut(text, limits.MAX_TEXT_BYTES)
    try:
        html = _format(shown, own_pictures=own_pictures, base_url=base_url)
    except limits.LimitExceededError as exceeded:
        shown, was_cut = _cut(text, limits.MAX_PLAIN_BYTES)
        html = f"<!--{exceeded.limit.value}-->{_show_plain(shown)}"
    return html + _CUT if was_cut else html


def _show_plain(text: str) -> SafeString:
    return format_html('<pre lang="text">{}</pre>', text)


def _say(sentence: str) -> SafeString:
    return format_html("<p><em>{}</em></p>", sentence)


def _format(text: str, *, own_pictures: bool, base_url: str) -> str:
    """Raises LimitExceededError."""
    limits.check_text(text)
    raw = to_html(text)
    limits.check_html(raw)
    cleaned = clean(
        link_pictures(raw, keep_own=own_pictures), own_pictures=own_pictures, base_url=base_url
    )
    limits.check_size(cleaned)  # cleaning makes links longer
    return cleaned


def _cut(text: str, most: int) -> tuple[str, bool]:
    """At most so many bytes of UTF-8, and whether that is less than the text."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= most:
        return encoded.decode(), False
    return encoded[:most].decode(errors="ignore"), True
