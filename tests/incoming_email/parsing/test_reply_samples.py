"""Replies as the programs of many makers print them, in the languages of their users.

The texts stand in samples/*.txt: one a line, or parted by lines that begin with '%%', the
expected reply below '=='.
"""

import textwrap
from pathlib import Path

import pytest

from incoming_email.parsing.html.markdown import split_html_reply
from incoming_email.parsing.replies.splitting import Split, split_reply

SAMPLES = Path(__file__).parent / "samples"


def read_lines(name: str) -> list[str]:
    return (SAMPLES / name).read_text().splitlines()


def read_pieces(name: str) -> list[str]:
    return (SAMPLES / name).read_text().removesuffix("\n").split("\n%%\n")


def read_named(name: str) -> dict[str, str]:
    pieces = ("\n" + (SAMPLES / name).read_text().removesuffix("\n")).split("\n%% ")[1:]
    return {title: body for title, _, body in (piece.partition("\n") for piece in pieces)}


ATTRIBUTIONS = read_lines("attributions.txt")
HEADER_BLOCKS = read_named("header-blocks.txt")
HTML_REPLIES = read_named("html-replies.txt")


@pytest.mark.parametrize("width", [400, 72, 60])
@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_attribution_whole_and_wrapped(attribution, width):
    lines = textwrap.wrap(
        attribution, width, break_long_words=False, break_on_hyphens=False
    )  # as mail programs do, which break at blanks alone
    wrapped = "\n".join(lines)

    for old in (f"{wrapped}\n\n> old\n> text", f"{wrapped}\n> old", f"{wrapped}\n\nold\nmore"):
        assert split_reply(f"Hello Ann,\nfine.\n\n{old}\n") == Split("Hello Ann,\nfine.", old)
    assert split_reply(f"{wrapped}\n\n> old\n\nHello").reply == "Hello"
    assert split_reply(f"Hello\n{wrapped}\n> old").reply == "Hello"


@pytest.mark.parametrize(
    "attribution", ["15/11/2021 19:42, Ann Example:", "Ann Example, 15 Nov 2021 19:42:"]
)
def test_name_and_date_without_verb_introduce_a_quote_only(attribution):
    assert split_reply(f"Hello\n\n{attribution}\n> old").reply == "Hello"
    assert split_reply(f"Hello\n\n{attribution}\nmine").quoted == ""


@pytest.mark.parametrize("name", HEADER_BLOCKS)
@pytest.mark.parametrize("rule", ["", "________________________________\n"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_header_block_of_a_program(name, rule, line_end):
    mail = f"Hello Bob,\n\nfine.\n\n{rule}{HEADER_BLOCKS[name]}\n\nold text\n\nAnn"

    assert split_reply(mail.replace("\n", line_end)).reply == "Hello Bob,\n\nfine."


@pytest.mark.parametrize("name", HEADER_BLOCKS)
def test_header_block_right_below_the_reply(name):
    assert split_reply(f"Hello\nfine.\n{HEADER_BLOCKS[name]}\nold").reply == "Hello\nfine."


@pytest.mark.parametrize("footer", read_lines("footers.txt"))
def test_footer_of_a_program(footer):
    assert split_reply(f"Hello Bob,\nok.\n\n{footer}\n") == Split("Hello Bob,\nok.", footer)


@pytest.mark.parametrize("text", read_pieces("own-text.txt"))
def test_own_text_is_kept_whole(text):
    assert split_reply(text) == Split(text, "")


@pytest.mark.parametrize("piece", read_pieces("replies.txt"))
def test_reply_of_a_program(piece):
    mail, _, reply = piece.partition("\n==\n")

    assert split_reply(f"{mail}\n").reply == reply


@pytest.mark.parametrize("name", HTML_REPLIES)
def test_html_reply_of_a_program(name):
    markup, _, reply = HTML_REPLIES[name].partition("\n==\n")
    found = split_html_reply(markup).reply

    assert "\n".join(line.rstrip() for line in found.split("\n")) == reply
