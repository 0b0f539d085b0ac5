"""From delivery to a note that people see, by IDLE, poll and SMTP, against the server's own notice.

    python benchmarks/idle_latency.py [--messages 20] [--poll-seconds 2] [--broker redis] [--json]

Needs root and Dovecot. The notice is what another session of the same mailbox, idling on the same
server, is told of the same message: no client can be quicker. Letterbox runs as people run it, in
processes of its own on SQLite; a note counts once it can be read from the database.
"""

import argparse
import json
import random
import smtplib
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from imapclient import IMAPClient

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from tests.journeys.installation import BEAT, WORKER, Installation  # noqa: E402
from tests.journeys.test_crash_and_restart import make_mailbox  # noqa: E402
from tests.servers.brokers import running_redis  # noqa: E402
from tests.servers.dovecot import Dovecot, free_ports, password_of  # noqa: E402
from tests.waiting import wait_until  # noqa: E402

SEEN_SECONDS = 0.002
PATIENCE_SECONDS = 60.0
SENDER = "dana@letterbox.localhost"
TO_LISTENER = (
    "Mailbox.objects.update(enabled=False);"
    "Mailbox.objects.filter(inbox_method='smtp').update(enabled=True);"
    "from incoming_email.keys import reply_keys; dana = User.objects.get(username='dana');"
    "print(reply_keys.reply_routes(recipients=[dana], item=Issue.objects.get(iid=1), discussion='')"
    "[dana.pk].reply_to)"
)
Deliver = Callable[[bytes], object]


class Witness(threading.Thread):
    """Idles in the mailbox and notes when the server tells of a new message."""

    def __init__(self, server: Dovecot, user: str) -> None:
        super().__init__(daemon=True)
        self.client = IMAPClient("127.0.0.1", server.port, ssl=False, timeout=10)
        self.client.login(user, password_of(user))
        self.client.select_folder("INBOX", readonly=True)
        self.client.idle()
        self.told_at: list[float] = []
        self.ended = False

    def run(self) -> None:
        while not self.ended:
            answers = self.client.idle_check(timeout=0.5)
            at = time.monotonic()
            self.told_at += [at for answer in answers if answer[1:] == (b"EXISTS",)]

    def close(self) -> None:
        self.ended = True
        self.join()
        self.client.shutdown()


def measure(installation: Installation, address: str, deliver: Deliver, count: int) -> list[float]:
    """Moments from the start of each delivery to its note."""
    choose, taken = random.Random(20261127), []
    for _ in range(count):
        number = installation.query("SELECT count(*) FROM issues_note") + 1
        body = f"Latency {number}."
        mail = (
            f"From: {SENDER}\r\nTo: {address}\r\nSubject: Re: it\r\n"
            f"Message-ID: <latency-{number}@example.com>\r\n\r\n{body}\r\n"
        ).encode()
        time.sleep(choose.uniform(0.5, 1.5))
        started = time.monotonic()
        deliver(mail)
        wait_for_note(installation, body)
        taken.append((started, time.monotonic()))
    return taken


def wait_for_note(installation: Installation, body: str) -> None:
    question = f"SELECT count(*) FROM issues_note WHERE body = '{body}'"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not installation.query(question):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{body} did not become a note")
        time.sleep(SEEN_SECONDS)


def run_idle(installation: Installation, server: Dovecot, user: str, address: str, count: int):
    """Seconds of note and of notice, message by message."""
    witness = Witness(server, user)
    witness.start()
    with installation.running("manage.py", "watch_mailboxes"):
        warm_up(installation, address, lambda mail: server.deliver(user, mail))
        witness.told_at.clear()
        taken = measure(installation, address, lambda mail: server.deliver(user, mail), count)
        time.sleep(1)
    witness.close()
    told = [next(at for at in witness.told_at if at > started) for started, _ in taken]
    notices = [at - started for at, (started, _) in zip(told, taken, strict=True)]
    return [end - started for started, end in taken], notices


def warm_up(installation: Installation, address: str, deliver: Deliver) -> None:
    """The first message starts a parser and connections."""
    measure(installation, address, deliver, 1)


def run_poll(installation: Installation, server: Dovecot, user: str, address: str, count: int):
    with installation.running(*WORKER), installation.running(*BEAT):
        warm_up(installation, address, lambda mail: server.deliver(user, mail))
        taken = measure(installation, address, lambda mail: server.deliver(user, mail), count)
    return [end - started for started, end in taken]


def run_smtp(installation: Installation, count: int):
    address = installation.ask(TO_LISTENER)
    port = int(installation.environment["SMTP_LISTENER_PORT"])

    def deliver(mail: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail(SENDER, [address], mail)

    def is_open() -> bool:
        try:
            smtplib.SMTP("127.0.0.1", port, timeout=2).close()
        except OSError:
            return False
        return True

    with installation.running(*WORKER), installation.running("manage.py", "serve_smtp"):
        wait_until(is_open)
        warm_up(installation, address, deliver)
        taken = measure(installation, address, deliver, count)
    return [end - started for started, end in taken]


@contextmanager
def broker(name: str) -> Iterator[str]:
    with ExitStack() as stack:
        yield stack.enter_context(running_redis()) if name == "redis" else "filesystem://"


def run(messages: int, poll_seconds: float, broker_name: str) -> dict[str, list[float]]:
    (listener,) = free_ports(1)
    with (
        tempfile.TemporaryDirectory() as folder,
        broker(broker_name) as url,
        Dovecot() as server,
    ):
        installation = Installation(
            Path(folder),
            POLL_INTERVAL_SECONDS=f"{poll_seconds:g}",
            CELERY_BROKER_URL=url,
            SMTP_LISTENER_PORT=str(listener),
        )
        # Not `set_up`, which copies a database of the tests and needs Django in this process.
        installation.manage("migrate", "--verbosity", "0")
        installation.manage("seed_demo")
        user = server.take_user()
        address = make_mailbox(installation, server, user)
        idle, notice = run_idle(installation, server, user, address, messages)
        poll = run_poll(installation, server, user, address, messages)
        smtp = run_smtp(installation, messages)
    return {"notice": notice, "idle": idle, "poll": poll, "smtp": smtp}


def ratio(name: str, seconds: dict[str, list[float]]) -> float:
    """Message by message where both heard of the same one, else of the medians."""
    if name == "idle":
        pairs = zip(seconds["idle"], seconds["notice"], strict=True)
        return statistics.median(ours / notice for ours, notice in pairs)
    return statistics.median(seconds[name]) / statistics.median(seconds["notice"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=20, help="by each way")
    parser.add_argument("--poll-seconds", type=int, default=2)
    parser.add_argument("--broker", choices=["embedded", "redis"], default="embedded")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seconds = run(options.messages, options.poll_seconds, options.broker)
    figures = {
        name: {
            "median": round(statistics.median(taken), 3),
            "slowest": round(max(taken), 3),
            "ratio": round(ratio(name, seconds), 2),
        }
        for name, taken in seconds.items()
    }
    if options.json:
        print(json.dumps(figures))
        return
    print("way       median s   slowest s   ÷ notice")
    for name, row in figures.items():
        print(f"{name:8} {row['median']:9.3f} {row['slowest']:11.3f} {row['ratio']:10.2f}")


if __name__ == "__main__":
    main()
