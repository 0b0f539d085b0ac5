"""Knows the lines below a reply that no person typed for it: signature marks and footers."""

import re

from incoming_email.parsing.replies.vocabulary import MOBILE, MOBILE_END
from incoming_email.parsing.text import marks

_LONGEST_MARK = 12
_MOST_WORDS = 9
_FEW_WORDS = 4
MAX_LINK = 200
MAX_MOBILE = 120
"""Characters of the longest phone footer; a longer line is prose that begins like one."""

_DEVICE = re.compile(
    r"iphon|ipad|ipod|phone\b|mobil|handy|android|galaxy|samsung|huawei|xiaomi|blackberry|nokia|"
    r"outlook|windows|mail\b|tablet|device|mac\b|macbook|smartphone|airmail|tel[eé]fono|t[eé]l[eé]phone|"
    r"яндекс|телефон|айфон|гаджет|手机|手機|邮|郵|電子信箱|휴대|스마트폰|갤럭시|메일|メール|デバイス|आईफ़ोन|"
    r"mailbox|mailspring|mailbird|superhuman|typeapp|bluemail|tuta(?:nota)?\b|canary|aol\b|"
    r"(?:from|with|via) (?:spark|nine|hey|front|missive|shortwave|newton)$"
)
_TRAILING_LINK = re.compile(r"<?(?:https?://|mailto:)\S*|[<>()\[\]]")
_APOLOGY = re.compile(r"excuse|typo|brev|short|sorry|pardon|auto|entschuldig|tippfehler")
_MOBILES = ("mobile", "iphone", "phone", "android")
_FROM_MOBILE = re.compile(r"(?:\S+ ){1,3}from (?:my )?(?:mobile|iphone|phone|android)$")
_MY_THING = re.compile(
    r"sent from my [\w-]+(?: (?!(?:to|the|is|and|was|by|for|in|on)\b)[\w-]+){0,4}$"
)
_GET_OUTLOOK = re.compile(r"(?:\S+ ){0,2}outlook")
_SYSTEM = re.compile(
    r"ios|android|windows|mac|mobil|phone|desktop|^sent|^gesendet|^envoy|^inviat|^enviad"
)
_SENTENCE_END = re.compile(r"[.,;!](?:\s|$)")

_SIGNATURE_MARK = re.compile(rf"\s?(?:--|—|–|__|{marks.SIGNATURE})[ \t\xa0]*$")
_RULE = re.compile(r"[\s\-_=*#~+,ᐧ—–]+$")
_UNDERSCORES = re.compile(r"\s*_{5,}\s*$")
_REPLY_ABOVE = re.compile(
    r"(?:reply|respond|(?:type|write) your (?:reply|response)) (?:above|over) (?:this|the) line|"
    r"antworte[nt]? (?:bitte )?(?:oberhalb|über) dieser (?:zeile|linie)|"
    r"répond(?:ez|re) au-dessus de cette ligne|responda? (?:por )?(?:encima|arriba) de esta línea|"
    r"이 (?:줄|선) 위에 (?:답장|회신|답변)"
)
_MARKED = re.compile(r"[-=#*_~>]{2}|^[-–—]")
_DISCLAIMER = re.compile(
    r"(?:(?:the|this|all) (?:information|contents?|e-?mail|message|communication|transmission)"
    r"[^.]{0,120}\b(?:confidential|privileged|intended (?:only|solely))|"
    r"confidentiality (?:notice|note)|disclaimer:|"
    r"diese (?:e-?mail|nachricht)[^.]{0,80}vertraulich|"
    r"ce (?:message|courriel|mail)[^.]{0,120}confidentiel|"
    r"este (?:mensaje|correo)[^.]{0,120}confidencial|esta mensagem[^.]{0,120}confidencia|"
    r"questo messaggio[^.]{0,120}(?:riservat|confidenzial)|"
    r"(?:이|본) (?:메일|이메일|전자우편)[^.]{0,80}(?:기밀|비밀)|"
    r"(?:please )?consider the environment before printing|"
    r"virus-?free\.(?: www|$)|virenfrei\.|sans virus\.|libre de virus\.|sem vírus\.|"
    r"privo di virus\.|"
    r"<?https?://www\.(?:avast|avg)\.com/|"
    r"this e-?mail has been (?:checked|scanned) (?:for viruses|by)|"
    r"diese e-?mail wurde von .{1,40} auf viren (?:geprüft|überprüft)|"
    r"l'absence de virus|cet e-?mail a été vérifié|"
    r"este correo .{0,40}ha sido (?:comprobad|analizad)|"
    r"este e-?mail foi (?:escaneado|verificado)|questa e-?mail è stata controllata)"
)
_CONTACT = re.compile(
    r"@|https?://|www\.|\+?\d[\d ()./-]{6,}\d|\b(?:tel|phone|fax|mobil|cell)\b[.:]?"
)


def is_signature_mark(line: str) -> bool:
    r"""The line '-- ' of RFC 3676 section 4.3, also without its blank or as HTML has it: '\--'."""
    return len(line) < _LONGEST_MARK and _SIGNATURE_MARK.match(line.replace("\\", "")) is not None


def is_rule(line: str) -> bool:
    """A line of dashes, underscores, stars or the like: a delimiter or a Markdown rule."""
    return bool(line.strip()) and _RULE.match(line.replace("\\", "")) is not None


def is_underscore_rule(line: str) -> bool:
    """The rule that mailing lists and Outlook put above what they add."""
    return _UNDERSCORES.match(line.replace("\\", "")) is not None


def is_mobile_footer(plain_line: str) -> bool:
    """'Sent from my iPhone' and its like; not a sentence that merely begins so."""
    if len(plain_line) > MAX_MOBILE + MAX_LINK:
        return False
    text = plain_line.lower().strip(" <>()[]«»'\"-–—")
    if "/" in text or ">" in text or "]" in text or ")" in text:
        text = _TRAILING_LINK.sub("", text).strip()
    if len(text) > MAX_MOBILE:
        return False
    if MOBILE.match(text):
        return _is_short_footer(text)
    if text.endswith(_MOBILES) and _FROM_MOBILE.match(text):
        return True
    return MOBILE_END.search(text, max(len(text) - 40, 0)) is not None and bool(
        _DEVICE.search(text)
    )


def _is_short_footer(text: str) -> bool:
    """'Sent from my desk, is much easier' is prose, 'Sent from my cell, excuse typos' is not."""
    head, *tail = _SENTENCE_END.split(text, maxsplit=1)
    words = len(head.split())
    if words > _MOST_WORDS or not (_DEVICE.search(head) or _MY_THING.match(head)):
        return False
    if _GET_OUTLOOK.match(head) and not _SYSTEM.search(head):
        return False
    rest = tail[0].strip() if tail else ""
    return len(rest.split()) < _FEW_WORDS or _APOLOGY.search(rest) is not None


def is_reply_above(plain_line: str) -> bool:
    """The line of a ticket system that asks to answer above it."""
    marked = _MARKED.search(plain_line) is not None
    return marked and _REPLY_ABOVE.search(plain_line.lower()) is not None


def is_disclaimer(plain_line: str) -> bool:
    """The first line of a legal notice, or the advertisement of a virus scanner."""
    return _DISCLAIMER.match(plain_line.lower().lstrip("*_# ")) is not None


def has_contact(line: str) -> bool:
    """Whether the line contains an address, a link or a telephone number."""
    return _CONTACT.search(line[:300].lower()) is not None
