"""Bytes in, ParsedEmail out. Never raises: whatever the network sends, something comes back.

Own reading of structure and headers: `email.policy.default` raises on input as small as `To: <`,
and the standard parser cannot be stopped at a limit.
"""

import re
from dataclasses import dataclass, replace

from incoming_email.parsing.formats.calendars import summarise_calendar
from incoming_email.parsing.html.markdown import split_html_reply, to_markdown, to_plain_text
from incoming_email.parsing.limits import Limits
from incoming_email.parsing.mime.author import Author, find_author, find_behind, find_reply_to
from incoming_email.parsing.mime.automatic import (
    find_kind,
    find_why_unanswered,
    has_null_return_path,
    is_bulk,
)
from incoming_email.parsing.mime.bodies import Form, Fragment, Reading, read_bodies
from incoming_email.parsing.mime.candidates import find_candidates
from incoming_email.parsing.mime.contents import Contents, decode_contents
from incoming_email.parsing.mime.dates import find_zone, parse_date
from incoming_email.parsing.mime.filenames import safe_filename
from incoming_email.parsing.mime.headers import Headers, split_message_headers
from incoming_email.parsing.mime.message_ids import find_ids, find_message_id
from incoming_email.parsing.mime.own_parts import count_own
from incoming_email.parsing.mime.patch_texts import find_patch_author, find_patch_texts
from incoming_email.parsing.mime.stamps import find_stamps
from incoming_email.parsing.mime.structure import Part, parse_structure
from incoming_email.parsing.replies.forwards import (
    find_forward,
    is_forward,
    is_forward_subject,
    read_attached_forward,
)
from incoming_email.parsing.replies.own_words import find_others
from incoming_email.parsing.replies.splitting import Split, split_reply
from incoming_email.parsing.text import charsets
from incoming_email.parsing.text.plain_text import clean_text
from incoming_email.parsing.types import (
    Attachment,
    Candidate,
    Forwarded,
    Kind,
    ParsedEmail,
    PatchText,
)

DEFAULT_LIMITS = Limits()

HTML_AS_TEXT = "HTML takes too long to convert: only its text was read, the whole is attached"
"""Defect of a body that was read with `Limits.html_as_text`."""

_CALENDARS = {"text/calendar", "application/ics"}
_LEADING_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)+")


@dataclass(frozen=True, slots=True)
class _Body:
    text: str
    split: Split
    own_length: int
    """Lines of the text, from the first on, that are the sender's own body."""

    files: tuple[Attachment, ...] = ()
    """Of the text alone: HTML that was too long to be converted whole."""

    defects: tuple[str, ...] = ()
    forwarded: Forwarded | None = None
    attached_ids: tuple[str, ...] = ()
    patch_texts: tuple[PatchText, ...] = ()


@dataclass(frozen=True, slots=True)
class _People:
    author: Author
    reply_to: str
    candidates: tuple[Candidate, ...]
    defects: tuple[str, ...]


def parse(content: bytes, *, recipient: str = "", limits: Limits = DEFAULT_LIMITS) -> ParsedEmail:
    """`recipient` is that of the envelope, where the inbox knows it. Linear in the length."""
    root, defects = parse_structure(_with_line_feeds(content), limits)
    headers = root.headers
    body = _read_whole_body(root, limits)
    people = _read_people(headers, recipient, limits)
    kind, kind_reason = find_kind(headers, root)
    others = find_others(body.text, body.split, own_length=body.own_length)
    return ParsedEmail(
        message_id=find_message_id(headers),
        in_reply_to=find_ids(headers, "In-Reply-To"),
        references=find_ids(headers, "References"),
        sender=people.author.address,
        sender_name=people.author.name,
        reply_to=people.reply_to,
        candidates=people.candidates,
        subject=headers.text("Subject"),
        date=parse_date(headers.first("Date")),
        kind=kind,
        kind_reason=kind_reason,
        text=body.text,
        reply=body.split.reply,
        quoted=body.split.quoted,
        others_in_text=others[0],
        others_in_reply=others[1],
        forwarded=body.forwarded,
        is_forward=body.forwarded is not None or is_forward(headers),
        attachments=body.files,
        attached_ids=body.attached_ids,
        patch_texts=body.patch_texts,
        patch_author=find_patch_author(headers) if body.patch_texts else "",
        patch_date=headers.first("Date") if body.patch_texts else "",
        behind=find_behind(headers, people.author),
        stamps=find_stamps(headers),
        null_return_path=has_null_return_path(headers),
        is_bulk=is_bulk(headers),
        why_unanswered=find_why_unanswered(headers),
        origin=headers.first("X-Letterbox-Origin"),
        defects=tuple(dict.fromkeys((*defects, *body.defects, *people.defects))),
    )


