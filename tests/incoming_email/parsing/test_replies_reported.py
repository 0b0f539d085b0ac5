"""Group R of the public bug reports, and two of their security cases, in plain text."""

from time import process_time

import pytest

from incoming_email.parsing.replies.splitting import Split, split_reply


@pytest.mark.parametrize(
    "text",
    [
        "Hello\nDate: tomorrow at nine\nplease bring the form",  # R04
        "- first\n- second\n-- not a signature, a note",  # R12
        "Hier le client a écrit : merci.",  # R13
        "On Friday, the team sent a draft to everyone: please read it.\nThanks",  # R25
        "write to <test@example.org> please",  # T06
    ],
)
def test_nothing_is_cut(text):
    assert split_reply(text) == Split(text, "")


def test_r06_iso_date_with_wrapped_address():
    old = "2014-10-17 11:28 GMT+03:00 Postmaster <\npostmaster@example.org>:\n> First"

    assert split_reply(f"Second\n\n{old}") == Split("Second", old)


def test_r07_polymail():
    old = (
        "On Tue, Apr 11, 2017 at 7:08 PM A B <\nmailto:a@example.com\n> wrote:\n"
        "The quoted text has no marks."
    )

    assert split_reply(f"This is the reply\n\n{old}") == Split("This is the reply", old)


def test_r11_wrapped_gmail_header():
    old = "On Mon, Jan 1, 2024 at 10:00 AM A Very Long Name <\nlong@example.com> wrote:\n> q"

    assert split_reply(f"Yes\n\n{old}") == Split("Yes", old)


def test_r15_forward_of_the_mailbox_app():
    text = (
        "Begin forwarded message:\n"
        "On Tuesday, Jan 6, 2015 at 03:44, Sender <sender@example.com>, wrote:\ntext"
    )

    assert split_reply(text) == Split(text, "")


def test_r16_forwarded_body_is_kept():
    text = (
        "FYI\n\n---------- Forwarded message ---------\nFrom: a@example.com\n"
        "Date: Mon, 1 Jan 2024\nSubject: x\nTo: b@example.com\n\ncontent"
    )

    assert split_reply(text) == Split(text, "")


def test_r22_delimiter_quoted_and_wrapped():
    old = "On 3 May 2024, Ann <ann@example.com> wrote:\n> --- Reply above\n> this line ---\n> x"

    assert split_reply(f"Ok.\n\n{old}") == Split("Ok.", old)


@pytest.mark.parametrize(
    "line",
    [
        "--- Reply above this line ---\xa0",
        "## Please type your reply above this line ##",
        "--- Antworten oberhalb dieser Linie ---",
    ],
)
def test_r23_delimiter_of_a_ticket_system(line):
    assert split_reply(f"Ok.\n\n{line}\nold") == Split("Ok.", f"{line}\nold")


@pytest.mark.parametrize("unit", ["http://a.b/", "[x](", "[[", "<a@", "](", "On 1 ", "*_"])
def test_x29_repeated_links_and_brackets(unit):
    text = unit * (50_000 // len(unit))
    begin = process_time()

    assert split_reply(text) == Split(text, "")
    assert process_time() - begin < 5
