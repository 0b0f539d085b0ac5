"""Thousands of mails, one after the other: each becomes a note, and no process grows with them."""

import smtplib

import pytest

from tests.deploy.reading import read_procfile_lines
from tests.journeys.installation import NO_LIMITS, Installation
from tests.servers.dovecot import free_ports
from tests.servers.processes import read_private_bytes
from tests.waiting import can_connect, wait_until

pytestmark = [pytest.mark.deep, pytest.mark.slow, pytest.mark.timeout(3600)]
WARM = 1_000
"""Mails until each process has loaded and kept what it will."""

COUNT = 3_000
CHUNK = 100
CHUNK_SECONDS = 300
GROWTH_BYTES = 10_000_000
"""What 2,000 mails may add: 5 kB each would be a leak that an operator meets in weeks."""

SENDER = "dana@letterbox.localhost"
ADDRESS = """
from incoming_email.keys import reply_keys
dana = User.objects.get(username='dana')
item = Issue.objects.order_by('pk').first()
print(reply_keys.reply_routes(recipients=[dana], item=item, discussion='')[dana.pk].reply_to)
"""
NOTES = "SELECT count(DISTINCT body) FROM issues_note WHERE body LIKE 'Answer %'"
ROWS = "SELECT count(*) FROM incoming_email_inboundemail WHERE subject = 'Re: soak'"


@pytest.fixture
def installation(tmp_path):
    (port,) = free_ports(1)
    made = Installation(
        tmp_path / "data",
        SMTP_LISTENER_PORT=str(port),
        WORKER_MAX_TASKS_PER_CHILD="0",  # a process that is replaced would hide what it holds
        PARSE_MESSAGES_PER_CHILD="1000000",
        **NO_LIMITS,
    )
    made.set_up()
    return made


def send(installation, address, numbers):
    """Some mails at the listener, and not the next before they are notes."""
    port = int(installation.environment["SMTP_LISTENER_PORT"])
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        for number in numbers:
            head = f"From: {SENDER}\r\nTo: {address}\r\nSubject: Re: soak"
            message_id = f"Message-ID: <soak-{number}@example.com>"
            text = f"{head}\r\n{message_id}\r\n\r\nAnswer {number}.\r\n"
            client.sendmail(SENDER, [address], text)
    wait_until(lambda: installation.query(NOTES) == numbers.stop, CHUNK_SECONDS)


def read_memory(processes):
    return {name: read_private_bytes(process.pid) for name, process in processes.items()}


def test_thousands_of_mails_leave_no_process_larger(installation, tmp_path):
    lines = {name: read_procfile_lines()[name] for name in ("worker-incoming", "listener")}
    address = installation.ask(ADDRESS)
    with installation.running_lines(lines, log=tmp_path / "log") as processes:
        port = int(installation.environment["SMTP_LISTENER_PORT"])
        wait_until(lambda: can_connect(port))
        for start in range(0, WARM, CHUNK):
            send(installation, address, range(start, start + CHUNK))
        before = read_memory(processes)
        for start in range(WARM, COUNT, CHUNK):
            send(installation, address, range(start, start + CHUNK))
        grown = {name: now - before[name] for name, now in read_memory(processes).items()}
        assert {name: each.returncode for name, each in processes.items() if each.poll()} == {}
    assert installation.query(ROWS) == installation.query(NOTES) == COUNT
    assert {name: size for name, size in grown.items() if size > GROWTH_BYTES} == {}, grown
