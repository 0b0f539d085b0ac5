"""The content of an opaque S/MIME signature: the mail inside `smime.p7m` (RFC 8551, 3.5.2).

Only unwrapped, not verified: who signed it is not asked here. The structure (RFC 5652, 5.1) is
ContentInfo { OID, [0] SignedData { version, digests, { OID, [0] OCTET STRING } … } } in BER.
"""

from dataclasses import dataclass

SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_SEQUENCE, _OID, _EXPLICIT = 0x30, 0x06, 0xA0
_OCTETS, _OCTETS_IN_PIECES = 0x04, 0x24
_END_OF_CONTENTS = b"\0\0"
_LONG_FORM = 0x80
_MAX_LENGTH_BYTES = 8


class _NotSignedData(Exception):
    """The bytes are no SignedData, or one of a form that no mail program writes."""


@dataclass(slots=True)
class _Reader:
    data: bytes
    at: int = 0

    def read_header(self) -> tuple[int, int | None]:
        """Tag and length; the length is None where an end mark ends the value."""
        header = self.data[self.at : self.at + 2]
        if len(header) < len(_END_OF_CONTENTS):
            raise _NotSignedData
        self.at += 2
        tag, length = header
        if length < _LONG_FORM:
            return tag, length
        size = length - _LONG_FORM
        if size == 0:
            return tag, None
        if size > _MAX_LENGTH_BYTES:
            raise _NotSignedData
        self.at += size
        return tag, int.from_bytes(self.data[self.at - size : self.at], "big")

    def enter(self, tag: int) -> None:
        if self.read_header()[0] != tag:
            raise _NotSignedData

    def take(self, tag: int | None = None) -> bytes:
        """The value of the next element, which must be of that tag and of known length."""
        found, length = self.read_header()
        if length is None or (tag is not None and found != tag):
            raise _NotSignedData
        self.at += length
        return self.data[self.at - length : self.at]

    def take_octets(self) -> bytes:
        """An OCTET STRING in one piece or, as streaming programs write it, in many."""
        tag, length = self.read_header()
        if tag == _OCTETS and length is not None:
            return self.data[self.at : self.at + length]
        if tag != _OCTETS_IN_PIECES:
            raise _NotSignedData
        end = len(self.data) if length is None else self.at + length
        pieces: list[bytes] = []
        while self.at < end and self.data[self.at : self.at + 2] != _END_OF_CONTENTS:
            pieces.append(self.take(_OCTETS))
        return b"".join(pieces)


def find_signed_content(data: bytes) -> bytes | None:
    """The MIME entity that was signed; None if the bytes hold no such thing."""
    reader = _Reader(data)
    try:
        reader.enter(_SEQUENCE)
        if reader.take(_OID) != SIGNED_DATA:
            return None
        reader.enter(_EXPLICIT)
        reader.enter(_SEQUENCE)
        reader.take()  # version
        reader.take()  # digest algorithms
        reader.enter(_SEQUENCE)
        reader.take(_OID)
        reader.enter(_EXPLICIT)
        return reader.take_octets()
    except _NotSignedData:
        return None
