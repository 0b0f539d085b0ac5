"""Who asks, where reverse proxies stand before the pages: only what those say that are trusted."""

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from incoming_email.networks import IPAddress, find_client_network, is_within, read_address

logger = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.0/8", "::1/128")
"""Trusted where TRUSTED_PROXIES is empty: a proxy on the same machine."""

FORWARDED_FOR = "HTTP_X_FORWARDED_FOR"
FORWARDED_PROTO = "HTTP_X_FORWARDED_PROTO"


class TrustedProxyMiddleware:
    """Makes REMOTE_ADDR the client's address, for all that comes behind it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        read_forwarded(request.META, settings.TRUSTED_PROXIES)
        return self.get_response(request)


def read_forwarded(meta: dict[str, Any], proxies: Sequence[str]) -> None:
    """Put the client's address in place of the proxy's, and drop what nobody may say.

    Each proxy adds at the right end whom it got the request from, so the client is the right-most
    address that is none of a trusted proxy; what stands left of it is the client's own invention.
    """
    peer = str(meta.get("REMOTE_ADDR", ""))
    chain = str(meta.pop(FORWARDED_FOR, "")).split(",")
    if not _is_trusted(_read(peer), proxies or LOOPBACK, unix=not peer):
        # Where nothing is set, a proxy elsewhere goes on to say how its client came: all that
        # somebody else gains by saying it is not to be led to https.
        if proxies and meta.pop(FORWARDED_PROTO, None) is not None:
            _warn(peer)
        return
    for said in reversed(chain):
        address = _read(said)
        if address is None:
            return
        meta["REMOTE_ADDR"] = str(address)
        if not _is_trusted(address, proxies or LOOPBACK):
            return


def _is_trusted(address: IPAddress | None, proxies: Sequence[str], *, unix: bool = False) -> bool:
    """A peer without an address came by a Unix socket, which only this machine can reach."""
    return unix if address is None else is_within(address, proxies)


def _read(said: str) -> IPAddress | None:
    """Some proxies write a port behind it. None where it is no address."""
    text = said.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return read_address(text)
    except ValueError:
        return None


@lru_cache(maxsize=20)
def _warn(peer: str) -> None:
    """Once a process and peer: with BASE_URL by https its requests are led to https for ever."""
    logger.warning("X-Forwarded-Proto ignored, TRUSTED_PROXIES does not name it peer=%s", peer)


def find_client(request: HttpRequest) -> str | None:
    """What attempts to log in are counted by; None for one of this machine by a Unix socket."""
    address = _read(str(request.META.get("REMOTE_ADDR", "")))
    return None if address is None else find_client_network(address)
