"""A key of our own, and mail that is signed with it."""

import base64
from functools import cache

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

SELECTOR = "s1"


@cache
def _key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def private_key(bits: int = 2048) -> bytes:
    return _key(bits).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def record(bits: int = 2048, flags: str = "") -> str:
    public = _key(bits).public_key()
    encoded = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"v=DKIM1; k=rsa; {flags}p={base64.b64encode(encoded).decode()}"


def record_name(domain: str) -> str:
    return f"{SELECTOR}._domainkey.{domain}"


def sign(content: bytes, *, domain: str = "example.com", bits: int = 2048, **more) -> bytes:
    """The message with its signature on top."""
    given = {
        "include_headers": [b"from", b"to", b"subject", b"date"],
        "canonicalize": (b"relaxed", b"relaxed"),
    } | more
    header = dkim.sign(content, SELECTOR.encode(), domain.encode(), private_key(bits), **given)
    return header + content
