"""An answer by mail to a comment on a line of a diff stands at that line."""

import pytest

from incoming_email.outcomes import Status
from issues import diffs, services
from issues.diffs import Anchor, Side
from issues.models import Note, NotePosition
from tests.clones import Clone, plant
from tests.factories import MembershipFactory
from tests.incoming_email.world import make_mail
from tests.issues.outgoing import hear, last_mail, plain
from tests.issues.proposals import propose

pytestmark = pytest.mark.django_db


def test_a_reply_lands_at_the_same_line(world, client, tmp_path):
    project = world.issue.project
    plant(project)
    clone = Clone(project, tmp_path / "clone")
    clone.oil(3)
    version = propose(clone, project, world.member)
    other = MembershipFactory(project=project).user
    base, head = version.base_sha, version.head_sha
    anchor = Anchor(diffs.name_file("door.txt"), Side.NEW, 3)
    position = diffs.find_position(
        diffs.find_diff(project, base=base, head=head), anchor, base=base, head=head
    )
    first = services.create_note(
        item=version.merge_request, author=other, body="Grease?", position=position
    )
    hear()
    notification = last_mail(world.member.email)

    row = world.receive(
        make_mail(to=notification["Reply-To"], sender=world.member.email, body="Too sticky.\r\n")
    )

    answer = Note.objects.latest("pk")
    assert (row.status, row.outcome) == (
        Status.PROCESSED,
        f"note {answer.pk} on merge request {version.merge_request}",
    )
    assert (answer.discussion, answer.author) == (first.discussion, world.member)
    assert NotePosition.objects.get().note == first
    client.force_login(other)
    page = client.get(f"/{project.path}/-/merge_requests/{version.merge_request.iid}/changes/")
    text = page.content.decode()
    assert text.index("hinge 3, oiled") < text.index("Too sticky.") < text.index("hinge 4")

    hear()
    quoted = plain(last_mail(other.email))
    assert "On line 3 of door.txt:" in quoted
    assert "> +hinge 3, oiled" in quoted
