"""Turns hostile markup into a small, safe tree without what the reader never saw."""

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

import nh3
from lxml import etree

from incoming_email.parsing.html.elements import Element, get_style, remove_elements
from incoming_email.parsing.text.marks import REMOVED

MAX_MARKUP = 2_000_000
"""Characters; the sanitiser is linear up to here, more text than that nobody reads."""

MAX_DEPTH = 300
"""The sanitiser's time is quadratic in the depth, and Markdown is lost past 1024."""

MAX_STYLED_DEPTH = 40
"""Open elements such as <b>, which HTML opens again in every paragraph (13.2.4.3)."""

MAX_ATTRIBUTES = 400

MAX_REFERENCES = 50_000
"""Characters written as `&…;`, and bare `&`: the sanitiser's time is quadratic in their number."""

_UNWANTED = REMOVED | dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
"""Characters that no XML tree may hold (XML 1.0, 2.2), and our own marks."""

_TAG = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))|<[!?][^>]*+>?|</(?![a-zA-Z])[^>]*+>?"
    r"|<(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*+)(?P<attributes>(?:[\s/]++|[^\s/>][^\s/>=]*+"
    r"(?:\s*+=\s*+(?:\"[^\"]*+\"?|'[^']*+'?|[^\s>\"'][^\s>]*+)?)?)*+)>?",
    re.DOTALL,
)
"""A tag, or a comment, as HTML has them (13.2.5): a tag within a comment or a value is none."""

_RAW = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
}
"""What ends the text of elements that hold no others."""

_IMPLIED_END = frozenset({
    "p", "li", "td", "th", "tr", "dd", "dt", "option", "tbody", "thead", "tfoot", "br", "hr",
    "img", "input", "meta", "link", "base", "area", "col", "wbr", "source", "embed", "param",
    "track", "o:p",
})  # fmt: skip
_STYLED = frozenset({
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt",
    "u",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is left of hostile markup."""

    tags: Set[str]
    dropped: Set[str]
    """Tags that go with all that is in them."""

    attributes: Mapping[str, Set[str]]
    schemes: Set[str]


_ALLOWED = Allowed(
    tags=nh3.ALLOWED_TAGS - {"map", "area"} | {"font", "big"},
    dropped={
        "script", "style", "title", "noscript", "template", "textarea", "select", "iframe",
        "object", "svg", "math", "noframes", "noembed", "xml",
    },
    attributes={
        "*": {"class", "id", "style", "hidden", "data-smartmail", "data-marker", "name"},
        "a": {"href"},
        "blockquote": {"type"},
        "img": {"src", "alt", "width", "height"},
        "ol": {"start"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan"},
    },
    schemes={"http", "https", "mailto", "cid"},
)  # fmt: skip

_HIDDEN = re.compile(
    r"display:none|visibility:hidden|mso-hide:all|font-size:0(?:px|pt|em)?(?:;|$|!)|"
    r"max-height:0(?:px|pt)?(?:;|$|!)|opacity:0(?:;|$|!)"
)
_ALMOST_NOTHING = frozenset({"0", "1", "0px", "1px"})
_TINY = re.compile(r"(?:^|;)(?:max-)?(?:width|height):[01](?:px)?(?:;|$|!)")


def parse_markup(markup: str) -> Element | None:
    """The visible part of `markup` as a safe tree; None where it nests beyond all sense."""
    root = clean_tree(markup, _ALLOWED)
    if root is not None:
        _drop_hidden(root)
    return root


def clean_tree(markup: str, allowed: Allowed) -> Element | None:
    """What is allowed of `markup`; None where it nests beyond all sense."""
    markup = as_text(markup)
    if is_bomb(markup):
        return None
    clean = nh3.clean(
        markup,
        tags=set(allowed.tags),
        clean_content_tags=set(allowed.dropped),
        attributes={tag: set(names) for tag, names in allowed.attributes.items()},
        url_schemes=set(allowed.schemes),
        url_relative="deny",
        link_rel=None,
    )
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True)
    # Character references may have brought back what as_text took out.
    return etree.fromstring(f"<div>{clean.translate(_UNWANTED)}</div>".encode(), parser)


def as_text(markup: str) -> str:
    """`markup` within the cap, without control characters, half surrogate pairs or our marks."""
    text = markup[:MAX_MARKUP].translate(_UNWANTED)
    return text.encode("utf-8", "replace").decode("utf-8")


def is_bomb(markup: str) -> bool:
    """Nests, or piles up attributes or references, beyond what a parser handles in reasonable
    time."""
    if markup.count("&") > MAX_REFERENCES:
        return True
    depth = styled = 0
    opened: Counter[str] = Counter()
    for tag in _find_tags(markup):
        name, attributes = tag["name"].lower(), tag["attributes"]
        if len(attributes) > MAX_ATTRIBUTES < len(attributes.split(None, MAX_ATTRIBUTES)):
            return True
        if name in _IMPLIED_END:
            continue
        step = -1 if tag["end"] else 1
        if step < 0 and not opened[name]:
            continue  # it closes nothing, and parsers pass over it
        opened[name] += step
        depth += step
        styled += step * (name in _STYLED)
        if depth > MAX_DEPTH or styled > MAX_STYLED_DEPTH:
            return True
    return False


def _find_tags(markup: str) -> Iterator[re.Match[str]]:
    at = 0
    while tag := _TAG.search(markup, at):
        at = tag.end()
        if tag["name"] is None:
            continue
        yield tag
        raw = None if tag["end"] else _RAW.get(tag["name"].lower())
        if raw is not None:
            end = raw.search(markup, at)
            at = end.start() if end else len(markup)


def _drop_hidden(root: Element) -> None:
    """Preheaders, and images that only count who reads."""
    remove_elements([element for element in root.iter("*") if _is_hidden(element)])


def _is_hidden(element: Element) -> bool:
    if element.tag == "img" and not element.get("src"):
        return True
    if not element.attrib:
        return False
    style = get_style(element)
    if "hidden" in element.attrib or (style and _HIDDEN.search(style)):
        return True
    return element.tag == "img" and _is_tracker(element, style)


def _is_tracker(image: Element, style: str) -> bool:
    sizes = (image.get("width", "").strip(), image.get("height", "").strip())
    return any(size in _ALMOST_NOTHING for size in sizes) or _TINY.search(style) is not None


_TOKEN = re.compile(r"<(/?)([a-zA-Z!?/][^\s<>/]*+)[^<>]*+>?")
_SKIPPED = frozenset({
    "script", "style", "title", "head", "noscript", "template", "textarea", "select", "svg",
    "math",
})  # fmt: skip
_INLINE = frozenset({
    "a", "abbr", "b", "big", "cite", "code", "em", "font", "i", "img", "kbd", "mark", "s", "samp",
    "small", "span", "strike", "strong", "sub", "sup", "tt", "u",
})  # fmt: skip


def strip_markup(markup: str) -> str:
    """The text of markup too strange for a parser, a line a block, in linear time."""
    first, *rest = as_text(markup).split("<!--")
    source = first + "".join(piece.partition("-->")[2] for piece in rest)
    pieces: list[str] = []
    skipped = ""
    position = 0
    for tag in _TOKEN.finditer(source):
        name = tag[2].lower()
        if not skipped:
            pieces.append(source[position : tag.start()])
            if name not in _INLINE:
                pieces.append("\n")
            skipped = name if name in _SKIPPED and not tag[1] else ""
        elif tag[1] and name == skipped:
            skipped = ""
        position = tag.end()
    if not skipped:
        pieces.append(source[position:])
    return html.unescape("".join(pieces)).translate(_UNWANTED)
