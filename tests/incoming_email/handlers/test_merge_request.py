"""Mail with patches becomes a merge request, or says why not."""

import pytest
from django.core import mail as outgoing
from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.keys import reply_keys
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, receiving
from issues import repositories, services
from issues.models import MergeRequest, MergeRequestVersion, Note, OutgoingEmail, Role, Upload
from tests.clones import Clone, git, log_of, plant
from tests.factories import MembershipFactory, MergeRequestFactory
from tests.incoming_email.factories import InboundEmailFactory
from tests.incoming_email.patch_mails import attach, inline, send_email
from tests.incoming_email.world import make_mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(world):
    return world.issue.project


@pytest.fixture
def start(project):
    return plant(project)


@pytest.fixture
def clone(project, start, tmp_path):
    return Clone(project, tmp_path / "clone")


def the_one(row):
    """The merge request that the mail made."""
    assert (row.status, row.reason, row.trace) == (Status.PROCESSED, "", row.trace)
    merge_request = MergeRequest.objects.get()
    assert row.outcome == f"merge request {merge_request}"
    assert row.merge_request == merge_request
    return merge_request


def last_version():
    return MergeRequestVersion.objects.order_by("pk").last()


def assert_same_commits(clone, start, since=None):
    """As `git log` and `git diff` show them in the repository where the patches were made."""
    theirs, version = clone.origin, last_version()
    assert log_of(theirs, version.base_sha, version.head_sha) == log_of(
        clone.folder, since or start, "HEAD"
    )
    assert git(theirs, "rev-parse", f"{version.head_sha}^{{tree}}") == clone.git(
        "rev-parse", "HEAD^{tree}"
    )


def refusal_of(row):
    return next(step["result"] for step in row.trace if step["step"] == "refusal")


def assert_nothing_left(project):
    assert MergeRequest.objects.count() == Upload.objects.count() == 0
    assert repositories.find_branches(project) == ["main"]
    assert repositories.find_pins(project) == {}


def test_subject_is_the_branch_and_the_body_the_description(world, clone, start):
    clone.oil(3)
    row = world.receive(attach(world, clone.patches(), subject="fix-3", body="It squeaks.\n"))
    merge_request = the_one(row)
    assert (merge_request.source_branch, merge_request.target_branch) == ("fix-3", "main")
    assert (merge_request.title, merge_request.description) == ("Oil the hinge 3", "It squeaks.")
    assert merge_request.author == world.member
    assert Upload.objects.count() == 0
    assert_same_commits(clone, start)


def test_files_are_applied_by_name_and_others_are_kept(world, clone, start):
    for number in range(1, 13):
        clone.oil(number)
    patches = clone.patches()
    names = [f"{n:04}-it.patch" for n in range(1, 13)]
    row = world.receive(
        attach(
            world,
            [b"a picture", *reversed(patches)],
            names=["door.txt", *reversed(names)],
        )
    )
    merge_request = the_one(row)
    assert [upload.filename for upload in Upload.objects.all()] == ["door.txt"]
    assert "0001" not in merge_request.description
    assert merge_request.title == "Fix"
    assert_same_commits(clone, start)


def test_an_mbox_and_a_cover_letter_among_the_files(world, clone, start):
    clone.oil(3)
    clone.oil(4)
    patches = clone.patches("--cover-letter", "--signature=")
    cover = patches[0].replace(b"*** BLURB HERE ***", b"Why: they squeak.")
    row = world.receive(attach(world, [cover, b"".join(patches[1:])], names=["0.patch", "1.mbox"]))
    assert "Why: they squeak." in the_one(row).description
    assert last_version().patch_count == 2
    assert_same_commits(clone, start)


