"""A series in mails of its own, in any order, becomes one merge request."""

import datetime as dt
import itertools
import random

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.models import SeriesPart
from incoming_email.monitoring.alerting.incomplete_series import finish_waiting_series
from incoming_email.outcomes import Reason, Status
from incoming_email.patch_mails.grouping import Part, find_group, may_lack_cover
from incoming_email.pipeline import processing, reviewing
from issues import repositories
from issues.models import MergeRequest, MergeRequestVersion, Note, OutgoingEmail
from tests.clones import Clone, git, plant
from tests.factories import ProjectFactory
from tests.incoming_email.patch_mails import send_email

DAY = dt.timedelta(hours=25)


@pytest.fixture
def project(world):
    return world.issue.project


@pytest.fixture
def start(project):
    return plant(project)


@pytest.fixture
def clone(project, start, tmp_path):
    return Clone(project, tmp_path / "clone")


@pytest.fixture
def series(world, clone):
    """Mails as git numbers and threads them, with a cover letter or without."""

    def series(*words, count=3, cover=True, blurb="They all squeak."):
        clone.git("reset", "-q", "--hard", "origin/HEAD")
        for number in range(1, count + 1):
            clone.oil(number + 3)
        more = ["--cover-letter"] if cover else []
        patches = clone.patches("--thread=shallow", *more, *words)
        if cover:
            patches[0] = (
                patches[0]
                .replace(b"*** SUBJECT HERE ***", b"Oil all hinges")
                .replace(b"*** BLURB HERE ***", blurb.encode())
            )
        return [send_email(world, patch, From=world.member.email) for patch in patches]

    return series


def subjects(project, version):
    found = repositories.find_commits(project, base=version.base_sha, head=version.head_sha)
    return [commit.subject for commit in found]


THREE = ["Oil the hinge 4", "Oil the hinge 5", "Oil the hinge 6"]


@pytest.mark.django_db
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1), (1, 2, 3, 0)])
def test_a_series_with_a_cover_letter(world, project, series, order):
    mails = series()
    rows = [world.receive(mails[number]) for number in order]
    merge_request = MergeRequest.objects.get()
    assert [row.outcome for row in rows] == [
        *(f"patch {number}/3 kept" for number in order[:3]),
        f"merge request {merge_request}",
    ]
    assert (merge_request.source_branch, merge_request.title) == (
        "oil-all-hinges",
        "Oil all hinges",
    )
    assert merge_request.description.startswith("They all squeak.")
    assert subjects(project, MergeRequestVersion.objects.get()) == THREE
    assert SeriesPart.objects.count() == 0
    for row in rows:
        row.refresh_from_db()
        assert (row.status, row.merge_request) == (Status.PROCESSED, merge_request)


@pytest.mark.django_db
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_one_patch_with_a_cover_letter(world, project, series, order):
    mails = series(count=1)
    rows = [world.receive(mails[number]) for number in order]
    merge_request = MergeRequest.objects.get()
    assert [row.outcome for row in rows] == [
        f"patch {order[0]}/1 kept",
        f"merge request {merge_request}",
    ]
    assert (merge_request.source_branch, merge_request.title) == (
        "oil-all-hinges",
        "Oil all hinges",
    )
    assert SeriesPart.objects.count() == 0


@pytest.mark.django_db
def test_one_numbered_patch_that_answers_nothing_is_applied_at_once(world, clone, project):
    clone.oil(4)
    (patch,) = clone.patches("--numbered")
    assert b"[PATCH 1/1]" in patch
    row = world.receive(send_email(world, patch, From=world.member.email))
    assert row.outcome == f"merge request {MergeRequest.objects.get()}"


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_series_without_a_cover_letter(world, project, series, order):
    """P11: the parts know each other by References and n/m."""
    mails = series(cover=False)
    rows = [world.receive(mails[number]) for number in order]
    assert rows[-1].outcome == f"merge request {MergeRequest.objects.get()}"
    assert MergeRequest.objects.get().source_branch == "oil-the-hinge-4"
    assert subjects(project, MergeRequestVersion.objects.get()) == THREE


@pytest.mark.django_db
def test_a_series_that_nothing_threads(world, project, series):
    mails = [
        b"\r\n".join(
            line
            for line in mail.split(b"\r\n")
            if not line.startswith((b"In-Reply-To:", b"References:"))
        )
        for mail in series()
    ]
    for mail in mails:
        world.receive(mail)
    assert subjects(project, MergeRequestVersion.objects.get()) == THREE


