"""The keys that act for whoever has them, among what was found in a text."""

from collections.abc import Collection

from incoming_email.models import ReplyKey, SenderToken
from incoming_email.secrets import credentials


def find_keys(runs: Collection[str]) -> Collection[str]:
    """Reply keys, also revoked ones, and the tokens of private addresses; two queries."""
    digests = {digest: run for run in runs for digest in credentials.digests(run)}
    tokens = SenderToken.objects.filter(digest__in=digests).values_list("digest", flat=True)
    replies = ReplyKey.objects.filter(key__in=runs).values_list("key", flat=True)
    return {*replies, *(digests[digest] for digest in tokens)}
