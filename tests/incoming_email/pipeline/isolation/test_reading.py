"""A message may break, stop or empty its parser: it alone suffers, and its row can say why."""

import errno

import pytest

from incoming_email.parsing import message
from incoming_email.parsing.limits import Limits
from incoming_email.pipeline.isolation import reading
from incoming_email.pipeline.isolation.process import NoParserError, ParserPool
from incoming_email.pipeline.isolation.reading import (
    UNREAD,
    RawText,
    parse,
    parse_all,
)
from tests.incoming_email.pipeline.isolation.conftest import HOSTILE
from tests.waiting import PATIENCE_SECONDS

HEADER = (
    "From: Ann <ann@example.com>\nTo: box+key@example.com\nSubject: Hi\nMessage-ID: <1@x.example>"
)


def ordered(order):
    return RawText(f"{HEADER}\n\n{order}".encode())


@pytest.fixture
def tight(settings):
    settings.PARSE_TIMEOUT_SECONDS = PATIENCE_SECONDS
    settings.PARSE_CPU_SECONDS = 1
    settings.PARSE_MEMORY_BYTES = 300_000_000


def read(pool, *orders):
    return list(parse_all([ordered(order) for order in orders], pool=pool))


def test_it_reads_what_the_parser_reads(request):
    samples = sorted((request.config.rootpath / "tests" / "emails").iterdir())
    contents = [path.read_bytes() for path in samples]
    assert list(parse_all([RawText(content, "a@example.com") for content in contents])) == [
        message.parse(content, recipient="a@example.com") for content in contents
    ]


def test_a_single_message_and_a_header():
    content = f"{HEADER}\n\nText.".encode()
    assert parse(content, recipient="a@x.example").reply == "Text."
    (email,) = parse_all([RawText(content, "a@x.example", is_header_only=True)])
    assert [each.address for each in email.candidates] == ["a@x.example", "box+key@example.com"]
    assert email.text == ""


def test_nothing_to_read():
    assert list(parse_all([])) == []


@pytest.mark.parametrize(
    ("order", "why"),
    [
        pytest.param("loop", "it takes more than 1 s of processor time", marks=pytest.mark.slow),
        ("hoard 400000000", "it takes more than 300000000 bytes of memory"),
        ("die", "the parser broke down at it twice"),
        ("leave", "the parser broke down at it twice"),
        ("lie 99999999999", "the parser broke down at it twice"),
        ("lie 60", "the parser broke down at it twice"),
    ],
)
def test_a_hostile_message_is_known_by_its_header_and_the_others_are_read(
    hostile, tight, order, why
):
    before, email, after = read(hostile, "before", order, "after")
    assert (before.text, after.text) == ("before", "after")
    assert (before.defects, after.defects) == ((), ())
    assert (email.sender, email.subject, email.message_id) == (
        "ann@example.com",
        "Hi",
        "1@x.example",
    )
    assert (email.text, email.attachments) == ("", ())
    assert email.defects == (UNREAD, why)


def test_of_html_that_is_slow_to_convert_the_text_is_read(hostile, tight):
    header = f"{HEADER}\nContent-Type: Text/HTML; charset=utf-8"
    slow = f"{header}\n\nloop_at_markup <b>Please</b> call *me*.<br>/close".encode()
    email, after = parse_all([RawText(slow), ordered("after")], pool=hostile)
    assert email.text == "loop_at_markup Please call \\*me\\*.\n\\/close"
    assert email.defects == (message.HTML_AS_TEXT,)
    assert [file.filename for file in email.attachments] == ["message.html"]
    assert (email.subject, after.text) == ("Hi", "after")


def test_of_html_that_is_slow_even_as_text_the_header_is_read(hostile, tight):
    content = f"{HEADER}\nContent-Type: text/html\n\nloop".encode()
    (email,) = parse_all([RawText(content)], pool=hostile)
    assert (email.subject, email.text) == ("Hi", "")
    assert email.defects == (UNREAD, "it takes more than 1 s of processor time")


def test_a_message_that_stops_its_parser(hostile, settings):
    read(hostile, "started")
    settings.PARSE_TIMEOUT_SECONDS = 1
    email, after = read(hostile, "sleep", "after")
    assert email.defects == (UNREAD, "it takes more than 1 s")
    assert (email.subject, after.text) == ("Hi", "after")