@pytest.mark.django_db
def test_a_second_revision_updates_the_same_merge_request(world, project, series, start):
    for mail in series():
        world.receive(mail)
    merge_request = MergeRequest.objects.get()
    for mail in series("-v2", count=2, blurb="Fewer hinges."):
        row = world.receive(mail)
    assert row.outcome == f"merge request {merge_request}"
    version = MergeRequestVersion.objects.get(number=2)
    assert (version.revision, version.base_sha) == (2, start)
    assert subjects(project, version) == THREE[:2]
    assert Note.objects.filter(body__startswith="Fewer hinges.").count() == 1


@pytest.mark.django_db
def test_a_second_revision_of_another_name_answers_the_first(world, project, series):
    first = series()
    for mail in first:
        world.receive(mail)
    merge_request = MergeRequest.objects.get()
    cover_id = next(
        line.partition(b": ")[2].decode().strip("<>")
        for line in first[0].split(b"\r\n")
        if line.lower().startswith(b"message-id")
    )
    mails = series("-v2", f"--in-reply-to={cover_id}", cover=False)
    for mail in mails:
        row = world.receive(mail)
    assert row.outcome == f"merge request {merge_request}"
    assert MergeRequestVersion.objects.filter(merge_request=merge_request).count() == 2


@pytest.mark.django_db
def test_a_conflict_of_the_series_is_told_and_changes_nothing(world, project, clone, series):
    mails = series()
    clone.git("reset", "-q", "--hard", "origin/HEAD")
    clone.commit("Rust", door_txt=b"rust\n")
    clone.git("push", "-q", str(clone.origin), "HEAD:refs/heads/main")
    rows = [world.receive(mail) for mail in mails]
    assert (rows[-1].status, rows[-1].reason) == (Status.REJECTED, Reason.PATCH_CONFLICT)
    assert MergeRequest.objects.count() == 0
    assert repositories.find_branches(project) == ["main"]
    assert "Patch 1/3 (“Oil the hinge 4”) does not apply" in OutgoingEmail.objects.get().text


@pytest.mark.django_db
def test_who_waits_for_too_long_is_told_what_is_missing(world, project, series):
    mails = series()
    for number in (0, 2):
        world.receive(mails[number])
    finish_waiting_series(now=timezone.now())
    assert OutgoingEmail.objects.count() == 0
    for _twice in range(2):
        finish_waiting_series(now=timezone.now() + DAY)
    told = OutgoingEmail.objects.get()
    assert (told.recipient, told.subject) == (
        world.member.email,
        "Patches are missing: Oil all hinges",
    )
    assert "Missing: 1/3, 3/3" in told.text
    assert "Received: 0/3, 2/3" in told.text
    assert SeriesPart.objects.count() == MergeRequest.objects.count() == 0


@pytest.mark.django_db
def test_without_its_cover_letter_a_series_is_applied_when_the_time_is_over(world, project, series):
    for mail in series()[1:]:
        row = world.receive(mail)
    assert row.outcome == "patch 3/3 kept"
    finish_waiting_series(now=timezone.now() + DAY)
    assert subjects(project, MergeRequestVersion.objects.get()) == THREE
    assert OutgoingEmail.objects.count() == SeriesPart.objects.count() == 0


@pytest.mark.django_db
def test_a_series_without_end_is_refused(world, series, settings):
    settings.MAX_SERIES_PATCHES = 2
    row = world.receive(series()[0])
    assert (row.status, row.reason) == (Status.REJECTED, Reason.PATCH_REFUSED)


@pytest.mark.django_db
def test_nobody_adds_to_the_series_of_another(world, project, series):
    mails = series()
    for mail in mails[:3]:
        world.receive(mail)
    SeriesPart.objects.update(author=world.issue.author)
    assert world.receive(mails[3]).outcome == "patch 3/3 kept"


@pytest.mark.django_db
def test_the_branch_holds_what_the_series_was_made_from(world, clone, series):
    for mail in series(count=12):
        world.receive(mail)
    version = MergeRequestVersion.objects.get()
    assert git(clone.origin, "rev-parse", f"{version.head_sha}^{{tree}}") == clone.git(
        "rev-parse", "HEAD^{tree}"
    )


def part(key, number, message_id, *references):
    return Part(key, number, message_id, references)


COVERED = [part(n, n, f"c{n}", *(["c0"] if n else [])) for n in range(6)]
BARE = [part(n + 10, n, f"b{n}", *(["b1"] if n > 1 else [])) for n in range(1, 6)]
CHAIN = [part(n + 20, n, f"d{n}", *([f"d{n - 1}"] if n > 1 else [])) for n in range(1, 6)]


@given(st.permutations([*COVERED, *BARE, *CHAIN]))
def test_series_are_told_apart_in_any_order(parts):
    for group in (COVERED, BARE, CHAIN):
        for one in group:
            assert find_group(parts, one.key) == group


