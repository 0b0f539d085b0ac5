"""What is kept and what is cut of a plain-text reply."""

import pytest

from incoming_email.parsing.replies.splitting import Split, split_reply

ATTRIBUTION = "On 3 May 2024, at 10:00, Ann <ann@example.com> wrote:"


def test_top_reply():
    text = f"Yes, do it.\n\n{ATTRIBUTION}\n\n> Shall I?\n>\n> Ann\n"

    assert split_reply(text) == Split("Yes, do it.", f"{ATTRIBUTION}\n\n> Shall I?\n>\n> Ann")


def test_bottom_reply():
    text = f"{ATTRIBUTION}\n> Shall I?\n\nYes, do it.\nToday."

    assert split_reply(text) == Split("Yes, do it.\nToday.", f"{ATTRIBUTION}\n> Shall I?")


def test_interleaved_reply_keeps_the_questions():
    text = f"{ATTRIBUTION}\n> One?\n\nFirst.\n\n> Two?\n\nSecond.\n\n> Bye\n"

    assert split_reply(text) == Split(
        "> One?\n\nFirst.\n\n> Two?\n\nSecond.", f"{ATTRIBUTION}\n\n> Bye"
    )


def test_a_signature_makes_no_heading_of_the_attribution_above_it_in_the_cut_part():
    text = f"{ATTRIBUTION}\n> One?\n\nFirst.\n\n> Two?\n\nSecond.\n\n-- \nBob"

    assert split_reply(text).quoted == f"{ATTRIBUTION}\n\n-- \nBob"


def test_text_around_a_quote_is_all_kept():
    text = f"Hello Ann,\n\n{ATTRIBUTION}\n> Shall I?\n\nYes.\n"

    assert split_reply(text) == Split("Hello Ann,\n\nYes.", f"{ATTRIBUTION}\n> Shall I?")


def test_long_answer_keeps_the_quote_it_follows():
    answer = "\n".join(f"Line {number}." for number in range(1, 8))

    split = split_reply(f"Hello,\n\n{ATTRIBUTION}\n> Why?\n\n{answer}")

    assert split == Split(f"Hello,\n\n> Why?\n\n{answer}", ATTRIBUTION)


def test_quote_without_attribution_above_text_is_kept():
    assert split_reply("> a saying\n\nThis is true.") == Split("> a saying\n\nThis is true.", "")


def test_old_text_without_quote_marks_is_cut():
    text = f"Yes.\n\n{ATTRIBUTION}\n\nShall I?\n\nAnn\n"

    assert split_reply(text) == Split("Yes.", f"{ATTRIBUTION}\n\nShall I?\n\nAnn")


def test_attribution_at_the_top_of_unmarked_text_goes_alone():
    assert split_reply(f"{ATTRIBUTION}\n\nmy text") == Split("my text", ATTRIBUTION)


@pytest.mark.parametrize(
    "attribution",
    [
        "On Mon, Jan 1, 2024 at 10:00 AM A Very Long Name <\nlong@example.com> wrote:",
        "On Mon, Jan 1, 2024 at 10:00 AM A Very Long Name <long@example.com\n> wrote:",
        "On Nov 30, 2023, at 12:47 PM, Somebody <\nsomebody-with-a-name@example.com>\nwrote:",
        "2014-10-17 11:28 GMT+03:00 Ann <\nann@example.com>:",
    ],
)
def test_wrapped_attribution(attribution):
    assert split_reply(f"Yes\n\n{attribution}\n\n> q") == Split("Yes", f"{attribution}\n\n> q")


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_attribution_on_the_line_of_the_reply(gap):
    line = "reply On Wed, Apr 4, 2012 at 3:59 PM, ann@example.com wrote:"

    assert split_reply(f"{line}{gap}> q") == Split("reply", f"{line}{gap}> q")


@pytest.mark.parametrize(
    "quote",
    [
        "> > deep\n>> deeper",
        "| bar\n| bars",
        "AB> initials\nAB>\nAB> more",
        "> a quoted line that some program has wrapped at seventy-two columns and\nleft\n> so",
        "> View (https://example.com/action\n_nonce=3dd518)\n>",
    ],
)
def test_quote_marks(quote):
    text = f"Yes\n\n{ATTRIBUTION}\n{quote}"

    assert split_reply(text) == Split("Yes", f"{ATTRIBUTION}\n{quote}")


@pytest.mark.parametrize("mark", ["-- ", "--", "—", "__", "_______________"])
def test_signature(mark):
    assert split_reply(f"Yes.\n\n{mark}\nAnn\nExample Ltd") == Split(
        "Yes.", f"{mark}\nAnn\nExample Ltd"
    )


def test_signature_above_the_quote():
    text = f"Yes.\n\n-- \nAnn\n\n{ATTRIBUTION}\n> q"

    assert split_reply(text) == Split("Yes.", f"-- \nAnn\n\n{ATTRIBUTION}\n> q")


def test_card_below_a_rule():
    text = "Yes.\n\n---\nAnn Example\nTel. +49 30 1234567"

    assert split_reply(text) == Split("Yes.", "---\nAnn Example\nTel. +49 30 1234567")


def test_double_signature():
    assert split_reply("Thanks!\n\nAnn\n\n--\nAnn Example\n\nSent from my iPhone\n") == Split(
        "Thanks!\n\nAnn", "--\nAnn Example\n\nSent from my iPhone"
    )


@pytest.mark.parametrize(
    "footer",
    [
        "This message is confidential and intended only for the addressee.\nDelete it if not.",
        "CONFIDENTIALITY NOTICE: the contents are private.",
        "Diese E-Mail enthält vertrauliche Informationen.",
        "Ce message et ses pièces jointes sont confidentiels.",
        "Please consider the environment before printing this email.",
        "Virus-free. www.example.com",
    ],
)
def test_company_footer(footer):
    assert split_reply(f"Yes.\n\nAnn\n\n{footer}") == Split("Yes.\n\nAnn", footer)