def test_a_header_that_breaks_the_parser_leaves_the_envelope(hostile):
    text = RawText(ordered("die always").content, "me@example.com")
    (email,) = parse_all([text], pool=hostile)
    assert email.defects == (UNREAD, "the parser broke down at it twice")
    assert (email.sender, email.subject) == ("", "")
    assert [each.address for each in email.candidates] == ["me@example.com"]


def test_several_hostile_messages_in_a_row(hostile, tight):
    emails = read(hostile, "die", "hoard 400000000", "leave", "fine")
    assert [UNREAD in email.defects for email in emails] == [True, True, True, False]


def test_a_parser_that_died_of_something_else_is_tried_again(hostile, tmp_path):
    email, after = read(hostile, f"die_once {tmp_path / 'mark'}", "after")
    assert (email.defects, email.subject) == ((), "Hi")
    assert email.text.startswith("die_once")
    assert after.text == "after"


def test_what_the_parser_prints_is_no_answer(hostile):
    (email,) = read(hostile, "babble")
    assert email.text == "babble"


def test_words_of_a_fault_stay_out_of_the_log(capfd):
    pool = ParserPool(HOSTILE)
    read(pool, "leave secret-of-the-sender")
    pool.close()
    shown = capfd.readouterr().err
    assert "ValueError" in shown
    assert "in leave" in shown
    assert "secret-of-the-sender" not in shown


def test_the_parser_sees_no_secret(hostile, monkeypatch):
    monkeypatch.setenv("SECRET_OF_A_TEST", "1")
    pool = ParserPool(HOSTILE)
    (email,) = read(pool, "show_environment")
    pool.close()
    names = email.text.split()
    assert "PYTHONPATH" in names
    assert {"SECRET_KEY", "ENCRYPTION_KEYS", "DATA_DIR", "SECRET_OF_A_TEST"}.isdisjoint(names)


def test_a_parser_that_cannot_start_is_no_fault_of_the_message():
    pool = ParserPool("tests.incoming_email.pipeline.isolation.there_is_none")
    with pytest.raises(NoParserError, match=r"^the parser does not start: it ended with 1$"):
        read(pool, "fine")


def test_an_interpreter_that_is_not_there(monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(NoParserError, match="No such file"):
        read(ParserPool(HOSTILE), "fine")


def test_no_more_files_may_be_opened(monkeypatch):
    def fail():
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("os.pipe", fail)
    with pytest.raises(NoParserError, match="Too many open files"):
        read(ParserPool(HOSTILE), "fine")


def test_messages_larger_than_any_pipe_do_not_block_each_other(hostile):
    files = [
        b"From: a@example.com\nContent-Type: application/zip\n\n" + bytes([65 + n]) * 3_000_000
        for n in range(6)
    ]
    emails = list(parse_all([RawText(file) for file in files], pool=hostile))
    assert [email.attachments[0].content[:1] for email in emails] == [
        b"A",
        b"B",
        b"C",
        b"D",
        b"E",
        b"F",
    ]
    assert [email.attachments[0].size for email in emails] == [3_000_000] * 6


NESTED = (
    b"From: a@example.com\nTo: b@example.com, c@example.com\n"
    b"Content-Type: multipart/mixed; boundary=b; x=1\n\n"
    b"--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\none\n--c--\n"
    b"--b\nContent-Type: text/html\n\n<b>two</b>\n--b--"
)


def test_no_limit_is_met_by_an_ordinary_message():
    assert parse(NESTED).defects == ()


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("PARTS", "more than 1 parts"),
        ("LEVELS", "more than 1 levels of parts"),
        ("HEADER_FIELDS", "header cut at 1 fields"),
        ("HEADER_BYTES", "header cut at 1 bytes"),
        ("PARAMETERS", "more than 1 parameters"),
        ("ADDRESSES", "more than 1 addresses in To"),
        ("DECODED_BYTES", "more than 1 bytes after decoding"),
        ("HTML_BYTES", "HTML cut at 1 bytes, the whole is attached"),
    ],
)
def test_past_a_limit_of_the_settings_the_message_is_read_and_the_defect_names_it(
    settings, name, defect
):
    setattr(settings, f"PARSE_MAX_{name}", 1)
    email = parse(NESTED)
    assert defect in email.defects
    assert UNREAD not in email.defects


def test_the_defaults_of_settings_and_parser_are_the_same():
    assert reading._make_request(RawText(b"")).limits == Limits()
