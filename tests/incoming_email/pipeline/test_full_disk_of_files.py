"""The disk of files is full in the middle of a write: a real one, of a megabyte."""

import email.policy
import os
import subprocess
from email.message import EmailMessage

import pytest
from django.utils import timezone

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from incoming_email.pipeline import processing
from issues.models import Note, Upload
from issues.uploads import open_upload
from tests.incoming_email.world import make_world
from tests.servers.disks import small_disk

pytestmark = pytest.mark.django_db(transaction=True)
CONTENTS = [os.urandom(400_000), os.urandom(2_000_000)]
"""The first one fits."""


def test_no_file_is_half_written_and_all_are_there_once_there_is_space(settings, tmp_path):
    world = make_world()
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["To"] = world.member.email, world.reply_address()
    mail["Subject"], mail["Message-ID"] = "Re: it", "<two-files@example.com>"
    mail.set_content("Two files.")
    for number, content in enumerate(CONTENTS):
        mail.add_attachment(content, "application", "octet-stream", filename=f"{number}.bin")

    with small_disk(tmp_path / "media", "1m") as disk:
        settings.MEDIA_ROOT = disk
        row = world.receive(mail.as_bytes())
        assert (row.status, row.attempts) == (Status.PENDING, 0)  # no attempt is lost by it
        assert "No space left on device" in row.last_error
        assert [path for path in disk.rglob("*") if path.is_file()] == []
        assert (Note.objects.count(), Upload.objects.count()) == (0, 0)

        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        InboundEmail.objects.update(next_attempt_at=timezone.now())
        processing.process_in_turn(row.pk)

        row.refresh_from_db()
        assert (row.status, Note.objects.count()) == (Status.PROCESSED, 1)
        for upload, content in zip(Upload.objects.order_by("filename"), CONTENTS, strict=True):
            with open_upload(upload) as file:
                assert file.read() == content
