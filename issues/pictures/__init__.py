"""Removes metadata such as place, camera and owner from pictures; the pixels stay as they are.

Cuts segments instead of decoding: nothing is recompressed, and no pixel is ever unpacked, so there
is no decompression bomb. The time is linear in the length.
"""

from issues.pictures.heif import clean_heif, is_heif
from issues.pictures.jpeg import clean_jpeg
from issues.pictures.png import SIGNATURE as PNG
from issues.pictures.png import clean_png
from issues.pictures.webp import clean_webp


def remove_metadata(content: bytes) -> bytes | None:
    """`content` without metadata; None where it begins as a picture, but can't be read as one.

    The first bytes decide the format: names and types of mail are often wrong. Handles JPEG, PNG,
    WebP and HEIF; all other content is returned as it is. The orientation is kept.
    """
    if content.startswith(b"\xff\xd8\xff"):
        return clean_jpeg(content)
    if content.startswith(PNG):
        return clean_png(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return clean_webp(content)
    return clean_heif(content) if is_heif(content) else content
