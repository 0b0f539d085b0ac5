"""The secret in a probe, by which it is recognised when it comes back."""

import re
from collections.abc import Mapping

from django.utils.crypto import constant_time_compare, salted_hmac

from incoming_email.parsing.types import ParsedEmail

KEY = re.compile(r"probe-(?P<number>[1-9][0-9]{0,8})-(?P<token>[0-9a-z]{25})")
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
TOKEN_LENGTH = 25


def make_key(number: int) -> str:
    """For an address and for a Message-ID. Only the owner of SECRET_KEY can make one."""
    return f"probe-{number}-{_make_token(number)}"


def read_key(key: str) -> int | None:
    """The number of the probe; None for keys that we did not make."""
    match = KEY.fullmatch(key)
    if match is None or not constant_time_compare(match["token"], _make_token(match["number"])):
        return None
    return int(match["number"])


def find_number(email: ParsedEmail, keys: Mapping[str, str]) -> int | None:
    """Of the probe that this message is, by the keys of its addresses; None for all other mail.

    A gateway may give a mail another Message-ID, and a mailbox may have no key in its address:
    one of the two is enough.
    """
    for candidate in email.candidates:
        number = read_key(keys.get(candidate.address, ""))
        if number is not None:
            return number
    return read_key(email.message_id.partition("@")[0])


def _make_token(number: int | str) -> str:
    """128 bits and a little more, as reply keys have them."""
    digest = salted_hmac("incoming_email.probe", str(number), algorithm="sha256").digest()
    value = int.from_bytes(digest)
    letters = []
    for _place in range(TOKEN_LENGTH):
        value, at = divmod(value, len(ALPHABET))
        letters.append(ALPHABET[at])
    return "".join(letters)
