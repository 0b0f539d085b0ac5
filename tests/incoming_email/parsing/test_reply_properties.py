"""What holds for every text: nothing is lost, nothing is cut twice, time grows with the length."""

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incoming_email.parsing.replies.splitting import split_reply
from tests.depth import DEPTH
from tests.growing import assert_linear

PIECES = [
    "",
    " ",
    "text",
    "Yes, do it.",
    "> quote",
    ">> deeper",
    "> On 3 May 2024, Ann <a@example.com> wrote:",
    "On 3 May 2024, at 10:00, Ann <ann@example.com> wrote:",
    "On 3 May 2024 Ann <",
    "ann@example.com> wrote:",
    "-- ",
    "--",
    "---",
    "____________",
    "===",
    "Sent from my iPhone",
    "-----Original Message-----",
    "---------- Forwarded message ---------",
    "Begin forwarded message:",
    "From: ann@example.com",
    "Sent: Friday",
    "Subject: x",
    "To: Bob",
    "```",
    "@@ -1,2 +1,2 @@",
    "| bar",
    "AB> initials",
    "--- Reply above this line ---",
    "This message is confidential.",
    "Tel. +49 30 1234567",
    "reply On Wed, Apr 4, 2012 at 3:59 PM, ann@example.com wrote:",
    "2024/5/3 Ann <ann@example.com>",
]

TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=20)), max_size=25).map("\n".join),
)
OWN = frozenset({"text", "Yes, do it."})


def solid(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [line for line in lines if line.strip()]


@settings(max_examples=1000 * DEPTH, deadline=None)
@given(TEXTS)
def test_every_line_is_in_one_of_the_halves(text):
    split = split_reply(text)
    reply, quoted = solid(split.reply), solid(split.quoted)
    lines = solid(text)

    assert set(lines) <= {*reply, *quoted}
    assert len(lines) <= len(reply) + len(quoted)


@settings(max_examples=1000 * DEPTH, deadline=None)
@given(TEXTS)
def test_halves_keep_the_order_of_the_input(text):
    split = split_reply(text)

    for half in (split.reply, split.quoted):
        rest = iter(solid(text))
        assert all(any(there.startswith(line) for there in rest) for line in solid(half))


@settings(max_examples=1000 * DEPTH, deadline=None)
@given(TEXTS)
def test_second_split_cuts_nothing(text):
    once = split_reply(text).reply

    assert split_reply(once).reply == once


@settings(max_examples=1000 * DEPTH, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=20).map("\n\n".join))
def test_own_text_is_never_all_cut(text):
    if OWN & set(text.split("\n")):
        assert split_reply(text).reply.strip()


GROWING = {
    "one line": "x",
    "quote marks": ">\n",
    "quoted text": "> some quoted text\n",
    "attribution without line end": "On 3 May 2024 Ann wrote ",
    "attribution begins": "On 3 May 2024 at 10:00\n",
    "addresses": "x ann@example.com at 10:00 <\n",
    "spaces": " ",
    "short lines": "ab\n",
    "blank lines": "\n",
    "rules": "---\n",
    "dashes": "-",
    "header lines": "From: a\n",
    "fences": "```x\n",
    "hunks": "@@ -1,99 +1,99 @@\n a\n",
    "answers": "> q\nanswer\n",
    "signatures": "a\n-- \nb\n",
    "phones": "Sent from my iPhone\n",
    "links": "[a](b",
    "stars": "*_\\",
}


@pytest.mark.growth
@pytest.mark.parametrize("unit", GROWING.values(), ids=GROWING.keys())
def test_time_grows_with_the_length(unit):
    assert_linear(split_reply, lambda size: unit * (size // len(unit)), 40_000, 160_000)


@pytest.mark.growth
@pytest.mark.parametrize("unit", GROWING.values(), ids=GROWING.keys())
def test_a_megabyte_takes_seconds_at_most(unit):
    begin = process_time()
    split_reply(unit * (1_000_000 // len(unit)))

    assert process_time() - begin < 10
