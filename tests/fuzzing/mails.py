"""Targets that read whole mails, or parts of them as bytes."""

from dataclasses import replace
from pathlib import Path

from incoming_email.outcomes import Rejected
from incoming_email.parsing import wire
from incoming_email.parsing.addresses import asks_no_answer, fold_address
from incoming_email.parsing.formats.calendars import summarise_calendar
from incoming_email.parsing.formats.rtf import decompress_rtf, read_rtf
from incoming_email.parsing.formats.smime import find_signed_content
from incoming_email.parsing.formats.tnef import SIGNATURE, parse_tnef
from incoming_email.parsing.limits import Limits
from incoming_email.parsing.looks import find_look
from incoming_email.parsing.message import parse, parse_header, parse_plain
from incoming_email.parsing.mime.dates import parse_date
from incoming_email.parsing.mime.encoded_words import decode_words
from incoming_email.parsing.mime.filenames import MAX_BYTES, safe_filename
from incoming_email.parsing.mime.headers import Headers
from incoming_email.parsing.mime.mailboxes import parse_address, parse_mailboxes
from incoming_email.parsing.mime.parameters import parse_value
from incoming_email.parsing.replies.shown_dates import parse_shown_date
from incoming_email.parsing.text import charsets
from incoming_email.parsing.types import Kind, ParsedEmail
from incoming_email.patch_mails.reading import MailedPatches, read_patches
from incoming_email.sender_auth.chains import check_chain
from incoming_email.sender_auth.key_records import KeyRecords
from incoming_email.sender_auth.signatures import SignatureCheck, check_signatures
from incoming_email.sender_auth.wire import split_message
from issues import patches
from issues.diffs.parsing import DiffLimits, parse_diff
from servicedesk.delivery_reports import find_failures, find_returned_ids
from tests.fuzzing.harmless import assert_harmless
from tests.incoming_email.parsing.test_never_raises import SAMPLES, SIGNED, assert_storable
from tests.servicedesk import test_delivery_reports as reports

SIGNED_MAILS = Path(__file__).parent / "signed"
"""By a key that nobody has any more."""

ONE_LINE = ("subject", "sender", "sender_name", "reply_to", "message_id", "origin", "shown_from")
DIFF = DiffLimits(files=20, lines=200, file_lines=100, line_length=50)


def read_message(data: bytes) -> ParsedEmail:
    find_look(data, Limits())
    parse_plain(data)
    return parse(data)


def check_message(data: bytes) -> None:
    for email in (parse(data), parse_header(data), parse_plain(data)):
        assert_parsed(email)
    look = find_look(data, Limits())
    assert_storable(look)
    assert_harmless(look.html, is_page=False)


def assert_parsed(email: ParsedEmail) -> None:
    """It can be stored, goes from the parser's child to us, and names people as others do."""
    assert_storable(email)
    for name in ONE_LINE:
        assert not set(getattr(email, name)) & set("\r\n"), name
    assert wire.decode(ParsedEmail, memoryview(wire.encode(email))[wire.SIZE.size :]) == email
    for file in email.attachments:
        assert 0 < len(file.filename.encode()) <= MAX_BYTES
        assert not set(file.filename) & set("/\\\0\r\n")
    for address in (email.sender, email.reply_to, email.behind.address):
        assert parse_address(address) == address
    assert len(email.others_in_text.numbers) <= email.text.count("\n") + 1


def read_header(data: bytes) -> ParsedEmail:
    """As the value of each field that addresses, dates and ids are read of."""
    value = data.replace(b"\n", b"\n ")
    names = [b"From", b"To", b"Cc", b"Reply-To", b"Received", b"X-Original-From", b"List-Post"]
    names += [b"Date", b"References", b"Return-Path", b"Subject", b"Auto-Submitted", b"Precedence"]
    return parse_header(b"".join(b"%s: %s\n" % (name, value) for name in names))


def check_header(data: bytes) -> None:
    email = read_header(data)
    assert_parsed(email)
    named = [each.address for each in email.candidates if each.header == "To"]
    assert email.sender in {"", *named}
    for address in named:
        assert parse_mailboxes(f"A B <{address}>", most=2).addresses == (address,)
        assert fold_address(fold_address(address)) == fold_address(address)
        asks_no_answer(address)
    assert email.why_unanswered or not email.null_return_path


def find_headers() -> list[bytes]:
    values = [
        value
        for sample in SAMPLES
        for value in (parse(sample).stamps.results or ()) + (parse(sample).sender,)
    ]
    return [
        *map(str.encode, filter(None, values)),
        b'"Doe, Ann" <ann@example.com>, Group: a@b.example, =?utf-8?q?B=C3=A9?= <b@c.example>;',
        b"Ann (a (nested) comment) <<a@example.com>>, 'b@example.com', mailto:c@example.com",
        b"from a by mx.example (x) with ESMTP for <a@b.example>; Tue, 2 Jan 2024 10:30:00 +0100",
        b'Ann via Support <support@lists.example>, <@a,@b:c@d.example>, "x@y" <z@[192.0.2.1]>',
    ]


def read_bounce(data: bytes) -> list[object]:
    bounce = replace(parse(data), kind=Kind.BOUNCE)
    return [*find_failures(bounce), *find_returned_ids(bounce)]


