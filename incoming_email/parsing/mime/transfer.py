"""Undo the Content-Transfer-Encoding of one part, exactly once (RFC 2045, section 6)."""

import binascii
import re
from io import BytesIO

from incoming_email.parsing.mime.encoded_words import decode_base64, find_base64

_MECHANISM = re.compile(r"\s*\"?([A-Za-z0-9_-]+)")
_SOFT_BREAK_PADDING = re.compile(rb"=[ \t]+(?=\r?\n)")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.MULTILINE)
_PADDING_END = re.compile(rb"==?[^A-Za-z0-9+/=]*\r?\n")
PIECE = 1 << 20
_AS_IS = {"", "7bit", "8bit", "binary", "7-bit", "8-bit"}


def decode_transfer(body: memoryview, encoding: str) -> tuple[bytes, str | None]:
    """Decoded bytes, and a defect if the encoding is unknown (the bytes then stay as they are)."""
    match = _MECHANISM.match(encoding)
    mechanism = match[1].lower() if match else ""
    if mechanism == "base64":
        return _decode_base64_body(body), None
    return _decode_other(bytes(body), mechanism)


def _decode_other(body: bytes, mechanism: str) -> tuple[bytes, str | None]:
    if mechanism in _AS_IS:
        return body, None
    if mechanism == "quoted-printable":
        return binascii.a2b_qp(_SOFT_BREAK_PADDING.sub(b"=", body)), None
    if mechanism in {"x-uuencode", "x-uue", "uuencode"}:
        return _decode_uu(body), None
    return body, f"unknown transfer encoding {mechanism[:40]}"


def _decode_base64_body(body: memoryview) -> bytes:
    """Up to the padding: what follows it was appended by a gateway that cannot count. Piece by
    piece, since files are the largest that a message has."""
    end = _PADDING_END.search(body)
    body = body[: end.end()] if end else body
    decoded, left = BytesIO(), b""
    for start in range(0, len(body), PIECE):
        letters = left + find_base64(bytes(body[start : start + PIECE]))
        whole = len(letters) - len(letters) % 4
        decoded.write(decode_base64(letters[:whole]))
        left = letters[whole:]
    decoded.write(decode_base64(left))
    return decoded.getvalue()


def _decode_uu(body: bytes) -> bytes:
    begin = _UU_BEGIN.search(body)
    if begin is None:
        return body
    out = bytearray()
    for line in body[begin.end() :].split(b"\n"):
        if line.strip() == b"end":
            break
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:  # trailing garbage: the count in the first byte decides
            size = ((line[0] - 32 & 63) * 4 + 5) // 3 if line else 0
            out += _decode_uu_line(line[:size])
    return bytes(out)


def _decode_uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        return b""
