"""Small operations on the tree of an HTML mail that lxml itself lacks."""

from collections.abc import Iterable

from lxml import etree

Element = etree._Element

BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "br", "center", "dd", "div", "dl", "dt", "footer",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table",
    "td", "th", "tr", "ul",
})  # fmt: skip
"""Elements that a browser puts on a line of their own; also the line break itself."""


def get_style(element: Element) -> str:
    """The inline style, lower case, without blanks."""
    return "".join(element.get("style", "").lower().split())


def remove_elements(elements: Iterable[Element], *, keep_text: bool = False) -> None:
    """Takes `elements` out with all in them; the text behind each stays.

    `keep_text`: so does the text in it. What grows together is joined once, in linear time.
    """
    by_parent: dict[Element, list[Element]] = {}
    for element in elements:
        parent = element.getparent()
        if parent is not None:
            by_parent.setdefault(parent, []).append(element)
    for parent, gone in by_parent.items():
        _remove_children(parent, frozenset(gone), keep_text=keep_text)


def _remove_children(parent: Element, gone: frozenset[Element], *, keep_text: bool) -> None:
    before: Element | None = None
    pieces = [parent.text or ""]
    for child in list(parent):
        if child in gone:
            pieces += [child.text or "", child.tail or ""] if keep_text else [child.tail or ""]
            parent.remove(child)
        else:
            _set_text_behind(before, parent, pieces)
            before, pieces = child, [child.tail or ""]
    _set_text_behind(before, parent, pieces)


def _set_text_behind(before: Element | None, parent: Element, pieces: list[str]) -> None:
    if len(pieces) == 1:
        return
    if before is None:
        parent.text = "".join(pieces)
    else:
        before.tail = "".join(pieces)


def get_text_before(element: Element) -> str:
    """The text right before `element`, up to the next element."""
    before, parent = element.getprevious(), element.getparent()
    if before is not None:
        return before.tail or ""
    return "" if parent is None else parent.text or ""


def set_text_before(element: Element, text: str) -> None:
    before, parent = element.getprevious(), element.getparent()
    if before is not None:
        before.tail = text
    elif parent is not None:
        parent.text = text


def find_begin(element: Element) -> Element:
    """The element that holds the first text within `element`; `element` itself where it begins
    with text.
    """
    while not element.text and len(element):
        element = element[0]
    return element


def find_end(element: Element) -> tuple[Element, bool]:
    """The element that holds the last text within `element`, and whether it is the text behind
    that element (`tail`).
    """
    while len(element):
        element = element[-1]
        if element.tail:
            return element, True
    return element, False


def find_first_lines(element: Element, limit: int) -> list[str]:
    """The lines with text at the begin of `element`; no more than about `limit` characters."""
    pieces: list[str] = []
    size = 0
    for event, node in etree.iterwalk(element, events=("start", "end")):
        text = node.text if event == "start" else None if node is element else node.tail
        pieces.append("\n" if node.tag in BLOCKS else "")
        pieces.append(" ".join((text or "").split("\n")))
        size += len(pieces[-1]) + 1
        if size > limit:
            break
    return [line.strip() for line in "".join(pieces).split("\n") if line.strip()]
