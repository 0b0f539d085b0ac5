"""Links to files in what customers get: found whatever stands around them, in linear time."""

import time

import pytest

from servicedesk.attaching import MAX_NAME, replace_links
from tests.growing import assert_linear

SECRET = "0123456789abcdef" * 2
TARGET = f"](/uploads/{SECRET}/a.png)"


def mark(name, secret):
    assert secret == SECRET
    return f"<{name}>"


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        (f"[a.png{TARGET}", "<a.png>"),
        (f"see ![a.png{TARGET}!", "see <a.png>!"),
        (f"[a{TARGET}[b{TARGET} ![c{TARGET}", "<a><b> <c>"),
        (f"[a \\] b{TARGET}", "<a \\] b>"),
        (f"[a \\[ b{TARGET}", "<a \\[ b>"),
        (f"[x] [a{TARGET}", "[x] <a>"),
        (f"[[a{TARGET}]", "[<a>]"),
        (f"\\![a{TARGET}", "\\<a>"),
        (f"[{TARGET}", "<>"),
        (f"[two\nlines{TARGET}", "<two\nlines>"),
        (f"[{'n' * (MAX_NAME - 1)}{TARGET}", f"<{'n' * (MAX_NAME - 1)}>"),
    ],
)
def test_links_and_pictures_are_replaced(text, replaced):
    assert replace_links(text, mark) == replaced


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"no opening{TARGET}",
        f"\\[a{TARGET}",
        f"[a\\{TARGET}",
        f"a] b{TARGET}",
        f"[{'n' * (MAX_NAME + 1)}{TARGET}",
        "[a](/uploads/0123/a.png)",
        f"[a](/uploads/{SECRET}/a b.png)",
        f"[a](https://elsewhere.example/uploads/{SECRET}/a.png)",
    ],
)
def test_what_is_no_link_stays(text):
    assert replace_links(text, mark) == text


def test_what_is_not_ours_stays():
    text = f"![a{TARGET} and [b{TARGET}"
    assert replace_links(text, lambda name, _: "B" if name == "b" else None) == f"![a{TARGET} and B"


@pytest.mark.growth
@pytest.mark.parametrize(
    "unit",
    [
        "\\[",
        "[",
        "![",
        "\\",
        "[a",
        f"[a{TARGET}",
        TARGET,
        f"\\{TARGET}",
        "](/uploads/",
        f"\\[{TARGET}",
    ],
)
def test_time_grows_with_the_length_only(unit):
    assert_linear(
        lambda text: replace_links(text, mark),
        lambda size: unit * (size // len(unit)) + TARGET,
        100_000,
        800_000,
    )


def test_megabytes_of_brackets_take_no_time():
    """A participant's mail can have them: one of 4 MB took more than half a minute."""
    started = time.process_time()
    text = "\\[" * 2_000_000
    assert replace_links(text, mark) == text
    assert time.process_time() - started < 5
