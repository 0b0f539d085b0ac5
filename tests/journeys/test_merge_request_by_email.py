"""Patches through the SMTP listener, as `git send-email` sends them: out of order, and again."""

import random
import smtplib

import pytest

from incoming_email.models import InboundEmail
from incoming_email.smtp import listener as smtp
from incoming_email.tasks import process_inbound_email
from issues import repositories
from issues.models import MergeRequest, MergeRequestVersion
from tests.clones import Clone, git, log_of, plant
from tests.incoming_email.patch_mails import send_email
from tests.incoming_email.world import make_world
from tests.servers.dovecot import free_ports

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def start(world):
    return plant(world.issue.project)


@pytest.fixture
def clone(world, start, tmp_path):
    return Clone(world.issue.project, tmp_path / "clone")


@pytest.fixture
def deliver(world):
    (port,) = free_ports(1)
    listener = smtp.start_listener("127.0.0.1", port)

    def deliver(mail):
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.sendmail(world.member.email, [world.merge_request_address()], mail)
        row = InboundEmail.objects.latest("pk")
        process_inbound_email(inbound_email_id=row.pk)
        row.refresh_from_db()
        assert row.status == "processed", row.trace
        return row.outcome

    yield deliver
    listener.stop()


def assert_same(clone, start, branch):
    """`git log` and `git diff` of the branch read as where the patches were made."""
    assert log_of(clone.origin, start, branch) == log_of(clone.folder, start, "HEAD")
    assert git(clone.origin, "diff", start, branch) == clone.git("diff", start, "HEAD")


def make_series(world, clone, *words, count):
    for number in range(1, count + 1):
        clone.oil(number, f"Oil the hinge {number}\n\nIt squeaks, 경첩이 삐걱거린다.")
    patches = clone.patches("--cover-letter", "--thread=shallow", *words)
    patches[0] = (
        patches[0]
        .replace(b"*** SUBJECT HERE ***", b"Oil all hinges")
        .replace(b"*** BLURB HERE ***", b"They squeak.")
    )
    return [send_email(world, patch) for patch in patches]


@pytest.mark.slow
def test_a_series_of_twelve_out_of_order_and_its_second_revision(world, clone, start, deliver):
    project = world.issue.project
    mails = make_series(world, clone, count=12)
    random.Random(12).shuffle(mails)
    outcomes = [deliver(mail) for mail in mails]
    assert all(outcome.endswith("/12 kept") for outcome in outcomes[:-1])
    assert outcomes[-1] == f"merge request {project}!1"
    assert_same(clone, start, "oil-all-hinges")

    clone.git("reset", "-q", "--hard", "origin/HEAD")
    mails = make_series(world, clone, "-v2", count=3)
    outcomes = [deliver(mail) for mail in reversed(mails)]
    assert outcomes[-1] == f"merge request {project}!1"
    assert_same(clone, start, "oil-all-hinges")
    assert MergeRequest.objects.count() == 1
    assert [v.patch_count for v in MergeRequestVersion.objects.order_by("number")] == [12, 3]
    assert repositories.find_pins(project) == {}