def _with_line_feeds(content: bytes) -> bytes:
    """A message whose lines end in CR alone, as on old Macs, gets line ends that count."""
    return content if b"\n" in content else content.replace(b"\r", b"\n")


def _read_people(headers: Headers, recipient: str, limits: Limits) -> _People:
    author = find_author(headers)
    reply_to, reply_to_defect = find_reply_to(headers)
    candidates, defects = find_candidates(headers, recipient, most=limits.addresses)
    own = tuple(defect for defect in (author.defect, reply_to_defect) if defect)
    return _People(author, reply_to, candidates, (*own, *defects))


def _read_whole_body(root: Part, limits: Limits) -> _Body:
    contents = decode_contents(root, limits)
    reading = read_bodies(root, contents.texts)
    own = count_own(root, reading.body, is_bulk=is_bulk(root.headers))
    body = _read_fragments(reading.body, own, limits)
    attached = _read_attached_headers(reading, contents, limits)
    body = _find_forward(body, root.headers, next(iter(attached), None))
    body = _add_events(body, reading.files, contents)
    files = (*_make_attachments(reading.files, contents), *body.files)
    return replace(
        body,
        files=files,
        attached_ids=tuple(found for headers in attached for found in _find_all_ids(headers)),
        defects=(*contents.defects, *body.defects),
        patch_texts=find_patch_texts(reading.body, contents, own=own),
    )


def _read_attached_headers(
    reading: Reading, contents: Contents, limits: Limits
) -> tuple[Headers, ...]:
    """Of each message that came as a file."""
    return tuple(
        split_message_headers(contents.data.get(id(part), b""), limits).headers
        for part in reading.files
        if part.type == "message/rfc822"
    )


def _find_all_ids(headers: Headers) -> tuple[str, ...]:
    names = ("Message-ID", "In-Reply-To", "References")
    return tuple(found for name in names for found in find_ids(headers, name))


def _find_forward(body: _Body, headers: Headers, attached: Headers | None) -> _Body:
    """The body with what was forwarded in it, or else beside it as a file."""
    subject, zone = headers.text("Subject"), find_zone(headers.first("Date"))
    found = find_forward(body.text, split=body.split, subject=subject, zone=zone)
    if found:
        return replace(body, forwarded=found.forwarded, split=found.split or body.split)
    if attached is None or not is_forward_subject(subject):
        return body
    return replace(body, forwarded=read_attached_forward(attached))


def _add_events(body: _Body, files: tuple[Part, ...], contents: Contents) -> _Body:
    """A line for each event below the text; the same one often comes as a part and as a file."""
    lines = dict.fromkeys(
        summarise_calendar(
            charsets.decode(
                contents.data.get(id(part), b""), part.content_type.parameters.get("charset")
            )[0]
        )
        for part in files
        if part.type in _CALENDARS
    )
    events = "\n\n".join(filter(None, lines))
    if not events:
        return body
    text, reply = (f"{each}\n\n{events}".strip("\n") for each in (body.text, body.split.reply))
    return replace(body, text=text, split=replace(body.split, reply=reply))


