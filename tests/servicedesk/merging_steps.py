"""A process that is killed while a ticket is merged into one of another project: run by
test_merging_crash.

Usage: merging_steps.py STEP [FUNCTION], with the address of a database in the environment. The
FUNCTION runs, and then the process is killed.
"""

import os
import sys
from pathlib import Path

import django
from django.conf import settings

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.utils import timezone  # noqa: E402

from issues import services, uploads  # noqa: E402
from issues.models import Issue, Note, OutgoingEmail, Role, Upload  # noqa: E402
from issues.services import merging_issues  # noqa: E402
from issues.uploads import NewFile  # noqa: E402
from servicedesk import merging  # noqa: E402
from servicedesk.models import Participant, ServiceDesk, ThreadMessage  # noqa: E402
from tests import dying  # noqa: E402
from tests.factories import MembershipFactory, ProjectFactory  # noqa: E402
from tests.servicedesk.world import make_desk  # noqa: E402

settings.MEDIA_ROOT = Path(settings.DATABASES["default"]["NAME"]).parent / "media"
STEPS = {
    "mails": (merging, "fan_out"),
    "files": (uploads, "move_uploads"),
    "texts": (merging_issues, "_move_texts"),
    "close": (merging_issues, "record_change"),
    "participants": (merging, "_move_participants"),
    "waiting": (merging, "_move_waiting"),
}


def die_after(where):
    """That function runs, and then kill -9: nothing is cleaned up, nothing commits."""
    owner, name = STEPS[where]
    setattr(owner, name, dying.die_after(getattr(owner, name)))


def prepare():
    """Two tickets of two projects, with an answer that is not sent yet."""
    desk = make_desk()
    into = desk.open_ticket(subject="First")
    other = ProjectFactory(path="acme/other")
    MembershipFactory(project=other, user=desk.agent, role=Role.REPORTER)
    desk.settings.pk, desk.settings.project = None, other
    desk.settings.save(force_insert=True)
    issue = desk.open_ticket("dora@customer.example", subject="Second")
    file = NewFile("plan.txt", "text/plain", b"plan", source="test-1")
    services.create_note(item=issue, author=desk.agent, body="Answer", files=[file])
    assert into.pk < issue.pk
    assert ServiceDesk.objects.count() == 2


def merge():
    into, issue = Issue.objects.order_by("pk")
    actor = Note.objects.get(body__startswith="Answer").author
    merging.merge_ticket(issue=issue, actor=actor, into=into, now=timezone.now())


def show():
    """Where each is."""
    upload = Upload.objects.get()
    rows = [
        [f"{issue} {issue.state}" for issue in Issue.objects.order_by("pk")],
        [f"{p.address} {p.ticket.issue}" for p in Participant.objects.order_by("pk")],
        [f"{note.issue}" for note in Note.objects.order_by("pk")],
        [f"{mail.ticket.issue}" for mail in ThreadMessage.objects.order_by("pk")],
        sorted(OutgoingEmail.objects.values_list("kind", flat=True)),
        [upload.project.path, uploads.path_of(upload).read_text()],
    ]
    sys.stdout.write("|".join(",".join(row) for row in rows) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        die_after(sys.argv[2])
    globals()[sys.argv[1]]()
