"""Parses in a process that can be killed; what can't be parsed in time and memory gets a defect.

The module that the other packages use. `parse_all` sends a batch ahead and reads the answers, so
that the child parses the next message while this process handles the last one.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from incoming_email.parsing.child import Asked, Request
from incoming_email.parsing.limits import Limits
from incoming_email.parsing.looks import Look
from incoming_email.parsing.message import parse as parse_here
from incoming_email.parsing.types import ParsedEmail
from incoming_email.pipeline.isolation.process import (
    Died,
    NoParserError,
    OutOfCpu,
    OutOfMemory,
    OutOfTime,
    ParserPool,
)

logger = logging.getLogger(__name__)

UNREAD = "the message was not read"
"""The defect of a message that the parser was ended at; the defect after it is the reason."""

PIPELINED_BYTES = 8_000_000
"""Of messages that wait in a child's queue; one more is always let in."""

HTML = re.compile(rb"text/html", re.IGNORECASE)
LOOK_SECONDS = 10
MAX_LOOK_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class RawText:
    """What is to be read: a message, and the envelope's recipient where it is known."""

    content: bytes
    recipient: str = ""
    is_header_only: bool = False
    is_html_text: bool = False
    """Of HTML the text alone is to be read."""


_pool = ParserPool()


def parse(content: bytes, *, recipient: str = "") -> ParsedEmail:
    """Always comes back; raises NoParserError where no child can be started."""
    (email,) = parse_all([RawText(content, recipient)])
    return email


def parse_for_page(content: bytes, *, recipient: str = "") -> ParsedEmail | None:
    """As `parse`, for a page; None where no child can be started."""
    try:
        return parse(content, recipient=recipient)
    except NoParserError:
        logger.exception("message not shown bytes=%s", len(content))
        return None


def parse_all(texts: Sequence[RawText], *, pool: ParserPool | None = None) -> Iterator[ParsedEmail]:
    """One for each, in order, each as soon as it is read. Raises NoParserError."""
    pool = pool or _pool
    done = 0
    has_died = False
    while done < len(texts):
        waiting, ahead = list(reversed(texts[done:])), list[int]()
        try:
            with pool.borrow(messages_per_child=settings.PARSE_MESSAGES_PER_CHILD) as child:
                while waiting or ahead:
                    while waiting and (not ahead or sum(ahead) < PIPELINED_BYTES):
                        text = waiting.pop()
                        ahead.append(len(text.content))
                        child.send(_make_request(text))
                    yield child.read_answer(
                        ParsedEmail,
                        seconds=settings.PARSE_TIMEOUT_SECONDS,
                        most=settings.PARSE_MEMORY_BYTES,
                    )
                    del ahead[0]
                    done, has_died = done + 1, False
        except Died as fault:
            # Perhaps killed for what another process did: once more, with a fresh child.
            logger.warning("parser died bytes=%s cause=%s", len(texts[done].content), fault)
            if has_died:
                yield _describe_unread(texts[done], "the parser broke down at it twice", pool)
                done += 1
            has_died = not has_died
        except (OutOfTime, OutOfCpu, OutOfMemory) as limit:
            logger.warning("parser killed bytes=%s cause=%s", len(texts[done].content), limit)
            yield _read_less(texts[done], _name_limit(limit), pool)
            done, has_died = done + 1, False


class NoLookError(Exception):
    """The message cannot be shown in the time and memory that a page has for it."""


def find_look(content: bytes, *, pool: ParserPool | None = None) -> Look:
    """For a page that a person waits for. Raises NoLookError."""
    try:
        with (pool or _pool).borrow(messages_per_child=settings.PARSE_MESSAGES_PER_CHILD) as child:
            child.send(_make_request(RawText(content), asked=Asked.LOOK))
            return child.read_answer(Look, seconds=LOOK_SECONDS, most=MAX_LOOK_BYTES)
    except (Died, OutOfTime, OutOfCpu, OutOfMemory, NoParserError) as fault:
        logger.warning("message not shown bytes=%s cause=%s", len(content), fault)
        raise NoLookError from fault


def end_parsers() -> None:
    """End the free ones of this process, which is about to end without Python's own farewell."""
    _pool.close()


def _make_request(text: RawText, *, asked: Asked | None = None) -> Request:
    """With how much of a message is read, from the settings."""
    whole = Asked.HEADER if text.is_header_only else Asked.MESSAGE
    return Request(
        content=text.content,
        recipient=text.recipient,
        asked=asked or whole,
        limits=Limits(
            parts=settings.PARSE_MAX_PARTS,
            depth=settings.PARSE_MAX_LEVELS,
            header_fields=settings.PARSE_MAX_HEADER_FIELDS,
            header_bytes=settings.PARSE_MAX_HEADER_BYTES,
            parameters=settings.PARSE_MAX_PARAMETERS,
            addresses=settings.PARSE_MAX_ADDRESSES,
            decoded_bytes=settings.PARSE_MAX_DECODED_BYTES,
            html_bytes=settings.PARSE_MAX_HTML_BYTES,
            html_as_text=text.is_html_text,
        ),
        cpu_seconds=settings.PARSE_CPU_SECONDS,
        memory_bytes=settings.PARSE_MEMORY_BYTES,
    )


def _name_limit(limit: Exception) -> str:
    if isinstance(limit, OutOfMemory):
        return f"it takes more than {settings.PARSE_MEMORY_BYTES} bytes of memory"
    if isinstance(limit, OutOfCpu):
        return f"it takes more than {settings.PARSE_CPU_SECONDS} s of processor time"
    return f"it takes more than {settings.PARSE_TIMEOUT_SECONDS} s"


def _read_less(text: RawText, why: str, pool: ParserPool) -> ParsedEmail:
    """Without the form of its HTML, which is what mostly is slow; else by its header."""
    if text.is_header_only or text.is_html_text or not HTML.search(text.content):
        return _describe_unread(text, why, pool)
    (email,) = parse_all([replace(text, is_html_text=True)], pool=pool)
    return email


def _describe_unread(text: RawText, why: str, pool: ParserPool) -> ParsedEmail:
    """By its header, which is read as carefully; empty where even that does not go."""
    if text.is_header_only:
        email = parse_here(b"", recipient=text.recipient)
    else:
        (email,) = parse_all([replace(text, is_header_only=True, is_html_text=False)], pool=pool)
    return replace(email, defects=(UNREAD, why))
