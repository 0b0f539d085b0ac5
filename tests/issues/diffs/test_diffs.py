"""What changed, read from the real git: every kind of change, hostile content, limits."""

import os
import time

import pytest
from django.core.cache import cache
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from issues import diffs, repositories
from issues.diffs.letters import show_text
from issues.diffs.parsing import DiffLimits, parse_diff
from issues.diffs.types import Change
from issues.repositories import GitStopped
from tests.growing import assert_linear

ATTACK = "<script>alert('x')</script>"


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


@pytest.fixture
def diff_of(project, start, push):
    return lambda: diffs.find_diff(project, base=start, head=push())


def by_path(diff):
    return {file.path: file for file in diff.files}


def lines_of(file):
    return [(line.mark, line.old, line.new, line.text) for h in file.hunks for line in h.lines]


def test_lines_with_their_numbers(diff_of, clone):
    clone.oil(2)
    (file,) = diff_of().files
    assert (file.change, file.path, file.added, file.removed) == (
        Change.MODIFIED,
        "door.txt",
        1,
        1,
    )
    assert lines_of(file) == [
        (" ", 1, 1, "hinge 1"),
        ("-", 2, None, "hinge 2"),
        ("+", None, 2, "hinge 2, oiled"),
        (" ", 3, 3, "hinge 3"),
        (" ", 4, 4, "hinge 4"),
        (" ", 5, 5, "hinge 5"),
    ]
    assert not file.is_cut


def test_every_kind_of_change(diff_of, clone):
    clone.git("mv", "docs/readme.md", "docs/read me.md")
    (clone.folder / "docs" / "read me.md").chmod(0o755)
    (clone.folder / "door.txt").unlink()
    (clone.folder / "door.txt").symlink_to("docs/read me.md")
    clone.write("i.bin", b"\0\1")
    clone.write('we"ird\n<b>.txt', b"x")
    clone.write("empty", b"")
    clone.commit("All")
    files = by_path(diff_of())
    moved = files["docs/read me.md"]
    assert (moved.change, moved.old_path, moved.has_new_mode) == (
        Change.RENAMED,
        "docs/readme.md",
        True,
    )
    assert (moved.hunks, moved.is_cut) == ((), False)
    link = files["door.txt"]
    assert (link.change, link.is_link, link.added, link.removed) == (Change.RETYPED, True, 1, 30)
    assert lines_of(link)[-1] == ("+", None, 1, "docs/read me.md")
    assert link.hunks[-1].lines[-1].is_unended
    assert (files["i.bin"].is_binary, files["i.bin"].is_cut) == (True, False)
    weird = files['we"ird\n<b>.txt']
    assert (weird.change, weird.added, lines_of(weird)) == (
        Change.ADDED,
        1,
        [("+", None, 1, "x")],
    )
    assert (files["empty"].change, files["empty"].is_cut) == (Change.ADDED, False)


def test_content_that_looks_like_a_diff_is_content(diff_of, clone):
    clone.write("a.txt", b"diff --git a/x b/x\n@@ -1 +1 @@\n\\ No newline\n--- a/x\n+++ b/x\n")
    clone.write("b.txt", b"last\n")
    clone.commit("Trick")
    files = by_path(diff_of())
    assert [text for *_, text in lines_of(files["a.txt"])] == [
        *("diff --git a/x b/x", "@@ -1 +1 @@", "\\ No newline", "--- a/x", "+++ b/x")
    ]
    assert lines_of(files["b.txt"]) == [("+", None, 1, "last")]


def test_code_is_coloured_and_escaped(diff_of, clone):
    clone.write("a.py", f'def f():\n    return "{ATTACK}"\n'.encode())
    clone.write("b.unknown", f"{ATTACK} & \u202e\r\n".encode())
    clone.commit("Code")
    diff = diff_of()
    files = by_path(diff)
    html = [line.html for hunk in files["a.py"].hunks for line in hunk.lines]
    assert '<span class="k">def</span>' in html[0]
    assert "&lt;script&gt;" in html[1]
    assert "<script" not in "".join(html)
    assert files["b.unknown"].hunks[0].lines[0].html == (
        "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; "
        '<span class="unseen">U+202E</span><span class="unseen">U+000D</span>'
    )
    assert diff.is_coloured


