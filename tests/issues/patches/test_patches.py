"""What subjects say, which mails a file holds, and what mail programs did to a patch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issues.patches import (
    PatchTag,
    has_diff,
    has_mail_header,
    mend,
    parse_subject,
    split_mailbox,
    summarize,
    to_mailbox,
)


@pytest.mark.parametrize(
    ("subject", "tag"),
    [
        ("[PATCH] Oil", PatchTag("Oil")),
        ("[PATCH v2 3/7] Oil  it", PatchTag("Oil it", 2, 3, 7, is_numbered=True)),
        ("[PATCH 00/12] Oil", PatchTag("Oil", 1, 0, 12, is_numbered=True)),
        ("Re: [PATCH v2] Oil", PatchTag("Oil", 2)),
        (
            "RE: AW: 답장: [RFC PATCH net-next,v3,1/2] Oil",
            PatchTag("Oil", 3, 1, 2, is_numbered=True),
        ),
        ("[list] [PATCHv4 2/3] Oil", PatchTag("Oil", 4, 2, 3, is_numbered=True)),
        ("[patch] Oil", PatchTag("Oil")),
        ("[PATCH 5/3] Oil", PatchTag("Oil")),
        ("[PATCH 0/0] Oil", PatchTag("Oil", 1, 0, 1, is_numbered=True)),
        ("[PATCH 1/1] Oil", PatchTag("Oil", is_numbered=True)),
        ("[PATCH]", PatchTag("")),
        ("Oil [PATCH] it", None),
        ("[DISPATCH] Oil", None),
        ("fix-the-door", None),
        ("", None),
        ("[PATCH 99999/99999] Oil", PatchTag("Oil")),
    ],
)
def test_subjects(subject, tag):
    assert parse_subject(subject) == tag


@given(st.text())
def test_any_subject_is_read(subject):
    parse_subject(subject)
    parse_subject(f"[PATCH {subject}] x")


MAIL = b"From: A <a@example.com>\nSubject: [PATCH] x\n\nText\n---\ndiff --git a/e b/e\n"
SEPARATOR = b"From " + b"1" * 40 + b" Mon Sep 17 00:00:00 2001\n"


def test_a_sentence_that_starts_with_from_splits_nothing():
    """P05."""
    mail = MAIL.replace(b"Text\n", b"From somewhere else it came\nFrom: nobody\n")
    assert split_mailbox(SEPARATOR + mail) == [mail]
    assert split_mailbox(mail) == [mail]


@pytest.mark.parametrize(
    "separator",
    [
        SEPARATOR,
        b"From a@example.com Wed Nov 25 08:00:00 2026\r\n",
        b"From - Wed Nov  5 08:00 2026\n",
    ],
)
def test_a_mailbox_is_split(separator):
    assert split_mailbox(separator + MAIL + separator + MAIL) == [MAIL, MAIL]
    assert split_mailbox(MAIL + separator + MAIL) == [MAIL, MAIL]


def test_a_mailbox_is_written_so_that_it_can_be_told_apart():
    mail = MAIL.replace(b"Text", b"From a Mon Sep 17 00:00:00 2001\n>From b")
    written = to_mailbox([mail, MAIL[:-1]], date="Wed, 25 Nov 2026 08:00:00 GMT")
    assert written.count(b"\nFrom ") == 1
    assert b"\n>From a Mon" in written
    assert b"\n>>From b" in written
    assert written.count(b"\nDate: Wed, 25 Nov 2026 08:00:00 GMT\n") == 2


def test_what_has_no_mail_header_is_no_mail():
    assert has_mail_header(MAIL)
    assert has_mail_header(MAIL.replace(b"\n", b"\r\n"))
    assert not has_mail_header(b"diff --git a/e b/e\n--- a/e\n+++ b/e\n")
    assert not has_mail_header(b"Subject: x\n\nFrom: nobody\n")


@pytest.mark.parametrize(
    "diff",
    [
        b"diff --git a/e b/e\nnew file mode 100644\nindex 0000000..e69de29\n",
        b"diff --git a/e b/e\nold mode 100644\nnew mode 100755\n",
        b"--- a/e\n+++ b/e\n@@ -1 +1 @@\n-a\n+b\n",
    ],
)
def test_a_patch_needs_no_hunk(diff):
    """P14."""
    assert has_diff(b"Text\n" + diff)
    assert summarize(diff).files == 1
    assert summarize(diff).is_whole


def test_text_is_no_patch():
    assert not has_diff(b"--- \nI wrote a diff --git once\n> diff --git a/e b/e\n")


HUNK = b"--- a/e\n+++ b/e\n@@ -1,3 +1,3 @@ head\n one\n-two\n+three two\n four\n-- \n2.39\n"


def test_a_wrapped_line_breaks_the_sum():
    assert summarize(HUNK).is_whole
    assert not summarize(HUNK.replace(b"three two", b"three\ntwo")).is_whole
    assert not summarize(HUNK[: HUNK.index(b" four")]).is_whole


def test_crlf_of_the_way_goes_and_crlf_of_a_file_stays():
    wired = HUNK.replace(b"\n", b"\r\n")
    assert mend(wired) == HUNK
    mixed = HUNK.replace(b"two\n", b"two\r\n")
    assert mend(mixed) == mixed
    assert mend(mixed.replace(b"\n", b"\r\n")) == mixed


def test_flowed_is_undone_where_the_sum_proves_it():
    stuffed = HUNK.replace(b"\n one", b"\n  one").replace(b"\n four", b"\n  four")
    assert mend(stuffed, is_flowed=True) == HUNK
    assert mend(stuffed) == stuffed
    broken = stuffed.replace(b"three two", b"three \ntwo")
    assert mend(broken, is_flowed=True) == HUNK
    hopeless = stuffed.replace(b"three two", b"three\ntwo")
    assert mend(hopeless, is_flowed=True) == hopeless
    assert mend(HUNK, is_flowed=True) == HUNK


@given(st.binary(max_size=400), st.booleans())
def test_nothing_raises(content, is_flowed):
    mend(content, is_flowed=is_flowed)
    mend(HUNK + content, is_flowed=is_flowed)
    assert b"".join(split_mailbox(content)) == content.lstrip(b"\r\n")
    summarize(content)
    has_mail_header(content)
    to_mailbox([content], date="Wed, 25 Nov 2026 08:00:00 GMT")


@pytest.mark.growth
@pytest.mark.parametrize(
    "piece",
    [b"From ", b"From a Mon Sep ", b"--- ", b"[", b"@@ -1 +1 @@\n", b" \n", b"\r", b"+" * 99],
)
def test_time_grows_with_the_length(piece):
    """2 MiB of the worst; a quadratic step would take hours."""
    content = piece * (2_000_000 // len(piece))
    mend(content, is_flowed=True)
    split_mailbox(content)
    summarize(content)
    to_mailbox([content], date="Wed, 25 Nov 2026 08:00:00 GMT")
    parse_subject(content.decode() + "[PATCH] x")
