"""The words around patches: whose they are decides what they can do, and where they stand."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from incoming_email.keys import reply_keys
from incoming_email.models import SeriesPart
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, reviewing
from issues import quick_actions, services
from issues.models import MergeRequest, MergeRequestVersion, Note, Role
from tests.clones import Clone, git, plant
from tests.factories import MembershipFactory
from tests.incoming_email.patch_mails import attach, inline, send_email
from tests.incoming_email.world import make_mail

pytestmark = pytest.mark.django_db
FORWARD = (
    "---------- Forwarded message ---------\nFrom: Eve <eve@example.org>\n"
    "Date: Mon, Jan 1, 2024 at 10:00 AM\nSubject: x\nTo: <ann@example.com>\n\n"
)
COMMANDS = "/draft\n/title Pwned\n/target_branch evil\n/close"


@pytest.fixture
def start(world):
    return plant(world.issue.project)


@pytest.fixture
def clone(world, start, tmp_path):
    clone = Clone(world.issue.project, tmp_path / "clone")
    git(clone.origin, "update-ref", "refs/heads/evil", start)
    clone.oil(3)
    return clone


def assert_untouched(row, *words):
    assert row.status == Status.PROCESSED, (row.reason, row.trace)
    merge_request = MergeRequest.objects.get()
    assert "Pwned" not in merge_request.title
    assert (merge_request.target_branch, merge_request.draft) == ("main", False)
    assert merge_request.state == "opened"
    assert all(word in merge_request.description for word in (*words, *COMMANDS.split("\n")))


def test_a_cover_letter_among_the_files(world, clone):
    clone.oil(4)
    cover, *patches = clone.patches("--cover-letter", "--signature=")
    cover = cover.replace(b"*** BLURB HERE ***", f"Why.\n{COMMANDS}".encode())
    row = world.receive(
        attach(world, [cover, b"".join(patches)], names=["0.patch", "1.mbox"], body="")
    )
    assert_untouched(row, "Why.")


def test_the_message_of_a_commit(world, clone):
    (patch,) = clone.patches()
    message = b"\n\nIt squeaks.\n" + COMMANDS.encode() + b"\n\n---\n"
    row = world.receive(inline(world, patch.replace(b"\n---\n", message, 1)))
    assert_untouched(row, "It squeaks.")


@pytest.mark.parametrize(
    ("author", "is_heeded"),
    [
        ("", True),
        ("From: Me <{member}>\n\n", True),
        ("From: Eve <eve@example.org>\n\n", False),
        ('From: "{member}" <eve@example.org>\n\n', False),
    ],
)
def test_the_remark_of_a_patch_is_that_of_its_author(world, clone, author, is_heeded):
    (patch,) = clone.patches()
    head, _, rest = patch.partition(b"\n\n")
    in_body = author.format(member=world.member.email).encode()
    noted = rest.replace(b"---\n", b"---\nTried it.\n/draft\n\n", 1)
    world.receive(inline(world, head + b"\n\n" + in_body + noted))
    merge_request = MergeRequest.objects.get()
    assert merge_request.draft is is_heeded
    assert ("/draft" in merge_request.description) is not is_heeded


@pytest.mark.parametrize("subject", ["fix", "[PATCH] Oil the hinge 3"])
def test_a_patch_in_a_text_that_was_added_to_the_mail(world, clone, subject):
    """Neither what stands above it nor what its author remarked is the sender's."""
    (patch,) = clone.patches()
    if subject == "fix":
        text = f"Try this.\n{COMMANDS}\n\n{patch.decode()}"
    else:
        text = patch.partition(b"\n\n")[2].decode()
        text = text.replace("---\n", f"---\nTry this.\n{COMMANDS}\n\n", 1)
    part = "--b\nContent-Type: text/plain\n\n"
    row = world.receive(
        make_mail(
            to=world.merge_request_address(),
            sender=world.member.email,
            subject=subject,
            body=f"{part}See below.\n{part}{text}\n--b--".replace("\n", "\r\n"),
            Content_Type="multipart/mixed; boundary=b",
            MIME_Version="1.0",
        )
    )
    assert_untouched(row, "Try this.")


def test_what_is_forwarded_in_the_remark_of_a_patch(world, clone):
    (patch,) = clone.patches()
    remark = f"---\nSee.\n\n{FORWARD}{COMMANDS}\n\n".encode()
    row = world.receive(inline(world, patch.replace(b"---\n", remark, 1)))
    assert_untouched(row, "See.")


def test_what_is_forwarded_beside_a_diff_that_is_an_example(world, clone):
    clone.git("push", "-q", str(clone.origin), "HEAD:refs/heads/fix")
    diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
    body = f"See.\n\n{FORWARD}{COMMANDS}\n\n\n{diff}"
    row = world.receive(
        make_mail(
            to=world.merge_request_address(),
            sender=world.member.email,
            subject="fix",
            body=body.replace("\n", "\r\n"),
        )
    )
    assert_untouched(row, "See.")


def test_what_is_forwarded_above_format_patch_output(world, clone):
    (patch,) = clone.patches()
    body = f"/assign me\nSee.\n\n{FORWARD}{COMMANDS}\n\n{patch.decode()}"
    row = world.receive(
        make_mail(
            to=world.merge_request_address(),
            sender=world.member.email,
            subject="fix",
            body=body.replace("\n", "\r\n"),
        )
    )
    assert MergeRequestVersion.objects.count() == 1
    assert_untouched(row, "See.")
    assert list(MergeRequest.objects.get().assignees.all()) == [world.member]


