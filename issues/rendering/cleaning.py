"""The last step: only elements, attributes and addresses that can do no harm are left."""

from collections.abc import Set

import nh3

from issues.rendering.pictures import find_secrets, is_upload

_TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "hr", "input", "li", "ol", "p", "pre"),
    *("strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "img": {"src", "alt", "title"},
    "input": {"type", "checked", "disabled"},
    "ol": {"start"},
    "pre": {"lang"},
    "td": {"align"},
    "th": {"align"},
}
_URL_SCHEMES = {"http", "https", "mailto"}


def clean(html: str, *, own_pictures: bool, base_url: str, foreign: Set[str] = frozenset()) -> str:
    """Safe HTML. No picture loads but our own uploads, and without `own_pictures` none at all.

    `base_url`, if any, is put before addresses without a host. `foreign`: secrets of uploads that
    are no pictures here.
    """

    def keep_own_pictures(element: str, attribute: str, value: str) -> str | None:
        if element == "img" and attribute == "src":
            return value if is_upload(value) and not find_secrets(value) & foreign else None
        return value

    return nh3.clean(
        html,
        tags=_TAGS | {"img"} if own_pictures else _TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=keep_own_pictures,
        url_schemes=_URL_SCHEMES,
        link_rel="nofollow noopener",
        url_relative=("rewrite_with_base", base_url) if base_url else None,
    )
