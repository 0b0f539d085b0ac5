"""ARC sets as a forwarder writes them (RFC 8617), without the library that we check them by."""

import base64
import hashlib
import re

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from tests.incoming_email.sender_auth.signing import SELECTOR, private_key

SIGNED = ("from", "to", "subject", "date")
ARC = ("arc-authentication-results", "arc-message-signature", "arc-seal")


def seal(
    content: bytes,
    *,
    domain: str,
    results: str,
    cv: str = "",
    instance: int = 0,
    signed: tuple[str, ...] = SIGNED,
    more: str = "",
) -> bytes:
    """The message with one more set on top. `more`: further tags of the message signature."""
    head, _, body = content.partition(b"\r\n\r\n")
    fields = [tuple(line.split(":", 1)) for line in _unfold(head)]
    at = instance or 1 + sum(name.lower() == "arc-seal" for name, _value in fields)
    tags = f"i={at}; a=rsa-sha256; d={domain}; s={SELECTOR}"
    results_field = ("ARC-Authentication-Results", f" i={at}; {results}")
    digest = base64.b64encode(hashlib.sha256(_relax_body(body)).digest()).decode()
    begun = f" {tags}; c=relaxed/relaxed; {more}h={' : '.join(signed)}; bh={digest}; b="
    chosen = [_choose(fields, name) for name in signed]
    signature = ("ARC-Message-Signature", begun + _sign([*filter(None, chosen)], begun, 1))
    begun = f" {tags}; cv={cv or ('none' if at == 1 else 'pass')}; b="
    earlier = sorted(
        (field for field in fields if field[0].lower() in ARC),
        key=lambda field: (int(re.search(r"i=(\d+)", field[1])[1]), ARC.index(field[0].lower())),
    )
    sealed = ("ARC-Seal", begun + _sign([*earlier, results_field, signature], begun, 2))
    added = [f"{name}:{value}" for name, value in (sealed, signature, results_field)]
    return "\r\n".join(added).encode() + b"\r\n" + content


def _sign(fields, begun, last):
    text = "".join(_relax(*field) + "\r\n" for field in fields) + _relax(ARC[last], begun)
    key = serialization.load_pem_private_key(private_key(), None)
    return base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def _relax(name, value):
    value = re.sub(r"[ \t]+", " ", value).strip()
    return f"{name.lower()}:{value}"


def _relax_body(body):
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    text = b"\r\n".join(lines).rstrip(b"\r\n")
    return text + b"\r\n" if text else b""


def _choose(fields, name):
    """From the bottom, as RFC 6376 section 5.4.2 has it."""
    return next((field for field in reversed(fields) if field[0].lower() == name), None)


def _unfold(head):
    return re.sub(r"\r\n(?=[ \t])", "", head.decode()).split("\r\n")