def test_a_cover_letter_that_waited_for_its_patches(world, clone):
    clone.oil(4)
    patches = clone.patches("--thread=shallow", "--cover-letter")
    blurb = f"Mine.\n/assign me\n\n{FORWARD}{COMMANDS}\n"
    patches[0] = (
        patches[0]
        .replace(b"*** SUBJECT HERE ***", b"Oil")
        .replace(b"*** BLURB HERE ***", blurb.encode())
    )
    mails = [send_email(world, patch, From=world.member.email) for patch in patches]
    world.receive(mails[0])
    part = SeriesPart.objects.get()
    assert [command.line for command in quick_actions.read(part.words).commands] == ["/assign me"]
    for content in mails[1:]:
        row = world.receive(content)
    assert_untouched(row, "Mine.")
    assert list(MergeRequest.objects.get().assignees.all()) == [world.member]


@pytest.fixture
def internal(world, clone):
    """An internal note on a merge request that has a version."""
    world.receive(attach(world, clone.patches()))
    merge_request = MergeRequest.objects.get()
    return services.create_note(
        item=merge_request, author=world.member, body="Between us.", internal=True
    )


def reply_to(world, note):
    routes = reply_keys.reply_routes(
        recipients=[world.member], item=note.item, discussion=note.discussion
    )
    return routes[world.member.pk]


def test_a_reply_with_patches_and_a_forward(world, clone, internal):
    clone.oil(4)
    world.receive(
        attach(
            world,
            clone.patches(since="HEAD~1"),
            body=f"One more.\n\n{FORWARD}{COMMANDS}\n",
            to=reply_to(world, internal).reply_to,
        )
    )
    assert MergeRequestVersion.objects.count() == 2
    merge_request = MergeRequest.objects.get()
    assert (merge_request.state, merge_request.draft) == ("opened", False)


def test_patches_in_answer_to_an_internal_note(world, clone, internal):
    clone.oil(4)
    row = world.receive(
        attach(
            world,
            clone.patches(since="HEAD~1"),
            body="So then.\n",
            to=reply_to(world, internal).reply_to,
        )
    )
    assert row.outcome.startswith("merge request ")
    note = Note.objects.get(body="So then.")
    assert (note.discussion, note.internal) == (internal.discussion, True)


def test_patches_to_the_private_address_in_answer_to_one(world, clone, internal):
    clone.oil(4)
    content = attach(world, clone.patches(since="HEAD~1"), body="So then.\n")
    reference = f"<{reply_to(world, internal).reference}>"
    content = content.replace(b"Subject:", f"References: {reference}\r\nSubject:".encode(), 1)
    row = world.receive(content)
    assert row.status == Status.PROCESSED, (row.reason, row.last_error)
    note = Note.objects.get(body="So then.")
    assert (note.discussion, note.internal) == (internal.discussion, True)


def test_patches_of_somebody_else_are_not_placed_by_these_ids(world, clone, internal):
    other = MembershipFactory(project=world.issue.project, role=Role.DEVELOPER).user
    clone.oil(4)
    content = attach(world, clone.patches(since="HEAD~1"), body="So then.\n", user=other)
    reference = f"<{reply_to(world, internal).reference}>"
    row = world.receive(
        content.replace(b"Subject:", f"References: {reference}\r\nSubject:".encode(), 1)
    )
    assert row.reason == Reason.INTERNAL_ANSWER
    reviewing.release([row.pk], now=timezone.now())
    processing.process(row.pk)
    assert Note.objects.get(body="So then.").discussion != internal.discussion


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_series_in_answer_to_an_internal_note_comes_in_any_order(world, clone, internal, order):
    rows = [world.receive(mail) for mail in answer_by_series(world, clone, internal, order)]
    for row in rows:
        processing.process(row.pk, clock=lambda: timezone.now() + timedelta(minutes=2))
        row.refresh_from_db()
    assert {(row.status, row.reason) for row in rows} == {(Status.PROCESSED, "")}
    assert MergeRequestVersion.objects.count() == 2
    note = Note.objects.get(body__startswith="So then.")
    assert (note.discussion, note.internal) == (internal.discussion, True)


def test_patches_whose_cover_letter_never_comes_are_held(world, clone, internal):
    (mail,) = answer_by_series(world, clone, internal, [2])
    row = world.receive(mail)
    for minutes, status in ((2, Status.PENDING), (11, Status.HELD)):
        assert row.status == Status.PENDING
        later = timezone.now() + timedelta(minutes=minutes)
        assert processing.process(row.pk, clock=lambda later=later: later)
        row.refresh_from_db()
        assert row.status == status
    assert row.reason == Reason.INTERNAL_ANSWER


def answer_by_series(world, clone, note, order):
    """Two patches with a cover letter, of which these are sent in this order."""
    for number in (4, 5):
        clone.oil(number)
    answered = f"--in-reply-to={reply_to(world, note).reference}"
    series = clone.patches("--thread=shallow", "--cover-letter", answered, since="HEAD~2")
    words = {b"*** SUBJECT HERE ***": b"Fix", b"*** BLURB HERE ***": b"So then."}
    for blank, filled in words.items():
        series[0] = series[0].replace(blank, filled)
    return [send_email(world, series[number], From=world.member.email) for number in order]
