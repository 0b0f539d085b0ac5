"""A text/plain body made readable: line ends, soft breaks (RFC 3676), PGP armour (RFC 9580)."""

import re

_SURROGATES = re.compile(r"[\ud800-\udfff]")
_LINE_END = re.compile(r"(?<!\r)\r++\n")  # a run of CR is looked at once
_QUOTE_MARK = re.compile(r"[ \t]{0,3}>")
_ARMOUR_BEGIN = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE_BEGIN = "-----BEGIN PGP SIGNATURE-----"
_SIGNATURE_END = "-----END PGP SIGNATURE-----"
_SIGNATURE_DELIMITER = "-- "


def clean_text(text: str) -> str:
    """LF line ends; no NUL, which a database refuses, and no lone surrogate."""
    text = text.replace("\0", "").replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(map(_split_at_bare_cr, _LINE_END.sub("\n", text).split("\n")))
    return text if text.isascii() else _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)


def _split_at_bare_cr(line: str) -> str:
    """A CR alone ends a line too, though RFC 5322 (2.3) forbids it. Who quotes such a text takes it
    for one line and marks it once, so what follows the CR is quoted as well."""
    if "\r" not in line:
        return line
    return line.replace("\r", "\n> " if _QUOTE_MARK.match(line) else "\n")


def unfold_flowed(text: str, *, delete_space: bool) -> str:
    """Lines of format=flowed joined to paragraphs; quote marks are kept (RFC 3676, 4)."""
    pieces: list[str] = []  # joined once: adding to a growing string takes quadratic time
    open_depth: int | None = None
    for line in text.split("\n"):
        depth, content = _read_flowed_line(line)
        is_flowed = content.endswith(" ") and content != _SIGNATURE_DELIMITER
        if content == _SIGNATURE_DELIMITER or open_depth != depth:
            pieces.append(("\n" if pieces else "") + _quote_mark(depth))
        pieces.append(content[:-1] if is_flowed and delete_space else content)
        open_depth = depth if is_flowed else None
    return "".join(pieces)


def _read_flowed_line(line: str) -> tuple[int, str]:
    """Quote depth, and the content without marks and stuffed space."""
    content = line.lstrip(">")
    depth = len(line) - len(content)
    return depth, content.removeprefix(" ")


def _quote_mark(depth: int) -> str:
    return ">" * depth + " " if depth else ""


def remove_armour(text: str) -> str:
    """Inline PGP: the signed text without its armour; encrypted text stays as it is."""
    if _ARMOUR_BEGIN not in text:
        return text
    kept: list[str] = []
    state = "outside"
    for line in text.split("\n"):
        state = _next_state(state, line.rstrip())
        if state == "text":
            kept.append(line.removeprefix("- "))  # dash-escaped (RFC 9580, 7.2)
        elif state == "outside" and line.rstrip() != _SIGNATURE_END:
            kept.append(line)
        elif state == "begun":
            state = "text"
    return "\n".join(kept)


def _next_state(state: str, line: str) -> str:
    """`hashes` are the armour headers, `begun` the blank line that ends them."""
    if state == "outside" and line == _ARMOUR_BEGIN:
        return "hashes"
    if state == "hashes" and not line:
        return "begun"
    if state == "text" and line == _SIGNATURE_BEGIN:
        return "signature"
    if state == "signature" and line == _SIGNATURE_END:
        return "outside"
    return state