def test_commands_say_how_it_is_opened(world, clone, project, start):
    git(clone.origin, "update-ref", "refs/heads/stable", start)
    services.create_label(project=project, name="bug")
    clone.oil(3)
    commands = "/target_branch stable\n/draft\n/label ~bug\n/assign me\n/due 2026-12-24\n"
    body = f"Please.\n\n{commands}/title Oil it\n"
    merge_request = the_one(world.receive(attach(world, clone.patches(), body=body)))
    assert merge_request.target_branch == "stable"
    assert merge_request.draft
    assert (merge_request.title, merge_request.description) == ("Oil it", "Please.")
    assert [label.name for label in merge_request.labels.all()] == ["bug"]
    assert [user.pk for user in merge_request.assignees.all()] == [world.member.pk]
    assert str(merge_request.due_date) == "2026-12-24"


def test_a_branch_that_is_there_needs_no_patch(world, clone, start):
    clone.oil(3)
    clone.git("push", "-q", str(clone.origin), "HEAD:refs/heads/fix")
    row = world.receive(
        make_mail(
            to=world.merge_request_address(), sender=world.member.email, subject="fix", body="See."
        )
    )
    assert the_one(row).description == "See."


def test_git_send_email_of_one_patch(world, clone, start):
    clone.oil(3, "Oil the hinge 3\n\nIt squeaks, Jörg says.")
    (patch,) = clone.patches()
    noted = patch.replace(b"\n---\n", b"\n---\nTried on two doors.\n/draft\n\n", 1)
    merge_request = the_one(world.receive(send_email(world, noted)))
    assert merge_request.source_branch == "oil-the-hinge-3"
    assert merge_request.title == "Oil the hinge 3"
    assert merge_request.description == "Tried on two doors."
    assert merge_request.draft
    assert_same_commits(clone, start)


def test_without_a_remark_the_message_of_the_commit_describes_it(world, clone, start):
    clone.oil(3, "Oil the hinge 3\n\nIt squeaks.")
    merge_request = the_one(world.receive(send_email(world, *clone.patches())))
    assert merge_request.description == "It squeaks."


def test_format_patch_output_pasted_below_a_description(world, clone, start):
    clone.oil(3)
    clone.oil(4)
    pasted = "It squeaks.\n\n" + b"".join(clone.patches()).decode()
    row = world.receive(
        make_mail(
            to=world.merge_request_address(),
            sender=world.member.email,
            subject="fix",
            body=pasted.replace("\n", "\r\n"),
        )
    )
    assert the_one(row).description == "It squeaks."
    assert_same_commits(clone, start)


def test_format_flowed_is_undone_where_it_is_certain(world, clone, start):
    clone.oil(3)
    (patch,) = clone.patches()
    stuffed = b"\n".join(
        b" " + line if line.startswith((b" ", b">")) else line for line in patch.split(b"\n")
    )
    mail = inline(world, stuffed, Content_Type="text/plain; charset=utf-8; format=flowed")
    the_one(world.receive(mail))
    assert git(clone.origin, "rev-parse", f"{last_version().head_sha}^{{tree}}") == clone.git(
        "rev-parse", "HEAD^{tree}"
    )


def test_a_wrapped_patch_is_refused_with_the_line(world, clone, project):
    clone.oil(3)
    (patch,) = clone.patches()
    broken = patch.replace(b"+hinge 3, oiled", b"+hinge 3,\noiled")
    row = world.receive(inline(world, broken))
    assert (row.status, row.reason) == (Status.REJECTED, Reason.PATCH_REFUSED)
    assert "is damaged at line" in refusal_of(row)
    assert_nothing_left(project)


def test_a_conflict_is_told_with_patch_file_and_line(world, clone, project, start):
    clone.oil(3)
    clone.oil(4, "Oil another")
    patches = clone.patches()
    clone.git("reset", "-q", "--hard", "origin/HEAD")
    clone.commit("Rust", door_txt=b"hinge 1\nhinge 2\nhinge 3\nrust\n")
    clone.git("push", "-q", str(clone.origin), "HEAD:refs/heads/main")
    row = world.receive(attach(world, patches))
    assert (row.status, row.reason) == (Status.REJECTED, Reason.PATCH_CONFLICT)
    notice = OutgoingEmail.objects.get(kind="rejection")
    assert "Your patches don't apply. Nothing was changed." in notice.text
    assert "Patch 1/2 (“Oil the hinge 3”) does not apply: “door.txt” is different" in notice.text
    assert_nothing_left(project)


