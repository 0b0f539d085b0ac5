"""Rearranges the tree of an HTML mail so that Markdown can say the same."""

import re
import unicodedata
from collections.abc import Callable

from lxml import etree

from incoming_email.parsing.html.elements import (
    BLOCKS,
    Element,
    find_begin,
    find_end,
    get_style,
    get_text_before,
    remove_elements,
    set_text_before,
)
from incoming_email.parsing.text.marks import BREAK

_LISTS = frozenset({"ul", "ol"})
_TABLE_TAGS = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"})
_TOO_MUCH_FOR_CELLS = frozenset({"pre", "blockquote"})
_MAX_EMPTY_CELLS = 20_000
"""Markdown fills up each row to the longest: a few long ones would make megabytes of nothing."""

_BOLD = re.compile(r"font-weight:(?:bold|[6-9]00)")
_NOT_BOLD = re.compile(r"font-weight:(?:normal|[1-4]00)")
_ITALIC = re.compile(r"font-style:(?:italic|oblique)")
_STRUCK = re.compile(r"text-decoration(?:-line)?:[a-z]*line-through")
_EMPHASIS = frozenset({"b", "strong", "i", "em", "s", "strike", "del"})


def shape(root: Element) -> None:
    """Each step looks at each element once."""
    _style_spans(root)
    _open_layout_tables(root)
    _nest_lists(root)
    _part_quotes(root)
    _label_links(root)
    for element in list(root.iter(*_EMPHASIS)):
        _move_marks_out(element)


def _style_spans(root: Element) -> None:
    """Google Docs and some editors write emphasis as style, and '<b>' around what is not bold."""
    for element in list(root.iter("span", "font", "b")):
        style = get_style(element)
        if not style:
            continue
        if element.tag == "b":
            element.tag = "span" if _NOT_BOLD.search(style) else "b"
        elif not any(node.tag in BLOCKS for node in element.iterdescendants()):
            _style_span(element, style)


def _style_span(element: Element, style: str) -> None:
    tags = [
        tag
        for tag, pattern in (("b", _BOLD), ("i", _ITALIC), ("s", _STRUCK))
        if pattern.search(style)
    ]
    if not tags:
        return
    element.tag = tags[0]
    for tag in tags[1:]:
        inner = etree.Element(tag)
        inner.text, element.text = element.text, None
        inner.extend(list(element))
        element.append(inner)


def _open_layout_tables(root: Element) -> None:
    """A table with one column, or that no Markdown table can hold, is only layout."""
    layouts: list[Element] = []
    opened: list[Element] = []
    nested: set[Element] = set()
    for event, table in etree.iterwalk(root, events=("start", "end"), tag="table"):
        if event == "start":
            nested.update(opened[-1:])
            opened.append(table)
        else:
            opened.pop()
            if table in nested or _is_layout(table):
                layouts.append(table)
    for element in [part for table in layouts for part in (table, *_own_parts(table))]:
        element.tag = "div"


def _is_layout(table: Element) -> bool:
    """For a table without another in it."""
    rows: list[int] = []
    for node in table.iterdescendants():
        if node.tag in _TOO_MUCH_FOR_CELLS:
            return True
        if node.tag == "tr":
            rows.append(sum(1 for cell in node if cell.tag in _TABLE_TAGS))
    columns = max(rows, default=0)
    return columns <= 1 or columns * len(rows) - sum(rows) > _MAX_EMPTY_CELLS


def _own_parts(table: Element) -> list[Element]:
    """Rows and cells of `table`, not of tables in its cells."""
    parts: list[Element] = []
    rows = [table]
    while rows:
        for child in rows.pop():
            if child.tag in _TABLE_TAGS and child.tag != "table":
                parts.append(child)
                if child.tag not in {"td", "th", "caption"}:
                    rows.append(child)
    return parts


def _nest_lists(root: Element) -> None:
    """A list right in a list, as Outlook writes it, belongs to the item above."""
    for element in list(root.iter(*_LISTS)):
        parent = element.getparent()
        if parent is None or parent.tag not in _LISTS:
            continue
        item = element.getprevious()
        if item is None or item.tag != "li":
            item = etree.Element("li")
            element.addprevious(item)
        item.tail, element.tail = element.tail, None
        item.append(element)


def _part_quotes(root: Element) -> None:
    """Two quotes in a row would become one."""
    for quote in list(root.iter("blockquote")):
        following = quote.getnext()
        if following is None or (quote.tail or "").strip():
            continue
        if following.tag == "blockquote":
            line = etree.Element("p")
            line.text = BREAK
            quote.addnext(line)


def _label_links(root: Element) -> None:
    """A remote picture in a link becomes a link itself in our pages: its label replaces it."""
    links = [link for link in root.iter("a") if link.get("href")]
    pictured = {link: _find_remote_images(link) for link in links if len(link)}
    for images in pictured.values():
        for image in images:
            image.text = image.get("alt", "").strip()
        remove_elements(images, keep_text=True)
    empty = [link for link in links if _is_empty(link)]
    for link in empty:
        if pictured.get(link):
            link.text = link.get("href", "")
    remove_elements([link for link in empty if not link.text])


def _find_remote_images(link: Element) -> list[Element]:
    return [image for image in link.iter("img") if not image.get("src", "").startswith("cid:")]


def _is_empty(link: Element) -> bool:
    if (link.text or "").strip():
        return False
    return not any(
        node.tag == "img" or (node.text or "").strip() or (node.tail or "").strip()
        for node in link.iterdescendants()
    )


def _move_marks_out(element: Element) -> None:
    """'<b>“word”</b>는' would keep its stars (CommonMark 6.2): marks at the edge go out."""
    before = get_text_before(element)
    holder = find_begin(element)
    if before[-1:].isalnum():
        kept = _strip_marks(holder.text or "", str.lstrip)
        cut = len(holder.text or "") - len(kept)
        set_text_before(element, before + (holder.text or "")[:cut])
        holder.text = kept
    if (element.tail or "")[:1].isalnum():
        holder, is_tail = find_end(element)
        text = (holder.tail if is_tail else holder.text) or ""
        kept = _strip_marks(text, str.rstrip)
        if is_tail:
            holder.tail = kept
        else:
            holder.text = kept
        element.tail = text[len(kept) :] + (element.tail or "")


def _strip_marks(text: str, strip: Callable[[str, str], str]) -> str:
    return strip(text, "".join(letter for letter in set(text) if _is_mark(letter)))


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "PS"
