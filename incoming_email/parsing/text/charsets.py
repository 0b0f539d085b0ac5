"""Bytes and a charset label, often a wrong one, to text. Never raises, never loses the message.

The standard codec look-up is not asked for labels from outside: it knows codecs that are no
charsets (`idna`, `unicode_escape`) and remembers every unknown name for good.
"""

import re
from encodings.aliases import aliases

import cchardet

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
DETECTED_BYTES = 65_536
"""How much of a text the detector sees."""

MIN_CONFIDENCE = 0.5
DAMAGE_RATIO = 5
"""Good foreign characters to each broken one, from which on a label is believed."""

FOREIGN_LETTERS = 4
"""Bytes that words of no Western script have together, on the average."""

_PROVE_NOTHING = {"ascii", "latin_1", "cp1252", "iso8859_15", "utf_8", "utf_7"}
_FOREIGN_RUN = re.compile(rb"[\x80-\xff]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_NO_CHARSETS = {
    "base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "uu_codec",
    "zlib_codec",
}  # fmt: skip
_MORE_CODECS = (
    "cp1006", "cp720", "cp737", "cp856", "cp874", "cp875", "koi8_r", "koi8_t", "koi8_u",
    "utf_8_sig",
)  # fmt: skip
_MISSPELT = {
    "uft8": "utf_8", "ut8": "utf_8", "utf": "utf_8", "unicode": "utf_8", "utf8mb4": "utf_8",
    "unicode11utf8": "utf_8", "unicode11utf7": "utf_7", "xunicode20utf8": "utf_8",
    "iso88598i": "iso8859_8", "iso88598e": "iso8859_8", "iso88596i": "iso8859_6",
    "iso88596e": "iso8859_6", "88591": "latin_1", "isolatin1": "latin_1", "ansi": "cp1252",
    "windows874": "cp874", "xsjis": "shift_jis", "windows31j": "cp932", "xwindows949": "cp949",
    "ksc56011987": "cp949", "ksc5601": "cp949", "xgbk": "gbk", "xeucjp": "euc_jp",
    "xmacroman": "mac_roman", "xmaccyrillic": "mac_cyrillic", "xcp1250": "cp1250",
    "xcp1251": "cp1251", "xcp1252": "cp1252", "cp20866": "koi8_r", "koi": "koi8_r",
    "cp50220": "iso2022_jp", "cp50221": "iso2022_jp", "iso2022jpms": "iso2022_jp",
    "ansix341968": "ascii", "ansix341986": "ascii", "usasciii": "ascii", "big5hk": "big5hkscs",
}  # fmt: skip
_READ_AS = {
    # What software means by these labels (WHATWG Encoding, section 4.2).
    "latin_1": "cp1252",
    "iso8859_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
}
_SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859_8": "cp1255",
    "iso2022_jp": "iso2022_jp_ext",
}
_UNDEFINED_IN_CP1252 = {0x81, 0x8D, 0x8F, 0x90, 0x9D}
_BOMS = ((b"\xef\xbb\xbf", "utf_8"), (b"\xff\xfe", "utf_16_le"), (b"\xfe\xff", "utf_16_be"))
_LAST_ROW_OF_LOW_LEADS = 0x5F
_CELL_AFTER_DEL = 0x60
"""Shift_JIS leaves out 0x7F as a trail byte."""

_ESCAPE = re.compile(rb"\x1b(?:\$[@B]|\([BJI])")


def _squash(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label.lower())


_CODECS = {
    **{_squash(name): name for name in (*aliases.values(), *_MORE_CODECS)},
    **{_squash(alias): name for alias, name in aliases.items()},
    **_MISSPELT,
}


def find_codec(label: str | None) -> str | None:
    """The Python codec for a label, however it is written; None if no charset is meant by it."""
    codec = _CODECS.get(_squash(label)) if label else None
    return None if codec in _NO_CHARSETS else codec


def decode(data: bytes, label: str | None) -> tuple[str, str | None]:
    """Text without lone surrogates, and what was wrong with the label (None if nothing)."""
    for mark, codec in _BOMS:
        if (
            data.startswith(mark)
            and (text := _decode_strictly(data[len(mark) :], codec)) is not None
        ):
            return text, None
    declared = find_codec(label)
    if declared is None:
        return _decode_unlabelled(data), f"unknown charset {_shown(label)}" if label else None
    text = _decode_strictly(data, _READ_AS.get(declared, declared))
    if text is not None:
        return text, None
    text = _decode_superset(data, declared)
    if text is not None:
        return text, None
    text = _decode_damaged(data, _SUPERSETS.get(declared, declared))
    if text is None:
        text = _decode_unlabelled(data)
    return text, f"bytes that are not in charset {_shown(label)}"


