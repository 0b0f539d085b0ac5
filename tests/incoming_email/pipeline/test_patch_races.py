"""Two mails for one branch at once: the second builds on the first or is told; none is lost."""

import pytest
from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, receiving
from issues import repositories
from issues.models import MergeRequest, MergeRequestVersion, Project
from tests.clones import Clone, git, plant
from tests.incoming_email.patch_mails import attach, send_email
from tests.incoming_email.pipeline.test_races import at_once
from tests.incoming_email.world import make_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def clone(world, tmp_path):
    plant(world.issue.project)
    return Clone(world.issue.project, tmp_path / "clone")


def process_at_once(world, mails):
    messages = [RawMessage(f"1:{number}", mail) for number, mail in enumerate(mails)]
    rows = receiving.store(world.mailbox, messages, now=timezone.now(), claimed=False)
    at_once(*[lambda pk=row.pk: processing.process(pk) for row in rows])
    return InboundEmail.objects.order_by("pk")


def assert_the_branch_is_the_last_version(project):
    last = MergeRequestVersion.objects.order_by("number").last()
    assert repositories.find_head(project, "fix") == last.head_sha
    assert set(MergeRequestVersion.objects.values_list("branch_move", flat=True)) == {"done"}
    assert repositories.find_pins(project) == {}


def test_patches_that_fit_together_are_both_applied(world, clone):
    patches = []
    for number in (3, 20):
        clone.git("reset", "-q", "--hard", "origin/HEAD")
        clone.oil(number)
        patches += clone.patches()
    rows = process_at_once(world, [attach(world, [patch]) for patch in patches])
    project = Project.objects.get()
    assert [row.outcome for row in rows] == [f"merge request {project}!1"] * 2
    assert MergeRequestVersion.objects.count() == 2
    door = git(clone.origin, "show", "fix:door.txt")
    assert "hinge 3, oiled\n" in door
    assert "hinge 20, oiled\n" in door
    assert_the_branch_is_the_last_version(project)


def test_of_patches_that_do_not_fit_together_one_wins_and_the_other_is_told(world, clone):
    mails = []
    for words in (b"rust\n", b"paint\n"):
        clone.git("reset", "-q", "--hard", "origin/HEAD")
        clone.commit("Change", door_txt=words)
        mails.append(attach(world, clone.patches()))
    rows = process_at_once(world, mails)
    ended = sorted((row.status, row.reason) for row in rows)
    assert ended == [(Status.PROCESSED, ""), (Status.REJECTED, Reason.PATCH_CONFLICT)]
    assert MergeRequest.objects.count() == MergeRequestVersion.objects.count() == 1
    assert_the_branch_is_the_last_version(Project.objects.get())


def test_the_last_parts_of_a_series_at_once_complete_it_once(world, clone):
    for number in (3, 4, 5, 6):
        clone.oil(number)
    patches = clone.patches("--thread=shallow")
    rows = process_at_once(world, [send_email(world, patch) for patch in patches])
    outcomes = sorted(row.outcome for row in rows)
    assert outcomes[0] == f"merge request {Project.objects.get()}!1"
    assert [outcome.startswith("patch ") for outcome in outcomes] == [False, True, True, True]
    assert MergeRequestVersion.objects.get().patch_count == 4
