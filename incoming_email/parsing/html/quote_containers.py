"""Marks, in the tree of an HTML mail, what mail programs wrap around quotes and signatures."""

import re

from lxml import etree

from incoming_email.parsing.html.elements import Element, find_first_lines
from incoming_email.parsing.replies.attributions import find_attribution
from incoming_email.parsing.replies.header_blocks import is_header_block
from incoming_email.parsing.replies.line_classes import is_forward_marker
from incoming_email.parsing.text import marks
from incoming_email.parsing.text.matching import plain

_WRAPPER_CLASSES = re.compile(
    r"\b(?:gmail_quote|gmail_quote_container|protonmail_quote|yahoo_quoted|tutanota_quote|"
    r"zmail_extra|wmi-quote|naver_quote|front-blockquote|qmbox|mail-quote|quoted_text|"
    r"freebirdFormviewerQuote|ydp\w*yahoo-quoted-begin)\b"
)
"""Gmail, Proton, Yahoo, Tuta, Zoho, Yandex, NAVER, Front, QQ; a class may carry a prefix."""

_QUOTE_CLASSES = re.compile(r"\b(?:gmail_quote|protonmail_quote|wmi-quote|front-blockquote)\b")
_WHOLE_IDS = re.compile(
    r"(?:^|_)(?:OLK_SRC_BODY_SECTION|mail-editor-reference-message-container|isReplyContent|"
    r"ms-outlook-mobile-reference-message|reply-content|yahoo_quoted\w*)$"
)
_BOUNDARY_IDS = re.compile(r"(?:^|_)(?:divRplyFwdMsg|appendonsend|stopSpelling|zwchr|divRpF\d*)$")
"""Outlook on the web prefixes its own ids with 'x_' each time a mail is answered."""

_SIGNATURE_CLASSES = re.compile(
    r"\b(?:gmail_signature|moz-signature|protonmail_signature_block|AppleMailSignature|"
    r"yahoo_signature|tutanota_signature|bloop_sign)\b|(?:^|\s)(?:front-)?signature(?:\s|$)"
)
_SIGNATURE_IDS = re.compile(
    r"(?:^|_)(?:Signature|ms-outlook-mobile-signature|AppleMailSignature|mail-signature|"
    r"composer_signature|messageSignatureSection|Zm-_Id_-Sgn\d*)$"
)
_PREFIX_CLASSES = re.compile(r"\b(?:moz-cite-prefix|gmail_attr|yahoo_quoted_header|quote-header)\b")
_OUTLOOK_RULE = re.compile(r"border-top:\s*solid|border-top:\s*1(?:\.0)?p[tx]\s+solid")

_MARKING = frozenset({"class", "id", "name", "style", "type", "data-smartmail"})
_MAX_CONTAINERS = 200
"""Elements with such names that are looked at; no thread is longer."""

_FEWEST_NAMED = 3
"""Lines with a colon that make a header block in a language the tables lack."""

_MAX_INTRODUCTION = 400
_MAX_LOOK = 2000
"""Characters at the start of an element that are examined to classify it."""


def mark_containers(root: Element) -> None:
    """Puts the characters of `marks` where quotes, old mail and signatures begin."""
    looked_at = 0
    for element in list(root.iter("*")):
        if element.tag != "blockquote" and not _MARKING.intersection(element.attrib):
            continue
        if _is_known(element):
            looked_at += 1
            if looked_at > _MAX_CONTAINERS or _is_forward(element):
                return
            if not _inside_marked(element):
                _mark(element)


def _is_known(element: Element) -> bool:
    """Whether a mail program gave `element` one of its own names."""
    return (
        _is_signature(element)
        or _is_whole_quote(element)
        or _is_wrapper(element)
        or "moz-forward-container" in element.get("class", "")
        or _BOUNDARY_IDS.search(element.get("id", "")) is not None
        or _OUTLOOK_RULE.search(element.get("style", "")) is not None
    )


def _is_wrapper(element: Element) -> bool:
    named = element.get("name") == "quote"
    return named or _WRAPPER_CLASSES.search(element.get("class", "")) is not None


def _mark(element: Element) -> None:
    if _is_signature(element):
        _insert_line_before(element, marks.SIGNATURE)
    elif _is_boundary(element):
        _insert_line_before(element, marks.HISTORY)
    elif _is_whole_quote(element):
        _take_prefix(element)
        _wrap(element)
    elif _is_wrapper(element):
        _mark_wrapper(element)