def test_of_one_number_the_latest_counts():
    again = part(99, 2, "x", "c0")
    assert find_group([*COVERED, again], 1)[2] == again


def test_a_cover_letter_is_missed_only_where_all_answer_the_same_mail():
    assert may_lack_cover(COVERED[1:])
    assert not may_lack_cover(COVERED)
    assert not may_lack_cover(BARE)
    assert not may_lack_cover(CHAIN)


def test_many_parts_take_no_time():
    parts = [part(n, n, f"p{n}", f"p{n - 1}") for n in range(20_000)]
    random.Random(1).shuffle(parts)
    assert len(find_group(parts, 7)) == 20_000


@pytest.mark.django_db
@pytest.mark.parametrize("answers_notice", [False, True])
def test_a_patch_after_a_rejected_one_waits_for_no_cover_letter(
    world, clone, project, answers_notice
):
    clone.oil(4)
    (patch,) = clone.patches("--numbered")
    wrong = patch.replace(b"-hinge 4\n", b"-hinge 444\n")
    first = world.receive(send_email(world, wrong, From=world.member.email, Message_ID="<1@x.y>"))
    assert first.reason == Reason.PATCH_CONFLICT
    answered = OutgoingEmail.objects.get().message_id if answers_notice else "1@x.y"
    (patch,) = clone.patches("--numbered", "-v2", f"--in-reply-to={answered}")
    row = world.receive(send_email(world, patch, From=world.member.email))
    assert row.outcome == f"merge request {MergeRequest.objects.get()}"


@pytest.mark.django_db
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_a_rejected_patch_its_sender_hears_once(world, series, order):
    cover, patch = series(count=1)
    mails = [cover, patch.replace(b"-hinge 4\r\n", b"-hinge 444\r\n")]
    rows = [world.receive(mails[number]) for number in order]
    assert rows[1].reason == Reason.PATCH_CONFLICT
    told = OutgoingEmail.objects.get()
    assert told.recipient == world.member.email
    finish_waiting_series(now=timezone.now() + DAY)
    assert OutgoingEmail.objects.get() == told
    assert SeriesPart.objects.count() == 0


@pytest.mark.django_db
def test_a_patch_that_is_rejected_by_itself_is_not_called_missing(world, series, settings):
    mails = series(count=2)
    world.receive(mails[0])
    world.receive(mails[1])
    settings.MAX_PATCH_BYTES = 10
    assert world.receive(mails[2]).reason == Reason.PATCH_REFUSED
    told = OutgoingEmail.objects.get()
    finish_waiting_series(now=timezone.now() + DAY)
    assert OutgoingEmail.objects.get() == told


@pytest.mark.django_db
def test_where_no_notice_goes_out_of_the_patch_the_series_is_told_of(world, series, settings):
    cover, patch = series(count=1)
    world.receive(cover)
    settings.MAX_PATCH_BYTES = 10
    row = world.receive(patch.replace(b"\r\n", b"\r\nPrecedence: list\r\n", 1))
    assert (row.reason, OutgoingEmail.objects.count()) == (Reason.PATCH_REFUSED, 0)
    finish_waiting_series(now=timezone.now() + DAY)
    assert "Missing: 1/1" in OutgoingEmail.objects.get().text


@pytest.mark.django_db
def test_a_rejected_patch_that_is_processed_again_has_its_series(world, series, settings):
    cover, patch = series(count=1)
    world.receive(cover)
    settings.MAX_PATCH_BYTES, most = 10, settings.MAX_PATCH_BYTES
    row = world.receive(patch)
    settings.MAX_PATCH_BYTES = most
    reviewing.requeue([row.pk], now=timezone.now())
    assert processing.process(row.pk)
    row.refresh_from_db()
    assert row.outcome == f"merge request {MergeRequest.objects.get()}"


@pytest.mark.django_db
def test_a_git_that_hangs_keeps_no_series_of_another_project_waiting(
    world, project, series, settings
):
    for mail in series()[1:]:
        world.receive(mail)
    part = SeriesPart.objects.get(number=1)
    part.pk, part.inbound_email, part.project = None, None, ProjectFactory()
    part.save()  # alone, it needs no git to be given up
    settings.GIT_TIMEOUT_SECONDS = 0
    finish_waiting_series(now=timezone.now() + DAY)
    assert "Missing: 2/3, 3/3" in OutgoingEmail.objects.get().text
    settings.GIT_TIMEOUT_SECONDS = 60
    finish_waiting_series(now=timezone.now() + DAY)
    assert subjects(project, MergeRequestVersion.objects.get()) == THREE
