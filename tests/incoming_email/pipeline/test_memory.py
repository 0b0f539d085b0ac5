"""What a large attachment costs the process that acts on it, and the one that reads it."""

import base64
import tracemalloc

import pytest
from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from incoming_email.pipeline import processing, receiving
from incoming_email.pipeline.isolation import reading
from issues.models import Upload
from tests.incoming_email.world import make_world

pytestmark = pytest.mark.django_db(transaction=True)
ATTACHED = bytes(range(256)) * 50_000


def make_large_mail(world):
    text = base64.encodebytes(ATTACHED).replace(b"\n", b"\r\n")
    head = f"""From: {world.member.email}
To: {world.issue_address()}
Subject: Large
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: application/octet-stream
Content-Disposition: attachment; filename=large.bin
Content-Transfer-Encoding: base64

"""
    return head.replace("\n", "\r\n").encode() + text + b"--b--\r\n"


def test_a_worker_takes_less_than_three_times_the_size():
    world = make_world()
    content = make_large_mail(world)
    (row,) = receiving.store(
        world.mailbox, [RawMessage("1:1", content)], now=timezone.now(), claimed=False
    )
    size, pk = len(content), row.pk
    del row, content
    tracemalloc.start()
    try:
        processing.process(pk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert InboundEmail.objects.get().status == Status.PROCESSED
    assert Upload.objects.get().size == len(ATTACHED)
    assert peak < 3 * size, f"{peak / size:.1f} times"


def test_the_parser_takes_little_more_than_message_and_files(settings):
    """50 MB are its own."""
    content = make_large_mail(make_world())
    settings.PARSE_MEMORY_BYTES = 50_000_000 + 2 * len(content)
    email = reading.parse(content)
    assert reading.UNREAD not in email.defects
    assert [len(each.content) for each in email.attachments] == [len(ATTACHED)]
