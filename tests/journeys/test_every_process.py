"""The journeys by every process of the Procfile, on the services that TEST_SERVICES names.

`make test` takes SQLite and the broker of files; `make test-redis`, `make test-rabbitmq` and
`make test-pgbouncer` take the same to those.
"""

import json
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage
from email.utils import make_msgid
from functools import partial

import pytest

from config.queues import WORKER_QUEUES
from incoming_email.models import heartbeats
from tests.deploy.reading import read_procfile_lines
from tests.deploy.test_containers import PATCH
from tests.issues.smtp_sink import Sink, running_sink
from tests.journeys.installation import Installation
from tests.servers.dovecot import Dovecot, free_ports, password_of
from tests.servers.services import Services, running_services
from tests.waiting import PROCESS_SECONDS, can_connect, wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(3600)]

CUSTOMER = "carl@customer.example"
DANA, RITA = "dana@letterbox.localhost", "rita@letterbox.localhost"
IMAP = (
    "Mailbox.objects.create(name='imap', enabled=True, address='{address}', host='127.0.0.1',"
    " port={port}, user='{user}', password='{password}')"
)
SIGNS = {"worker", *map(heartbeats.name_worker, WORKER_QUEUES), "beat", "watcher", "smtp"}
ALIVE = "SELECT count(*) FROM incoming_email_heartbeat"
UNFINISHED = (
    "SELECT (SELECT count(*) FROM incoming_email_inboundemail WHERE status <> 'processed')"
    " + (SELECT count(*) FROM issues_outgoingemail WHERE state <> 'sent' OR attempts <> 1)"
)


patiently = partial(wait_until, seconds=PROCESS_SECONDS)
"""Eight processes share the machine with what else it does."""


@dataclass(frozen=True)
class World:
    services: Services
    sink: Sink
    """The outgoing server."""

    demo: dict
    deliver: dict[str, Callable[[str, EmailMessage], None]]
    """By the way in: the mail to the address with this key."""

    def count(self, table: str, column: str, value: str) -> int:
        return self.services.database.query(
            f"SELECT count(*) FROM {table} WHERE {column} = '{value}'"
        )

    def wait_for_one(self, table: str, column: str, value: str) -> None:
        patiently(lambda: self.count(table, column, value))

    def find_sent(self, to: str, words: str) -> list[EmailMessage]:
        return [
            mail.message
            for mail in list(self.sink.mails)
            if to in mail.recipients and words in mail.message.get_body(("plain",)).get_content()
        ]

    def wait_until_sent(self, to: str, words: str) -> EmailMessage:
        patiently(lambda: self.find_sent(to, words))
        (mail,) = self.find_sent(to, words)
        return mail


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    web, port = free_ports(2)
    with running_services(folder / "data") as services, running_sink() as sink, Dovecot() as imap:
        installation = Installation(
            folder / "data",
            SMTP_LISTENER_PORT=str(port),
            WEB_PORT=str(web),
            EMAIL_URL=f"smtp://127.0.0.1:{sink.port}",
            WORKER_CONCURRENCY="1",
            **services.settings,
        )
        installation.set_up()
        demo = json.loads(installation.manage("seed_demo", "--json"))
        user = imap.take_user()
        address = user.replace("@", "+%{key}@")
        password = password_of(user)
        settings = {"address": address, "port": imap.port, "user": user, "password": password}
        installation.ask(IMAP.format(**settings))

        def by_imap(to: str, mail: EmailMessage) -> None:
            address = user.replace("@", f"+{key_of(to)}@")
            imap.deliver(user, addressed(mail, address), recipient=address)

        def by_listener(to: str, mail: EmailMessage) -> None:
            with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
                client.sendmail(mail["From"], [to], addressed(mail, to))

        log = folder / "log"
        with installation.running_lines(read_procfile_lines(), log=log) as processes:
            patiently(lambda: can_connect(web))
            patiently(lambda: services.database.query(ALIVE) == len(SIGNS))
            yield World(services, sink, demo, {"imap": by_imap, "listener": by_listener})
            assert {name: each.poll() for name, each in processes.items() if each.poll()} == {}
        assert "Traceback" not in log.read_text(), log.read_text()


def key_of(address: str) -> str:
    return address.partition("+")[2].partition("@")[0]


def addressed(mail: EmailMessage, to: str) -> bytes:
    mail["To"] = to
    return mail.as_bytes(policy=policy.SMTP)


def write(sender: str, subject: str, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = sender, subject
    mail["Message-ID"] = make_msgid(domain="example.com")
    mail.set_content(text)
    return mail


@pytest.fixture(params=["listener", "imap"])
def way(request) -> str:
    return request.param


def test_a_new_issue(world, way):
    title = f"The bell is mute {way}"
    address = world.demo["users"][0]["addresses"]["new_issue"]
    world.deliver[way](address, write(DANA, title, "Since Monday."))
    world.wait_for_one("issues_issue", "title", title)


def test_a_reply_and_the_answer_to_its_notification(world, way):
    """The second is found by the address that we made for it."""
    world.deliver[way](world.demo["reply_address"], write(RITA, "Re: cart", f"By {way}?"))
    told = world.wait_until_sent(DANA, f"By {way}?")
    answer = write(DANA, f"Re: {told['Subject']}", f"Yes, by {way}.")
    answer["In-Reply-To"] = told["Message-ID"]
    world.deliver[way](told["Reply-To"].addresses[0].addr_spec, answer)
    world.wait_for_one("issues_note", "body", f"Yes, by {way}.")
    world.wait_until_sent(RITA, f"Yes, by {way}.")
    said = f"body IN ('By {way}?', 'Yes, by {way}.')"
    query = f"SELECT count(*) * 10 + count(DISTINCT discussion) FROM issues_note WHERE {said}"
    assert world.services.database.query(query) == 21


def test_a_ticket_with_a_file(world, way):
    mail = write(CUSTOMER, f"The door squeaks {way}", "Hear it.")
    mail.add_attachment(b"squeak" * 1000, maintype="audio", subtype="x", filename=f"{way}.au")
    world.deliver[way](world.demo["service_desk"]["address"], mail)
    world.wait_for_one("issues_issue", "title", f"The door squeaks {way}")
    world.wait_for_one("issues_upload", "filename", f"{way}.au")


def test_a_merge_request(world, way):
    (patch,) = message_from_string(PATCH, policy=policy.default).iter_attachments()
    content = patch.get_content().replace("hooks", f"hooks-{way}").encode()
    mail = write(DANA, f"coat-hooks-{way}", "Hooks for coats.")
    mail.add_attachment(content, maintype="text", subtype="x-patch", filename="0001.patch")
    world.deliver[way](world.demo["users"][0]["addresses"]["new_merge_request"], mail)
    world.wait_for_one("issues_mergerequest", "source_branch", f"coat-hooks-{way}")


@pytest.fixture(scope="module", autouse=True)
def nothing_twice(world) -> Iterator[None]:
    """After all journeys: each message has its one effect, and each mail went out once."""
    yield
    patiently(lambda: world.services.database.query(UNFINISHED) == 0)
    for table, column in (
        ("issues_issue", "title"),
        ("issues_note", "body"),
        ("issues_mergerequest", "title"),
    ):
        twice = f"SELECT count(*) - count(DISTINCT {column}) FROM {table}"
        assert world.services.database.query(twice) == 0, table
