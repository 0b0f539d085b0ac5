"""Faults with mailed patches that users of other programs reported (group P)."""

import pytest

from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.message import parse
from issues.models import MergeRequest, MergeRequestVersion, Note
from tests.clones import Clone, git, plant
from tests.incoming_email.patch_mails import attach, inline, send_email
from tests.incoming_email.world import make_mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def clone(world, tmp_path):
    plant(world.issue.project)
    return Clone(world.issue.project, tmp_path / "clone")


def assert_same_tree(clone):
    head = MergeRequestVersion.objects.get().head_sha
    assert git(clone.origin, "rev-parse", f"{head}^{{tree}}") == clone.git(
        "rev-parse", "HEAD^{tree}"
    )


def author_of(clone):
    head = MergeRequestVersion.objects.get().head_sha
    return git(clone.origin, "log", "-1", "--format=%an <%ae>", head).strip()


def test_a_signed_patch(world, clone):
    """P01: the patch inside multipart/signed is a patch, its signature is none."""
    clone.oil(3)
    (patch,) = clone.patches()
    body = patch.partition(b"\n\n")[2].decode()
    parts = (
        f"--b\nContent-Type: text/plain; charset=utf-8\n\n{body}\n"
        "--b\nContent-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----\n\nx\n--b--"
    )
    world.receive(
        make_mail(
            to=world.merge_request_address(),
            sender=world.member.email,
            subject="[PATCH] Oil the hinge 3",
            body=parts.replace("\n", "\r\n"),
            Content_Type='multipart/signed; boundary="b"; protocol="application/pgp-signature"',
            MIME_Version="1.0",
        )
    )
    assert_same_tree(clone)


@pytest.mark.parametrize("field", ["X_Original_From", "Reply_To"])
def test_a_list_that_rewrites_from(world, clone, field):
    """P03: the commit is Jane's; what may be done is asked of the key's owner."""
    clone.oil(3)
    mail = inline(
        world,
        *clone.patches(),
        From="Jane Doe via dev <dev@lists.example.com>",
        **{field: "Jane Doe <jane@example.com>"},
    )
    world.receive(mail)
    assert author_of(clone) == "Jane Doe <jane@example.com>"
    assert MergeRequest.objects.get().author == world.member


def test_a_from_that_no_list_rewrote_stays(world, clone):
    clone.oil(3)
    world.receive(
        inline(
            world,
            *clone.patches(),
            From="Joe <joe@example.com>",
            Reply_To="Jane Doe <jane@example.com>",
        )
    )
    assert author_of(clone) == "Joe <joe@example.com>"


def test_a_leading_from_in_the_text_is_the_author(world, clone):
    clone.oil(3)
    (patch,) = clone.patches()
    world.receive(
        inline(world, patch.replace(b"\n\n", b"\n\nFrom: Jane Doe <jane@example.com>\n\n", 1))
    )
    assert author_of(clone) == "Jane Doe <jane@example.com>"
    assert MergeRequest.objects.get().description == ""


def test_a_mail_that_speaks_of_another_with_a_patch_is_none(world, clone):
    """P04: no branch of that name, and no patch to apply."""
    clone.oil(3)
    (patch,) = clone.patches()
    text = b"Look at this:\n\n" + patch.partition(b"\n")[2]
    mail = make_mail(
        to=world.merge_request_address(),
        sender=world.member.email,
        subject="what-he-sent",
        body=text.decode().replace("\n", "\r\n"),
    )
    row = world.receive(mail)
    assert (row.status, row.reason) == (Status.REJECTED, Reason.BRANCH_REFUSED)
    assert MergeRequest.objects.count() == 0
    reply = mail.replace(world.merge_request_address().encode(), world.reply_address().encode())
    world.receive(reply.replace(b"Message-ID: <", b"Message-ID: <2"))
    assert Note.objects.get(author=world.member).body.startswith("Look at this:")


def test_a_bot_with_brackets_in_its_name(world, clone):
    """P07, through the whole of the way."""
    bot = "dependabot[bot] <49699333+dependabot[bot]@users.noreply.example.com>"
    clone.write("a.txt", b"a\n")
    clone.git("add", "-A")
    clone.git("commit", "-q", "-m", "Bump", f"--author={bot}")
    world.receive(attach(world, clone.patches()))
    assert author_of(clone) == bot


def test_commits_without_any_message_text(world, clone):
    """P11: `[PATCH 1/2]`, whose text is a Signed-off-by and a diff."""
    for number in (3, 4):
        clone.oil(number, f"Oil {number}\n\nSigned-off-by: Jörg <j@example.com>")
    for patch in clone.patches("--thread=shallow"):
        row = world.receive(send_email(world, patch))
    assert row.outcome.startswith("merge request ")
    assert_same_tree(clone)


def test_nul_in_a_patch(world, clone):
    """P13: texts lose it, git gets the file as it is."""
    clone.commit("Add", data_bin=b"a\0b\n")
    clone.git("config", "diff.always.binary", "false")
    clone.write(".gitattributes", b"*.bin diff\n")
    (patch,) = clone.patches()
    assert b"\0" in patch
    world.receive(attach(world, [patch], body="a\0b"))
    head = MergeRequestVersion.objects.get().head_sha
    assert git(clone.origin, "show", f"{head}:data.bin") == "a\0b\n"
    assert MergeRequest.objects.get().description == "ab"


def test_only_an_empty_file_and_a_mode(world, clone):
    """P14: a patch without hunks."""
    (clone.folder / "door.txt").chmod(0o755)
    clone.commit("Empty", e=b"")
    world.receive(send_email(world, *clone.patches()))
    assert_same_tree(clone)


def test_a_request_to_pull_fetches_nothing(world, clone):
    """P15: an address of a repository in a text is a text."""
    body = (
        "are available in the git repository at:\r\n\r\n  git://git.example.com/x.git\r\n"
        "  tags/v1\r\n\r\nfor you to fetch changes up to 1234567:\r\n"
    )
    row = world.receive(
        make_mail(
            to=world.merge_request_address(),
            sender=world.member.email,
            subject="[GIT PULL] Doors",
            body=body,
        )
    )
    assert (row.status, row.reason) == (Status.REJECTED, Reason.BRANCH_REFUSED)
    world.receive(make_mail(to=world.reply_address(), sender=world.member.email, body=body))
    assert "git://git.example.com/x.git" in Note.objects.get(author=world.member).body


def test_a_diff_in_html_is_no_patch():
    html = b"Content-Type: text/html\r\n\r\n<pre>diff --git a/a b/a\n+++ b/a\n</pre>"
    assert parse(b"From: a@example.com\r\n" + html).patch_texts == ()