def test_colouring_that_takes_too_long_leaves_plain_text(diff_of, clone, settings):
    settings.DIFF_COLOUR_TIMEOUT_SECONDS = 0.001
    clone.write("a.py", b"def f(): <\n")
    clone.commit("Code")
    diff = diff_of()
    assert not diff.is_coloured
    assert diff.files[0].hunks[0].lines[0].html == "def f(): &lt;"


def test_a_text_that_colouring_chokes_on_ends_in_time(diff_of, clone, settings):
    """A method of Java may begin at each of many words: looking takes the square of their number.

    With Pygments 2.21 that is two minutes for this file.
    """
    settings.DIFF_COLOUR_TIMEOUT_SECONDS = 1
    clone.write("Trap.java", b"".join(b"a " * 40 + b"\n" for _ in range(1200)))
    clone.commit("Trap")
    began = time.monotonic()
    diff = diff_of()
    assert time.monotonic() - began < 60
    assert not diff.is_coloured
    assert all(line.html for file in diff.files for hunk in file.hunks for line in hunk.lines)


def test_limits_leave_out_and_say_so(diff_of, clone, settings):
    settings.MAX_DIFF_FILES = 3
    settings.MAX_DIFF_LINES = 5
    settings.MAX_DIFF_FILE_LINES = 4
    settings.MAX_DIFF_LINE_LENGTH = 10
    clone.write("a.txt", b"x\n" * 6)
    clone.write("b.txt", "é".encode() * 11 + b"\nshort\n")
    for name in "cd":
        clone.write(name, b"y\n")
    clone.commit("Much")
    diff = diff_of()
    a, b, c = diff.files
    assert (len(lines_of(a)), a.is_cut, a.added) == (4, True, 6)
    assert (lines_of(b), b.is_cut) == ([("+", None, 1, "é" * 10)], True)
    assert b.hunks[0].lines[0].is_cut
    assert (lines_of(c), c.is_cut, c.added) == ([], True, 1)
    assert (diff.hidden_files, diff.is_cut) == (1, True)


def test_too_much_for_git_still_gives_names_and_counts(diff_of, clone, settings):
    clone.write("big.txt", os.urandom(60_000).hex("\n").encode())
    clone.commit("Big")
    settings.MAX_GIT_OUTPUT_BYTES = 50_000
    (file,) = diff_of().files
    assert (file.path, file.added, file.is_cut, file.hunks) == ("big.txt", 60_000, True, ())


def test_git_is_asked_once(diff_of, clone, monkeypatch):
    clone.oil(1)
    first = diff_of()
    calls = []
    monkeypatch.setattr(repositories, "find_diff", lambda *_, **__: calls.append(1))
    assert diff_of() == first
    assert calls == []


def test_commits_that_are_gone(project, start):
    assert not diffs.find_diff(project, base=start, head="1" * 40).is_readable
    project.pk += 1_000_000
    assert not diffs.find_diff(project, base=start, head=start).is_readable


def test_git_that_is_stopped_twice_is_a_fault(diff_of, clone, settings):
    clone.oil(1)
    clone.git("push", "-q", str(clone.origin), "HEAD:refs/heads/fix")
    settings.GIT_TIMEOUT_SECONDS = 0.00001
    with pytest.raises(GitStopped):
        diff_of()


LIMITS = DiffLimits(files=3, lines=50, file_lines=20, line_length=30)
RAW = b":100644 100644 a b M\0x\01\t1\tx\0\0"
pieces = st.sampled_from(
    [b":", b"\0", b"\n", b"diff --git ", b"@@ -1 +1 @@", b"+", b"-", b"\\", b" ", b"R100", RAW]
)


@hypothesis_settings(deadline=None)
@given(st.lists(pieces | st.binary(max_size=8), max_size=40).map(b"".join), st.booleans())
def test_any_bytes_are_read(out, led):
    diff = parse_diff(RAW * led + out, LIMITS)
    assert len(diff.files) <= 3
    assert sum(len(hunk.lines) for file in diff.files for hunk in file.hunks) <= 50


@given(st.text())
def test_shown_text_holds_no_markup_of_its_own(text):
    shown = show_text(text).replace('<span class="unseen">', "").replace("</span>", "")
    assert not set("<>\"'") & set(shown)


@pytest.mark.growth
def test_time_grows_with_the_length():
    limits = DiffLimits(files=9, lines=10**9, file_lines=10**9, line_length=100)

    def make(count):
        return RAW + b"diff --git a/x b/x\n" + b"@@ -1 +1 @@\n" * count + b"\nx" * count

    assert_linear(lambda out: parse_diff(out, limits), make, 4_000, 40_000)
