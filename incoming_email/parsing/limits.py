"""How much of a message is read: past a limit it is still returned, with a defect naming it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    parts: int = 500
    depth: int = 50
    """Levels of multipart inside multipart."""

    header_fields: int = 1000
    header_bytes: int = 262_144
    """Bytes of one header block, line ends included."""

    parameters: int = 1000
    """Parameters of one Content-Type or Content-Disposition field."""

    addresses: int = 1000
    """Addresses read from all fields of one name."""

    decoded_bytes: int = 100_000_000
    """Bytes of all parts together after transfer decoding."""

    html_bytes: int = 2_000_000
    """Bytes of HTML body that are converted; the whole of it is then kept as an attachment."""

    html_as_text: bool = False
    """Of HTML, only the text without its form is read, for a message that took too long before; the
    whole of it is then kept as an attachment."""
