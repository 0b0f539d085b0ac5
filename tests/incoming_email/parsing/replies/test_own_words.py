"""The lines of a mail that others wrote are found, so that no command in them counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.parsing.replies.own_words import MAX_DOUBTFUL, find_others
from incoming_email.parsing.replies.splitting import Split, split_reply
from incoming_email.parsing.types import OthersLines
from issues.marked_text import split_lines
from tests.growing import assert_linear

FORWARD = "---------- Forwarded message ---------\nFrom: Bo <b@example.com>\nDate: today\n\n"

ATTRIBUTION = "On Mon, Jan 1, 2024 at 10:00 AM Bo <bo@example.com> wrote:"

HISTORY = "-----Original Message-----\nFrom: Bo\nSent: Monday\n\n"


def others_in(text):
    in_text, _in_reply = find_others(text, split_reply(text))
    return sorted(in_text.numbers)


def kept_whole(text):
    return Split(text, "", tuple(range(len(split_lines(text)))))


def commands_of_others(text):
    lines = split_lines(text)
    return [number for number in others_in(text) if lines[number].startswith("/")]


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("/close", []),
        ("Hi\n/close\nBye", []),
        ("/close\n\n-- \nAnn\n/close", [4]),
        (f"/close\n\n{FORWARD}/close", [6]),
        (f"Hi\n\n{FORWARD}/close\n\n/close", [6, 8]),
        (f"{FORWARD}/close", [4]),
        (f"/close\n\n{HISTORY}/close\n/etc/passwd", [6, 7]),
        (f"/close\r\r{FORWARD}/close".replace("\n", "\r"), [6]),
    ],
)
def test_lines_of_others(text, others):
    assert commands_of_others(text) == others


def test_a_quote_is_anothers_and_a_blank_line_nobodys():
    text = "/close\n\nOn Mon, Jan 1, 2024 at 10:00 AM Bo <bo@example.com> wrote:\n> /close"
    assert others_in(text) == [2, 3]


def test_nothing_is_looked_for_where_no_line_could_be_a_command():
    text = f"Hi\n\n{FORWARD}and/or"
    assert find_others(text, split_reply(text)) == (OthersLines(), OthersLines())


def test_a_text_too_long_to_be_read_commands_nothing():
    text = "x\n" * 30_000 + "/close"
    assert 30_000 in others_in(text)


BLOCK = "From: Carl <c@z.example>\nSent: Monday\nTo: b@y.example\nSubject: door\n"


@pytest.mark.parametrize(
    "top",
    [
        BLOCK,
        f"________________________________\n{BLOCK}",
        f"-----Original Message-----\n{BLOCK}",
        "Von: Carl <c@z.example>\nGesendet: Montag\nAn: b@y.example\nBetreff: door\n",
        "----- Forwarded message from Carl <c@z.example> -----\n",
        "---------- Iletti eteenpain ----------\nFoo: Carl\n",
        "----- Forwarded message from Carl of the Customer's\n<c@z.example> -----\n",
        "—————— Iletti eteenpain ——————\n",
        "========== Iletti eteenpain ==========\n",
    ],
)
@pytest.mark.parametrize("above", ["", "FYI\n\n", "Hi Bo,\n\n/label ~bug\n\nBest\nAnn\n\n"])
def test_a_forward_that_is_kept_whole_commands_nothing(top, above):
    """As the subject says that it is a forward, all of it is the reply."""
    text = f"{above}{top}\nThe door squeaks.\n\n/close\n\n/title Pwned"
    others = find_others(text, kept_whole(text))[0].numbers
    lines = split_lines(text)
    own = [line for at, line in enumerate(lines) if at not in others and line.startswith("/")]
    assert own == (["/label ~bug"] if "/label" in above else [])


@pytest.mark.parametrize(
    "line", ["-----", "--- x", "***Mind this***", "== x", "- - x - -", "a ---"]
)
def test_what_people_draw_themselves_is_no_top_of_a_mail(line):
    text = f"Hi\n\n{line}\n\n/close"
    assert find_others(text, kept_whole(text)) == (OthersLines(), OthersLines())


def told(text, **body):
    """Lines that could be commands, of which the sender is told that they do not count."""
    in_text, in_reply = find_others(text, split_reply(text), **body)
    assert in_text.doubtful == in_reply.doubtful
    return list(in_text.doubtful)


@pytest.mark.parametrize(
    "above",
    [
        "=== Notes ===",
        "--- a/door.txt ---",
        "------ see this ------",
        "Fill in: \n__________",
        "Steps:\nFrom: main menu\nTo: shop\nSubject: x\nDate: 2024-01-02",
        "Name: Ann\nFrom: ann@x.example\nTo: b@x.example",
        "From: ann@x.example\nTo: b@x.example",
        "Fixed.\n\nSent from my iPhone",
        "Fixed.\n\n-- \nAnn",
        "Fixed.\n\n-- \n\u200b/title x",
        ATTRIBUTION,
    ],
)
def test_the_sender_is_told_of_a_command_below_what_may_be_their_own(above):
    assert told(f"{above}\n\n/close")[-1] == "/close"


@pytest.mark.parametrize("end", ["\n\n", "\n", "\n\nHello\n\nSent from my iPhone\n\n"])
@pytest.mark.parametrize(
    "top",
    [
        FORWARD,
        HISTORY,
        "Begin forwarded message:\n\nFrom: Bo <b@example.com>\nSubject: x\nDate: 1 May 2026\n",
        "From: Carl <c@z.example>\nSent: Monday\nTo: b@y.example\nSubject: door\n",
        "____________________\nFrom: Carl\nSent: 1 May 2026\nTo: Bo\nSubject: door\n",
        "Von: Carl <c@z.example>\nGesendet: Montag\nAn: b@y.example\nBetreff: door\n",
        "----- Forwarded message from Carl <c@z.example> -----\n",
        ATTRIBUTION,
        f"{ATTRIBUTION}\n> /close\n> Bo wrote:\n> > /close",
        "##- Please type your reply above this line -##",
    ],
)
def test_but_not_of_one_in_a_mail_of_a_known_form(top, end):
    text = f"Fixed.\n\n{top}{end}/close" if not top.endswith("/close") else f"Fixed.\n\n{top}"
    assert "/close" in text
    assert told(text) == []


def test_nor_of_one_in_code_below_a_signature():
    assert told("Fixed.\n\n-- \nAnn\n```\n/close\n```") == []


def test_told_of_a_command_in_a_text_below_a_banner():
    assert told("[EXTERNAL] Be careful.\n\nFixed.\n/close", own_length=1) == ["/close"]


def test_a_limited_number_is_told():
    assert len(told("=== x ===\n" + "/close\n" * 1000)) == MAX_DOUBTFUL


def test_a_sign_without_width_hides_no_command_of_others():
    text = f"Hi\n\n{FORWARD}\u200b/close"
    assert 6 in others_in(text)


LINES = st.one_of(
    st.sampled_from(
        ["/close", "-- ", "> x", "text", "", FORWARD.strip(), "On 1 May 2026, Bo wrote:", "```"]
    ),
    st.text(max_size=10),
)


@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]))
def test_numbers_are_those_of_the_reader_of_commands(lines, end):
    text = end.join(lines)
    halves = split_reply(text)
    found = find_others(text, halves)
    for source, others in zip((text, halves.reply), found, strict=True):
        split = split_lines(source)
        assert all(split[number].strip() for number in (*others.numbers, *others.below))


@given(st.lists(LINES, max_size=12).map("\n".join) | st.text(), st.integers(0, 9) | st.none())
def test_it_never_raises(text, own_length):
    find_others(text, split_reply(text), own_length=own_length)


@pytest.mark.parametrize(
    ("text", "in_text", "in_reply"),
    [
        (f"Yes.\n\n{ATTRIBUTION}\n> quoted\n/close", (4,), (2,)),
        (f"{ATTRIBUTION}\n> quoted\n/close", (2,), (0,)),
        (f"{ATTRIBUTION}\n> quoted\nmore\n/close", (2,), (0,)),
        (f"{ATTRIBUTION}\n> quoted\n\n/close", (), ()),
        (f"{ATTRIBUTION}\n> quoted\n> \n/close", (), ()),
    ],
)
def test_the_line_below_a_quote_is_known_where_the_quote_is_cut(text, in_text, in_reply):
    halves = split_reply(text)
    assert "quoted" not in halves.reply
    found = find_others(text, halves)
    assert [others.below for others in found] == [set(in_text), set(in_reply)]


@pytest.mark.parametrize(
    ("text", "length", "in_text", "in_reply"),
    [
        ("Hi\n/close\n\nlist\n/close", 2, (3, 4), (3, 4)),
        ("/close\n\n/close", 1, (2,), (2,)),
        ("/close\n\n/close", 0, (0, 2), (0, 2)),
        (f"Hi\n\n{ATTRIBUTION}\n> /x\n\nlist\n/close", 4, (2, 3, 5, 6), (2, 3)),
        (f"/x {ATTRIBUTION}\n> /x\n\n/close\n\n/close", 4, (0, 1, 5), (3,)),
    ],
)
def test_what_stands_below_the_senders_own_body_is_anothers(text, length, in_text, in_reply):
    found = find_others(text, split_reply(text), own_length=length)
    assert [others.numbers for others in found] == [set(in_text), set(in_reply)]


@pytest.mark.growth
@pytest.mark.parametrize("unit", ["/close\n", "-- \n/x\n", "> a\n", "/a ", "On x wrote:\n/x\n"])
def test_time_grows_with_the_length_only(unit):
    def find(text):
        find_others(text, kept_whole(text))

    assert_linear(find, lambda size: unit * (size // len(unit)), 10_000, 80_000)
