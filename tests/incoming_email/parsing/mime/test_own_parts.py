"""Of several texts in a message only the sender's own body can hold commands."""

import pytest

from incoming_email.parsing.message import parse

OWN = "Content-Type: text/plain\n\n/close"
INLINE = "Content-Type: text/plain\nContent-Disposition: inline\n\n/lock"
MORE = "Content-Type: text/plain\n\n/lock"
HTML = "Content-Type: text/html\n\n<p>/lock</p>"
PICTURE = "Content-Type: image/png; name=a.png\nContent-Disposition: inline; filename=a.png\n\nx"
FILE = PICTURE.replace("inline", "attachment")
LIST = "List-Id: <devs.example.com>\n"


def parts(*each, kind="mixed", boundary="b"):
    body = "".join(f"--{boundary}\n{part}\n" for part in each)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{body}--{boundary}--\n'


def own_lines(content, head=""):
    """Those that could be commands, of the text and of the reply."""
    email = parse(f"From: ann@example.com\n{head}MIME-Version: 1.0\n{content}".encode())
    found = []
    for text, others in (
        (email.text, email.others_in_text),
        (email.reply, email.others_in_reply),
    ):
        lines = text.split("\n")
        own = [line for n, line in enumerate(lines) if n not in others.numbers and line.strip()]
        found.append([line for line in own if line.startswith("/")])
    in_text, in_reply = found
    assert in_text == in_reply
    return in_text


@pytest.mark.parametrize(
    "content",
    [
        OWN,
        parts(OWN, MORE),
        parts(OWN, INLINE),
        parts(OWN, HTML),
        parts(OWN, FILE, MORE),
        parts(OWN, PICTURE, MORE),
        parts(parts(OWN, HTML, kind="alternative", boundary="c"), MORE),
        parts(parts(OWN, "Content-Type: text/x\n\n", kind="signed", boundary="c"), MORE),
        parts(OWN, parts(MORE, PICTURE, boundary="c")),
        parts(OWN, MORE, boundary="Apple-Mail-1"),
        parts(OWN, PICTURE, INLINE, boundary="Apple-Mail-1"),
        parts(OWN, FILE, MORE, boundary="Apple-Mail-1"),
        parts(OWN, PICTURE, HTML, MORE, boundary="Apple-Mail-1"),
        parts(parts(OWN, PICTURE, boundary="Apple-Mail-1"), MORE),
    ],
)
def test_a_further_text_is_anothers(content):
    assert own_lines(content) == ["/close"]


@pytest.mark.parametrize(
    "content",
    [
        parts(OWN, PICTURE, MORE, boundary="Apple-Mail-1"),
        parts(OWN, PICTURE, PICTURE, MORE, boundary="Apple-Mail=_2"),
        parts(parts(OWN, PICTURE, MORE, boundary="Apple-Mail-1"), MORE),
        parts("Content-Type: text/plain\n\n", PICTURE, f"{OWN}\n/lock", boundary="Apple-Mail-1"),
    ],
)
def test_around_pictures_apple_mail_goes_on(content):
    assert own_lines(content) == ["/close", "/lock"]


@pytest.mark.parametrize(
    ("content", "own"),
    [
        (OWN, ["/close"]),
        (INLINE, ["/lock"]),
        (parts(OWN, INLINE), ["/close"]),
        (parts(INLINE, OWN), []),
        (parts(OWN, PICTURE, MORE, boundary="Apple-Mail-1"), ["/close"]),
    ],
)
def test_a_list_may_have_put_its_text_above_and_below(content, own):
    assert own_lines(content, head=LIST) == own


def test_without_a_body_of_ones_own_nothing_is():
    assert own_lines(parts("Content-Type: text/plain\n\n", MORE)) == []


def test_a_calendar_is_not_the_senders_either():
    event = "BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT"
    email = parse(
        b"From: ann@example.com\nMIME-Version: 1.0\n"
        + parts(OWN, f"Content-Type: text/calendar\n\n{event}").encode()
    )
    assert email.reply == email.text == "/close\n\nx"
    assert email.others_in_text.numbers == email.others_in_reply.numbers == {2}