def decode_raw(data: bytes, label: str | None = None) -> str:
    """8-bit header bytes, which carry no label: UTF-8, else the charset of the body, `label`.

    A Western label proves nothing, since every byte is valid in it. Without a better one the
    detector is used where foreign letters are adjacent, as in words of no Western script; a letter
    with an accent is single.
    """
    text = _decode_strictly(data, "utf_8")
    if text is not None:
        return text
    declared = find_codec(label)
    if declared is not None and declared not in _PROVE_NOTHING:
        text = _decode_strictly(data, _SUPERSETS.get(declared, declared))
    elif _has_foreign_words(data):
        codec = _detect(data)
        if codec is not None and codec not in _PROVE_NOTHING:
            text = _decode_strictly(data, _SUPERSETS.get(codec, codec))
    return text if text is not None else _decode_cp1252(data)


def _has_foreign_words(data: bytes) -> bool:
    runs = _FOREIGN_RUN.findall(data)
    return sum(map(len, runs)) >= FOREIGN_LETTERS * len(runs)


def _decode_strictly(data: bytes, codec: str) -> str | None:
    if codec in {"cp1252", "latin_1"}:
        return None if _UNDEFINED_IN_CP1252.intersection(data) else data.decode("cp1252")
    try:
        text = data.decode(codec)
        text.encode("utf_8")  # utf_7 and others let lone surrogates through
    except (UnicodeError, LookupError):
        return None
    return text


def _decode_superset(data: bytes, declared: str) -> str | None:
    if declared in {"ascii", "latin_1", "iso8859_1", "cp1252"}:
        text = _decode_strictly(data, "utf_8")
        return text if text is not None else _decode_cp1252(data)
    if declared.startswith("iso2022_jp"):
        return _decode_cp50220(data)
    superset = _SUPERSETS.get(declared)
    return _decode_strictly(data, superset) if superset else None


def _decode_damaged(data: bytes, codec: str) -> str | None:
    """Text in the declared charset with a few broken bytes; None if there are many.

    Surrogates written as UTF-8 (CESU-8, from Java and MySQL) are put together again.
    """
    if codec == "utf_8" and (text := _decode_cesu(data)) is not None:
        return text
    text = _SURROGATE.sub(REPLACEMENT, data.decode(codec, "replace"))
    foreign = sum(map(len, _NON_ASCII.findall(text)))
    return text if text.count(REPLACEMENT) * DAMAGE_RATIO <= foreign else None


def _decode_cesu(data: bytes) -> str | None:
    try:
        units = data.decode("utf_8", "surrogatepass").encode("utf_16_le", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return units.decode("utf_16_le", "replace")


def _decode_unlabelled(data: bytes) -> str:
    if b"\x1b$" in data and (text := _decode_cp50220(data)) is not None:
        return text
    text = _decode_strictly(data, "utf_8")
    if text is not None:
        return text
    text = _decode_damaged(data, "utf_8")
    if text is not None:
        return text
    codec = _detect(data)
    if codec is not None:
        codec = _SUPERSETS.get(codec, _READ_AS.get(codec, codec))
        text = _decode_strictly(data, codec)
    return text if text is not None else _decode_cp1252(data)


def _detect(data: bytes) -> str | None:
    """DOS code pages are never meant: they are what is guessed for a few accents."""
    found = cchardet.detect(data[:DETECTED_BYTES])
    name, confidence = found["encoding"], found["confidence"] or 0.0
    if not name or confidence < MIN_CONFIDENCE or name.startswith("IBM"):
        return None
    return find_codec(name)


def _decode_cp1252(data: bytes) -> str:
    """The five bytes that mean nothing in it become U+FFFD."""
    return data.decode("cp1252", errors="replace")


def _decode_cp50220(data: bytes) -> str | None:
    """ISO-2022-JP as Microsoft writes it: with the NEC and IBM rows that JIS does not have.

    Python's codecs refuse those rows. A two-byte character is moved to Shift_JIS by arithmetic
    (JIS X 0208:1997, appendix 1) and read as cp932, which has them.
    """
    out = bytearray()
    start, mode = 0, b"\x1b(B"
    for escape in _ESCAPE.finditer(data):
        out += _to_shift_jis(data[start : escape.start()], mode)
        start, mode = escape.end(), escape.group()
    out += _to_shift_jis(data[start:], mode)
    return None if b"\x1b" in out else _decode_strictly(bytes(out), "cp932")


def _to_shift_jis(segment: bytes, mode: bytes) -> bytes:
    if mode == b"\x1b(I":  # half-width katakana
        return bytes(byte | 0x80 for byte in segment)
    if not mode.startswith(b"\x1b$"):
        return segment
    out = bytearray()
    pairs = segment if len(segment) % 2 == 0 else segment[:-1]
    for row, cell in zip(pairs[::2], pairs[1::2], strict=True):
        lead = (row + 1) // 2 + (0x70 if row < _LAST_ROW_OF_LOW_LEADS else 0xB0)
        trail = cell + (0x1F + (cell >= _CELL_AFTER_DEL) if row % 2 else 0x7E)
        out += bytes((lead % 256, trail % 256))
    return bytes(out)


def _shown(label: str | None) -> str:
    return re.sub(r"[^!-~]", "?", label or "")[:40]