def test_the_sender_reads_it_in_their_language(world, clone, project):
    world.member.language = "ko"
    world.member.save()
    row = world.receive(attach(world, [], subject="nothing"))
    assert row.reason == Reason.BRANCH_REFUSED
    assert "There is no branch" in refusal_of(row)
    assert "“nothing” 브랜치" in OutgoingEmail.objects.get(kind="rejection").text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.patch", b"diff --git a/a b/a\n", "“x.patch” does not say who wrote it and why"),
        ("x.patch", b"From: a@example.com\nSubject: x\n\nnothing\n", "changes no file"),
    ],
)
def test_files_that_are_no_patches(world, clone, project, name, content, said):
    row = world.receive(attach(world, [content], names=[name]))
    assert (row.status, row.reason) == (Status.REJECTED, Reason.PATCH_REFUSED)
    assert said in refusal_of(row)
    assert_nothing_left(project)


def test_a_bare_diff_is_a_file_like_any_other(world, clone, start):
    clone.oil(3)
    diff = clone.git("diff", start, "HEAD").encode()
    clone.git("push", "-q", str(clone.origin), "HEAD:refs/heads/fix")
    world.receive(attach(world, [diff], names=["x.diff"]))
    assert Upload.objects.get().filename == "x.diff"


def test_too_large(world, clone, project, settings):
    settings.MAX_PATCH_BYTES = 200
    clone.oil(3)
    row = world.receive(attach(world, clone.patches()))
    assert "is the most" in refusal_of(row)
    assert_nothing_left(project)


OF_GIT = ("refs/heads/fix", "FETCH_HEAD")


@pytest.mark.parametrize("subject", ["main", "a..b", "../x", "-d", "", "release-2", *OF_GIT])
def test_branches_that_are_refused(world, clone, project, subject):
    project.protected_branches = "release-*"
    project.save()
    clone.oil(3)
    row = world.receive(attach(world, clone.patches(), subject=subject))
    assert (row.status, row.reason) == (Status.REJECTED, Reason.BRANCH_REFUSED)
    assert_nothing_left(project)


def test_a_reporter_may_not_and_a_stranger_learns_nothing(world, clone, project):
    clone.oil(3)
    patches = clone.patches()
    reporter = MembershipFactory(project=project, role=Role.REPORTER).user
    row = world.receive(attach(world, patches, user=reporter))
    assert (row.status, row.reason) == (Status.REJECTED, Reason.NOT_ALLOWED)
    assert_nothing_left(project)
    assert outgoing.outbox == []


def test_a_second_mail_for_the_same_branch_adds_a_version(world, clone, project):
    clone.oil(3)
    merge_request = the_one(world.receive(attach(world, clone.patches())))
    clone.oil(4)
    row = world.receive(attach(world, clone.patches(since="HEAD~1"), body="One more."))
    assert row.outcome == f"merge request {merge_request}"
    assert last_version().number == 2
    assert Note.objects.filter(body="One more.", author=world.member).count() == 1
    empty = world.receive(attach(world, []))
    assert "open merge request for these branches already" in refusal_of(empty)


def test_a_revision_in_reply_updates_the_same_merge_request(world, clone, project, start):
    """P12: `Re: [PATCH v2]` from a mail program, the diff as it is."""
    clone.oil(3)
    first = send_email(world, *clone.patches(), Message_ID="<v1@example.com>")
    merge_request = the_one(world.receive(first))
    clone.git("reset", "-q", "--hard", "origin/HEAD")
    clone.oil(3, "Oil that hinge")
    (patch,) = clone.patches()
    row = world.receive(
        inline(
            world,
            patch,
            subject="Re: [PATCH v2] Oil that hinge",
            In_Reply_To="<v1@example.com>",
        )
    )
    assert row.outcome == f"merge request {merge_request}"
    version = last_version()
    assert (version.number, version.revision, version.base_sha) == (2, 2, start)
    assert len(repositories.find_commits(project, base=start, head=version.head_sha)) == 1