def _is_whole_quote(element: Element) -> bool:
    if _WHOLE_IDS.search(element.get("id", "")):
        return True
    if element.tag != "blockquote":
        return False
    cited = element.get("type", "").lower() == "cite"
    known = cited or _QUOTE_CLASSES.search(element.get("class", "")) is not None
    return known or _begins_with_attribution(element)


def _begins_with_attribution(element: Element) -> bool:
    """Yahoo on phones and HEY put it within a block quote that has no name."""
    lines = _first_lines(element)
    return bool(lines) and find_attribution(lines, 0) > 0


def _is_boundary(element: Element) -> bool:
    if _BOUNDARY_IDS.search(element.get("id", "")):
        return True
    if not _OUTLOOK_RULE.search(element.get("style", "")):
        return False
    lines = _first_lines(element)
    named = [line for line in lines[:8] if ":" in line[:40]]
    return bool(lines) and (is_header_block(lines, 0) or len(named) >= _FEWEST_NAMED)


def _is_signature(element: Element) -> bool:
    return bool(
        _SIGNATURE_CLASSES.search(element.get("class", ""))
        or _SIGNATURE_IDS.search(element.get("id", "") or element.get("name", ""))
        or element.get("data-smartmail") == "gmail_signature"
    )


def _is_forward(element: Element) -> bool:
    """Whether a forwarded message begins here: it and all below stays as it is."""
    if "moz-forward-container" in element.get("class", ""):
        return True
    known = _is_whole_quote(element) or _is_wrapper(element)
    return known and any(map(is_forward_marker, _first_lines(element)[:1]))


def _mark_wrapper(wrapper: Element) -> None:
    """A wrapper is a quote if it contains a block quote or an attribution; answers may follow."""
    lines = _first_lines(wrapper)
    inner = wrapper.find(".//blockquote")
    if inner is None:
        if lines and (find_attribution(lines, 0) or is_header_block(lines, 0)):
            _wrap(wrapper)
        return
    if lines and find_attribution(lines, 0):
        _wrap(inner)
    elif _is_introduction(wrapper, inner):
        _wrap_through(wrapper, inner)


def _wrap_through(wrapper: Element, inner: Element) -> None:
    """Moves the content of `wrapper` up to the end of `inner`, if that is its child, to a quote."""
    child = inner
    for parent in inner.iterancestors():
        if parent is wrapper:
            break
        child = parent
    quote = etree.Element("blockquote")
    quote.text = marks.QUOTE + (wrapper.text or "")
    wrapper.text = None
    quote.tail, child.tail = child.tail, None
    quote.extend(list(wrapper)[: wrapper.index(child) + 1])
    wrapper.insert(0, quote)
    quote.set("class", marks.QUOTE)


def _wrap(element: Element) -> None:
    if element.tag != "blockquote":
        element.tag = "blockquote"
    element.text = marks.QUOTE + (element.text or "")
    element.set("class", marks.QUOTE)


def _take_prefix(quote: Element) -> None:
    """Thunderbird's and Gmail's attribution, whatever its language, goes into its quote."""
    before = quote.getprevious()
    while before is not None and before.tag == "br" and not (before.tail or "").strip():
        before = before.getprevious()
    if before is not None and before.tag == "pre" and _begins_with_attribution(before):
        before.tag = "div"  # NetEase prints its attribution as code
    if before is None or not _PREFIX_CLASSES.search(before.get("class", "")):
        return
    lines = _first_lines(before)
    if (before.tail or "").strip() or (lines and find_attribution(lines, 0)):
        return  # the text rules see it, and may keep the quote without it
    before.tail = quote.text
    quote.text = None
    quote.insert(0, before)


def _inside_marked(element: Element) -> bool:
    return any(parent.get("class") == marks.QUOTE for parent in element.iterancestors())


def _insert_line_before(element: Element, mark: str) -> None:
    line = etree.Element("p")
    line.text = mark
    element.addprevious(line)


def _first_lines(element: Element) -> list[str]:
    """The first lines of `element`, plain, without blank ones."""
    return [plain(line) for line in find_first_lines(element, _MAX_LOOK)]


def _is_introduction(wrapper: Element, inner: Element) -> bool:
    """Whether there is so little text in `wrapper` above `inner` that it can be an attribution."""
    size = 0
    for event, node in etree.iterwalk(wrapper, events=("start", "end")):
        if node is inner or size > _MAX_INTRODUCTION:
            break
        size += len(((node.text if event == "start" else node.tail) or "").strip())
    return size <= _MAX_INTRODUCTION