def check_bounce(data: bytes) -> None:
    found = read_bounce(data)
    assert_storable(tuple(found))
    for failure in find_failures(replace(parse(data), kind=Kind.BOUNCE)):
        assert failure.reason.strip()
        assert all(each == each.lower() for each in failure.recipients)
        assert not any(set(each) & set("\r\n") for each in (failure.reason, *failure.recipients))


def find_bounces() -> list[bytes]:
    made = [reports.report(reports.FAILED), reports.report(reports.EXCHANGE, reports.FAILED)]
    said = [reports.QMAIL, reports.EXIM, reports.EXIM_WARNING]
    return [*map(str.encode, [*made, *map(reports.in_words, said)]), *SAMPLES]


def read_patch_mail(data: bytes) -> MailedPatches | None:
    parse_diff(data, DIFF)
    patches.summarize(patches.mend(data, is_flowed=True))
    patches.to_mailbox(patches.split_mailbox(data), date="Tue, 2 Jan 2024 10:30:00 +0100")
    email = parse(data)
    read_patches(email, is_reply=True)
    try:
        return read_patches(email)
    except Rejected:
        return None


def check_patch_mail(data: bytes) -> None:
    mails = [mail for mail in patches.split_mailbox(data) if mail.strip()]
    again = patches.split_mailbox(patches.to_mailbox(mails, date="x"))
    assert len(again) == max(1, len(mails))
    mailed, email = read_patch_mail(data), parse(data)
    if mailed is None:
        return
    assert_storable((mailed.title, mailed.description.source, mailed.remark.source))
    is_inline = mailed.mails and not mailed.attached and mailed.tag is not None
    if is_inline and mailed.mails[0].startswith(b"From: =?") and not email.patch_author:
        assert parse_header(mailed.mails[0]).sender == email.sender


def find_patch_mails() -> list[bytes]:
    patch = (
        b"From: Ann <ann@example.com>\nSubject: [PATCH 1/2] Oil\nDate: Tue, 2 Jan 2024 10:30:00"
        b" +0100\n\nIt squeaks.\n---\nFor you.\n a | 2 +-\n\ndiff --git a/a b/a\n--- a/a\n+++ b/a\n"
        b"@@ -1 +1 @@\n-x\n+y\n-- \n2.43.0\n"
    )
    separator = b"From " + b"1" * 40 + b" Mon Sep 17 00:00:00 2001\n"
    raw = b":100644 100644 a b M\0a\0" + b"1\t1\ta\0\0" + patch[patch.index(b"diff") :]
    flowed = patch.replace(b"\n\nIt", b"\nContent-Type: text/plain; format=flowed\n\nIt")
    box = separator + patch + b"\n" + separator + patch
    return [patch, box, b"words\n" + box, flowed, raw, *SAMPLES]


class _Records(KeyRecords):
    def _resolve(self, name: str) -> bytes:
        return (SIGNED_MAILS / "key.txt").read_bytes().strip()


def read_signed(data: bytes) -> list[SignatureCheck]:
    message = split_message(data)
    if isinstance(message, str):
        return []
    chain = check_chain(message, "example.com", {"lists.example.org"}, _Records(1.0), is_from=True)
    return [check_signatures(message, "example.com", _Records(1.0)), chain]


def check_signed(data: bytes) -> None:
    """Of what passes, people see the sender, subject and date that were signed, blanks aside."""
    if any(found.passed for found in read_signed(data)):
        email = parse(data)
        seen = (email.sender, " ".join(email.subject.split()), str(email.date))
        assert seen == ("ann@example.com", "It squeaks", "2026-11-30 10:00:00+00:00"), seen


def find_signed() -> list[bytes]:
    return [path.read_bytes() for path in sorted(SIGNED_MAILS.glob("*.eml"))]


def _read_texts(data: bytes) -> tuple[str, ...]:
    text = charsets.decode(data, "utf-8")[0]
    value = parse_value(text, most=9)
    return (
        text,
        decode_words(text),
        value.main,
        *value.parameters.values(),
        safe_filename(text, value.main, 1),
        str(parse_date(text)),
        str(parse_shown_date(text, None)),
        Headers({"subject": (data,)}).text("Subject"),
    )


FORMATS = (
    _read_texts,
    lambda data: charsets.decode(data[1:], ("iso-2022-jp", "utf-7", "hz", "gb2312")[data[0] % 4]),
    lambda data: charsets.decode(data, None),
    lambda data: parse_tnef(data, depth=3),
    lambda data: parse_tnef(SIGNATURE + b"\0\0" + data, depth=3),
    read_rtf,
    lambda data: read_rtf(decompress_rtf(b"\0" * 8 + b"LZFu" + b"\0" * 4 + data)),
    find_signed_content,
    lambda data: find_signed_content(SIGNED[: data[0]] + data[1:]),
    lambda data: summarise_calendar(charsets.decode(data, None)[0]),
)
"""The first byte of an input says which of them reads the rest."""


def read_format(data: bytes) -> object:
    return FORMATS[data[0] % len(FORMATS)](data[1:]) if len(data) > 1 else None


def check_format(data: bytes) -> None:
    assert read_format(data) == read_format(data)


def find_formats() -> list[bytes]:
    parts = [file.content for sample in SAMPLES for file in parse(sample).attachments]
    return [
        bytes([number]) + part[:2000]
        for number in range(len(FORMATS))
        for part in (SIGNED, b"{\\rtf1\\ansi\\fromhtml1 {\\*\\htmltag <b>}x\\'e9\\u233 ?}", *parts)
    ]