def test_an_attached_revision_takes_the_place_of_the_patches(world, clone, project, start):
    clone.oil(3)
    merge_request = the_one(world.receive(attach(world, clone.patches())))
    clone.git("reset", "-q", "--hard", "origin/HEAD")
    clone.oil(5)
    row = world.receive(attach(world, clone.patches("-v2")))
    assert row.outcome == f"merge request {merge_request}"
    assert_same_commits(clone, start)


def test_the_second_copy_of_a_mail_does_nothing(world, clone):
    clone.oil(3)
    mail = attach(world, clone.patches())
    world.receive(mail)
    assert world.receive(mail).reason == Reason.DUPLICATE
    assert MergeRequestVersion.objects.count() == 1


def test_a_dry_run_says_why_not(world, clone, project):
    message = RawMessage("1", attach(world, [], subject="nothing"))
    row = receiving.new_row(world.mailbox, message, now=timezone.now(), claimed=True)
    end = processing.try_out(row, now=timezone.now())
    assert (end.status, end.reason) == (Status.REJECTED, Reason.BRANCH_REFUSED)
    assert "There is no branch “nothing”" in refusal_of(end)


def test_a_dry_run_leaves_nothing(world, clone, project, repositories_root):
    clone.oil(3)
    before = sorted(map(str, repositories_root.rglob("*")))
    message = RawMessage("1", attach(world, clone.patches()))
    row = receiving.new_row(world.mailbox, message, now=timezone.now(), claimed=True)
    end = processing.try_out(row, now=timezone.now())
    assert (end.status, end.outcome) == (Status.PROCESSED, f"merge request {project}!1")
    assert sorted(map(str, repositories_root.rglob("*"))) == before
    assert MergeRequest.objects.count() == InboundEmail.objects.count() == 0


@pytest.fixture
def reply_to(world, clone):
    """The address by which the member answers about a merge request of one patch."""
    clone.oil(3)
    world.receive(attach(world, clone.patches()))
    merge_request = MergeRequest.objects.get()
    routes = reply_keys.reply_routes(recipients=[world.member], item=merge_request, discussion="")
    return routes[world.member.pk].reply_to


def test_a_reply_with_a_patch_adds_it(world, clone, start, reply_to):
    clone.oil(4)
    mail = attach(world, clone.patches(since="HEAD~1"), body="One more.\n", to=reply_to)
    row = world.receive(mail)
    assert row.outcome == f"merge request {MergeRequest.objects.get()}"
    assert last_version().number == 2
    assert_same_commits(clone, start)
    assert Note.objects.filter(body="One more.", author=world.member).count() == 1


def test_a_reply_with_a_file_that_is_no_patch_is_a_note(world, reply_to):
    row = world.receive(
        attach(world, [b"diff --git a/a b/a\n"], names=["x.patch"], body="Like so?\n", to=reply_to)
    )
    assert row.outcome.startswith("note ")
    assert Upload.objects.get().filename == "x.patch"
    assert last_version().number == 1


def test_an_id_that_two_mails_have_is_the_first_ones(world, clone, project, start):
    """A reporter comments on another merge request with the id of the mail that made this one."""
    clone.oil(3)
    (first,) = clone.patches()
    made = the_one(world.receive(send_email(world, first, Message_ID="<v1@example.com>")))
    other = MergeRequestFactory(project=project)
    InboundEmailFactory(
        message_id="v1@example.com",
        merge_request=other,
        project=project,
        status=Status.PROCESSED,
        finished_at=timezone.now(),
        handler="note",
        outcome="note 1",
        effect_key="another",
    )
    clone.git("reset", "--quiet", "--hard", start)
    clone.oil(4)
    (second,) = clone.patches()
    answer = {"Message_ID": "<v2@example.com>", "In_Reply_To": "<v1@example.com>"}
    row = world.receive(send_email(world, second.replace(b"[PATCH]", b"[PATCH v2]"), **answer))
    assert (row.status, row.merge_request) == (Status.PROCESSED, made)