def test_mailing_list_footer():
    footer = "_______________________________________________\nlist\nlist@example.com"

    assert split_reply(f"Hello all\n\n{footer}") == Split("Hello all", footer)


@pytest.mark.parametrize("rule", ["ᐧ", "--", "***", "####", "======", "_______", "   -------"])
def test_rule_with_nothing_below(rule):
    assert split_reply(f"Yes.\n\n{rule}\n") == Split("Yes.", rule)


OUTLOOK = "From: Ann <ann@example.com>\nSent: Friday, May 3, 2024 10:00\nTo: Bob\nSubject: x\n\nold"


@pytest.mark.parametrize("above", ["", "________________________________\n", "-----\n\n"])
def test_outlook_header_block(above):
    assert split_reply(f"Yes.\n\n{above}{OUTLOOK}") == Split("Yes.", f"{above}{OUTLOOK}")


def test_header_block_with_stars_and_wrapped_lines():
    block = "*From:* ann@example.com [mailto:\n  ann@example.com]\n*Sent:* today\n*Subject:* x"

    assert split_reply(f"Yes.\n\n{block}") == Split("Yes.", block)


def test_header_block_with_nothing_above_is_a_forward():
    assert split_reply(OUTLOOK) == Split(OUTLOOK, "")


@pytest.mark.parametrize(
    "forward",
    [
        "---------- Forwarded message ---------\nFrom: a@example.com\nSubject: x\n\ncontent",
        "Begin forwarded message:\n\n> From: a@example.com\n> Subject: x\n>\n> content",
        "> Begin forwarded message:\n>\n> From: a@example.com\n>\n> content",
        "----- Forwarded by Ann/Example on 05/03/2024 -----\n\ncontent",
    ],
)
def test_forward_is_kept_whole(forward):
    assert split_reply(f"FYI\n\n{forward}") == Split(f"FYI\n\n{forward}", "")
    assert split_reply(forward) == Split(forward, "")


def test_forward_within_an_earlier_mail_goes_with_it():
    old = f"{ATTRIBUTION}\n> ---------- Forwarded message ---------\n> content"

    assert split_reply(f"Yes.\n\n{old}") == Split("Yes.", old)


def test_signature_above_a_forward_is_cut():
    forward = "---------- Forwarded message ---------\nFrom: a@example.com\n\ncontent"

    assert split_reply(f"FYI\n\n-- \nAnn\n\n{forward}") == Split(f"FYI\n\n{forward}", "-- \nAnn")


@pytest.mark.parametrize(
    "text",
    [
        "Title\n=====\n\nOne\n\n---\n\nTwo\n\n***\n\nThree",
        "Part one\n\n---\n\nSee https://example.com/x\nand call",
        "- a\n- b\n  - c\n* d\n\n1. e",
        "| a | b |\n|---|---|\n| 1 | 2 |\n\nok",
        "```\n> x\n-- \nSent from my iPhone\n```\nafter it",
        "~~~\nOn 3 May 2024 at 10:00, Ann <ann@example.com> wrote:\n~~~\nafter it",
        "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-- \n++ \n\nafter it",
        "2024-01-15 10:00:00 INFO a@example.com started\n2024-01-15 10:00:01 ERROR x: y",
        "$ ls\nC> dir\n# whoami\nroot",
        "/close\n/label ~bug\n\nthanks",
        "Service     Expires\n-------------------\nhosting     2024-06-27\n\nAll dates are UTC.",
        "I am writing because of:\n-- first point\n-- second point\n\nThanks!",
        "Stuff happened -- this is no signature.\n\nbye",
        "We fly:\nFrom: Berlin\nTo: Paris\nDate: 3 May\n\nok?",
        "2024-01-15 14:30:25\n2024/01/15 14:30:25\n01/15/2024 at 2:30 PM\n\nare examples",
    ],
)
def test_own_text_survives(text):
    assert split_reply(text) == Split(text, "")


def test_open_fence_protects_nothing():
    assert split_reply(f"```\ncode\n\n{ATTRIBUTION}\n> q") == Split(
        "```\ncode", f"{ATTRIBUTION}\n> q"
    )


@pytest.mark.parametrize(
    "text",
    [
        "> only a quote",
        "-- \nAnn",
        "Sent from my iPhone",
        "---",
        "-----Original Message-----\nold",
    ],
)
def test_never_empty_when_the_mail_was_not(text):
    assert split_reply(text) == Split(text, "")


@pytest.mark.parametrize(
    "text",
    [
        f"{ATTRIBUTION}\n> q",
        f"Sent from my iPhone\n\n{ATTRIBUTION}\n> q",
        "> On 3 May 2024, Ann <ann@example.com> wrote:\n> q",
        ATTRIBUTION,
    ],
)
def test_empty_when_all_is_an_earlier_mail(text):
    assert split_reply(text) == Split("", text)


def test_blank_mail():
    assert split_reply("\n \n\r\n") == Split("", "")


def test_line_ends_of_windows():
    assert split_reply("one\r\ntwo\r\n\r\n> q\r\n") == Split("one\ntwo", "> q")


def test_past_the_limit_lines_go_with_the_last_one_seen():
    quote = "> q\n" * 30_000

    split = split_reply(f"Yes.\n\n{quote}")

    assert split.reply == "Yes."
    assert split.quoted == quote.rstrip()


def test_past_the_limit_own_text_is_kept():
    text = "\n".join(f"line {number}" for number in range(30_000))

    assert split_reply(text) == Split(text, "")
