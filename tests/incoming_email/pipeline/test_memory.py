"""What a large attachment costs the process that acts on it, and the one that reads it."""

import base64
import json
from pathlib import Path

import pytest

from incoming_email.pipeline.isolation import reading
from tests import steps
from tests.incoming_email.world import make_world
from tests.servers.dovecot import password_of

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


SCRIPT = Path(__file__).with_name("memory_steps.py")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return steps.prepare(SCRIPT, tmp_path_factory.mktemp("memory"))


@pytest.fixture
def run_step(prepared, tmp_path):
    return steps.on_copy(SCRIPT, prepared, tmp_path)


@pytest.mark.slow
def test_a_worker_takes_less_than_three_times_the_size(run_step):
    """The kernel counts, since SQLite and the C library keep copies that Python does not know."""
    found = json.loads(run_step("act"))
    assert found["peak"] < 3 * found["size"], found
    assert found["left"] < found["size"] / 10, found


def test_a_watcher_takes_little_more_than_three_times_the_size(run_step, dovecot, imap_user):
    """As it is stored: itself, what SQLite is given of it, and the record that SQLite makes."""
    found = json.loads(run_step("fetch", str(dovecot.port), imap_user, password_of(imap_user)))
    assert found["peak"] < 3.3 * found["size"], found
    assert found["left"] < found["size"] / 10, found


def test_the_parser_takes_little_more_than_message_and_files(settings):
    """50 MB are its own."""
    content = make_large_mail(make_world())
    settings.PARSE_MEMORY_BYTES = 50_000_000 + 2 * len(content)
    email = reading.parse(content)
    assert reading.UNREAD not in email.defects
    assert [len(each.content) for each in email.attachments] == [len(ATTACHED)]
