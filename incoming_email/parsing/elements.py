"""Small operations on the tree of an HTML mail that lxml itself lacks."""

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


def remove_element(element: Element) -> None:
    """Takes `element` out with all in it; the text behind it stays."""
    parent = element.getparent()
    if parent is None:
        return
    _append_text(element, parent, element.tail)
    parent.remove(element)


def unwrap_element(element: Element) -> None:
    """Replaces `element`, which holds text only, by that text."""
    parent = element.getparent()
    if parent is None:
        return
    _append_text(element, parent, (element.text or "") + (element.tail or ""))
    parent.remove(element)


def _append_text(element: Element, parent: Element, text: str | None) -> None:
    """Puts `text` behind what stands before `element`."""
    before = element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + (text or "")
    else:
        parent.text = (parent.text or "") + (text or "")


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