def parse_header(
    content: bytes, *, recipient: str = "", limits: Limits = DEFAULT_LIMITS
) -> ParsedEmail:
    """As if the message had no body: for one whose body cannot be read within time and memory."""
    content = _with_line_feeds(content)
    block = split_message_headers(content, limits)
    return parse(content[: block.body_start], recipient=recipient, limits=limits)


def parse_plain(content: bytes) -> ParsedEmail:
    """A bare text body without any header."""
    text = _trim(clean_text(charsets.decode(content, None)[0]))
    split = split_reply(text)
    forward = find_forward(text, split=split, subject="", zone=None)
    others = find_others(text, split)
    return ParsedEmail(
        message_id="",
        in_reply_to=(),
        references=(),
        sender="",
        sender_name="",
        reply_to="",
        candidates=(),
        subject="",
        date=None,
        kind=Kind.PERSONAL,
        kind_reason="",
        text=text,
        reply=split.reply,
        quoted=split.quoted,
        others_in_text=others[0],
        others_in_reply=others[1],
        forwarded=forward.forwarded if forward else None,
    )


def _trim(text: str) -> str:
    """Without blank lines around it; the indentation of the first line stays."""
    blanks = _LEADING_BLANK_LINES.match(text)
    return text[blanks.end() if blanks else 0 :].rstrip()


def _read_fragments(fragments: tuple[Fragment, ...], own: int, limits: Limits) -> _Body:
    """The first `own` of them are the sender's."""
    forms = {fragment.form for fragment in fragments}
    if forms == {Form.HTML}:
        return _read_html_body("\n".join(fragment.text for fragment in fragments), limits)
    pieces = [_read_fragment(fragment, limits) for fragment in fragments]
    text = _join(pieces)
    files = tuple(file for piece in pieces for file in piece.files)
    defects = tuple(defect for piece in pieces for defect in piece.defects)
    return _Body(text, split_reply(text), _count_lines(_join(pieces[:own])), files, defects)


def _join(pieces: list[_Body]) -> str:
    return "\n\n".join(piece.text for piece in pieces if piece.text)


def _count_lines(text: str) -> int:
    return len(text.split("\n")) if text else 0


def _read_fragment(fragment: Fragment, limits: Limits) -> _Body:
    if fragment.form is Form.HTML:
        return _read_html_body(fragment.text, limits)
    return _Body(_trim(fragment.text), Split("", ""), 0)


def _read_html_body(markup: str, limits: Limits) -> _Body:
    """No line of it could be a command: they are escaped."""
    encoded = markup.encode("utf-8")
    files: tuple[Attachment, ...] = ()
    defects: tuple[str, ...] = ()
    if len(encoded) > limits.html_bytes:
        markup = encoded[: limits.html_bytes].decode("utf-8", errors="ignore")
        files = (Attachment("message.html", "text/html", encoded),)
        defects = (f"HTML cut at {limits.html_bytes} bytes, the whole is attached",)
    if limits.html_as_text:
        text = _trim(to_plain_text(markup))
        files = (Attachment("message.html", "text/html", encoded),)
        return _Body(text, split_reply(text), 0, files, (*defects, HTML_AS_TEXT))
    return _Body(_trim(to_markdown(markup)), split_html_reply(markup), 0, files, defects)


def _make_attachments(files: tuple[Part, ...], contents: Contents) -> list[Attachment]:
    return [
        Attachment(
            filename=safe_filename(part.filename, part.type, number),
            content_type=part.type,
            content=contents.data.get(id(part), b""),
            inline=_is_inline(part),
            content_id=part.headers.first("Content-ID").strip("<> "),
        )
        for number, part in enumerate(files, start=1)
    ]


def _is_inline(part: Part) -> bool:
    """Shown in the text: declared so, or an image that the markup can refer to."""
    has_id = bool(part.headers.raw("Content-ID"))
    return part.disposition.main == "inline" or (has_id and part.disposition.main != "attachment")
