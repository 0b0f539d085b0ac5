"""What an authenticator app shows."""

import base64
import hashlib
import hmac
import time


def make_code(secret, at=None):
    """RFC 6238 with the usual 6 digits and 30 seconds."""
    counter = int((at or time.time()) // 30).to_bytes(8, "big")
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 10**6:06}"
