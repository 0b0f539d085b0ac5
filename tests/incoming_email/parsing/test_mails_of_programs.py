"""Real-looking mails of many programs: the reply as Markdown, and as a page shows it.

For each tests/emails/reply-NAME.eml there are two files in samples/mails: the reply, and its
rendering. All were looked at in a browser beside the mail itself.
"""

from pathlib import Path

import pytest

from issues.rendering import render_markdown
from tests.incoming_email.parsing.conftest import EMAILS

SHOWN = Path(__file__).parent / "samples" / "mails"
NAMES = sorted(path.stem for path in EMAILS.glob("reply-*.eml"))


@pytest.mark.parametrize("name", NAMES)
def test_reply_and_its_look(parse_sample, name):
    email = parse_sample(name)

    assert email.defects == ()
    assert f"{email.reply}\n" == (SHOWN / f"{name}.md").read_text()
    assert str(render_markdown(email.reply)) == (SHOWN / f"{name}.html").read_text()


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        ("reply-gmail", ["Example Ltd, +49 30 1234567", "The total is wrong, can you look?"]),
        ("reply-outlook-desktop", ["**Gesendet:** Freitag, 3. Mai 2024 10:00", "Ist alles da?"]),
        ("reply-outlook-web", ["Dora Esempio", "Quanto costa?"]),
        ("reply-ios", ["Sent from my iPhone", "Please try again."]),
        ("reply-android", ["Galaxy cihazımdan gönderildi", "Geldi mi?"]),
        ("reply-thunderbird", ["Dne 03. 05. 24 v 10:00 Bob napsal(a):", "Hana Příkladová"]),
        ("reply-naver", ["Original Message", "주소를 확인해 주세요."]),
        ("reply-ticket-system", ["Please reply above this line", "is there a limit?"]),
        ("reply-mailing-list", ["Bob <incoming+key@example.com> writes:", "dev mailing list"]),
        ("reply-mail-command", ["Bob <incoming+key@example.com> wrote:", "Is the disk full?"]),
    ],
)
def test_what_was_cut_is_kept_aside(parse_sample, name, cut):
    email = parse_sample(name)

    for words in cut:
        assert words in email.quoted
        assert words not in email.reply


def test_preheader_tracker_and_style_of_a_ticket_system_are_gone(parse_sample):
    text = parse_sample("reply-ticket-system").text

    for words in ("A colleague has answered", "open.gif", "preheader", "button.png"):
        assert words not in text
