"""Turns an HTML body into Markdown that renders back to the same look."""

import re

import html_to_markdown
from lxml import etree

from incoming_email.parsing.html.cleaning import parse_markup, strip_markup
from incoming_email.parsing.html.elements import BLOCKS, Element, remove_elements
from incoming_email.parsing.html.quote_containers import mark_containers
from incoming_email.parsing.html.shaping import shape
from incoming_email.parsing.replies.splitting import Split, split_reply
from incoming_email.parsing.text import marks
from incoming_email.parsing.text.escaping import mark_text

_OPTIONS = html_to_markdown.ConversionOptions(
    bullets="-", autolinks=False, extract_metadata=False, highlight_style="none"
)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
_BLANK_QUOTES = re.compile(r"(?m)^([> ]*>[ ]*\n)\1+")
_BREAKS = re.compile(rf"(?m)^[> ]*{marks.BREAK}\n(?:[> ]*\n)?")
_CODE_GAP = re.compile(r"(?<=\n)[ \t]*(?=\n)")
_KEPT_ATTRIBUTES = frozenset({"href", "src", "alt", "start", "colspan", "rowspan"})
_ENCODED = str.maketrans({mark: f"%{ord(mark):02X}" for mark in ' "()*<>[\\]`|'} | {"\n": ""})
"""Characters that could end a link early in Markdown, as a URL may write them (RFC 3986 2.1)."""

_UNLABELLED = str.maketrans(dict.fromkeys("[]<>\\`*_|\n", " "))
_HOLD_FENCES = frozenset({"html", "body", "div", "blockquote", "ul", "ol", "li", "center"})
_CODE = frozenset({"pre", "code", "kbd", "samp", "tt"})


def to_markdown(markup: str) -> str:
    """Markdown of the visible text; what could act in it is gone or escaped."""
    root = parse_markup(markup)
    return to_plain_text(markup) if root is None else _convert(root)


def split_html_reply(markup: str) -> Split:
    """Like `split_reply`, for a body whose markup also shows what is quoted; both halves
    Markdown."""
    root = parse_markup(markup)
    if root is None:
        return split_reply(to_plain_text(markup))
    mark_containers(root)
    split = split_reply(_convert(root), bare_quotes_are_old=False)
    return Split(reply=_unmark(split.reply).rstrip(), quoted=_unmark(split.quoted).rstrip())


def _convert(root: Element) -> str:
    shape(root)
    for element in list(root.iter(*_CODE)):
        _flatten_code(element)
    _prepare(root)
    source = etree.tostring(root, encoding="unicode", method="html")
    markdown = html_to_markdown.convert(source, _OPTIONS).content or ""
    return _tidy(markdown)


def _tidy(markdown: str) -> str:
    text = _BLANK_LINES.sub("\n\n", markdown.translate(marks.WRITTEN))
    text = _BREAKS.sub("", _BLANK_QUOTES.sub(r"\1", text))
    return text.replace(marks.BLANK, "").strip("\n")


def _flatten_code(element: Element) -> None:
    """Code holds text only, which needs no escapes; what Markdown can't hold as code is text."""
    if element.tag == "pre":
        held = all(parent.tag in _HOLD_FENCES for parent in element.iterancestors())
    else:
        held = not any(node.tag in BLOCKS for node in element.iterdescendants())
        # Its fence would grow together with the one of a neighbour, and free what both hold.
        held = held and "`" not in _read_code(element)
    if not held:
        element.tag = "div" if element.tag == "pre" else "span"
    elif len(element):
        text = _read_code(element)
        for child in list(element):
            element.remove(child)
        element.text = text


def _read_code(element: Element) -> str:
    """The text in `element`, each block in it on a line of its own."""
    pieces = [element.text or ""]
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if node is element:
            continue
        text = node.text if event == "start" else node.tail
        pieces.append("\n" if event == "start" and node.tag in BLOCKS else "")
        pieces.append(text or "")
    return "".join(pieces)


def _prepare(root: Element) -> None:
    """Escapes all text and drops what only styles it."""
    code = spaced = 0
    links: list[Element] = []
    for event, element in etree.iterwalk(root, events=("start", "end")):
        step = 1 if event == "start" else -1
        code += step if element.tag in _CODE else 0
        spaced += step if element.tag == "pre" else 0
        if event == "end":
            element.tail = _escape(element.tail, code=code > 0, spaced=spaced > 0)
            continue
        element.text = _escape(element.text, code=code > 0, spaced=spaced > 0)
        _drop_style(element)
        if element.tag == "a":
            links.append(element)
    remove_elements([link for link in links if _needs_no_markdown(link)], keep_text=True)


def _escape(text: str | None, *, code: bool, spaced: bool) -> str | None:
    if not text:
        return text
    text = _CODE_GAP.sub(marks.BLANK, text) if spaced else _SPACE.sub(" ", text)
    return text if code else mark_text(text, line_start=True)


def _drop_style(element: Element) -> None:
    """Keeps what Markdown can say, in characters that cannot end it."""
    for name in element.attrib:
        if name in {"href", "src"}:
            element.set(name, element.get(name, "").translate(_ENCODED))
        elif name == "alt":
            element.set(name, element.get(name, "").translate(_UNLABELLED))
        elif name not in _KEPT_ATTRIBUTES:
            del element.attrib[name]


def _needs_no_markdown(link: Element) -> bool:
    """Whether a link reads as its own address, or has none."""
    target = link.get("href", "")
    text = (link.text or "").strip()
    return len(link) == 0 and (not target or text in {target, target.removeprefix("mailto:")})


def to_plain_text(markup: str) -> str:
    """Markdown of the text alone, in linear time; what could act in it is escaped."""
    lines = (_SPACE.sub(" ", line).strip() for line in strip_markup(markup).split("\n"))
    marked = "\n".join(mark_text(line, line_start=True) for line in lines)
    return _tidy(marked)


def _unmark(text: str) -> str:
    """`text` without our marks, nor the lines that held nothing else, nor the gap below those."""
    if not any(chr(mark) in text for mark in marks.REMOVED):
        return text
    lines: list[str] = []
    gap = False
    for line in text.split("\n"):
        bare = line.translate(marks.REMOVED)
        if bare.strip(" >") or not (gap or bare != line):
            lines.append(bare)
        gap = (bare != line or gap) and not bare.strip(" >")
    return "\n".join(lines).strip("\n")
