"""`manage.py seed_demo`: demo data, and every address that a newcomer can write to."""

import json
import socket
import time
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from incoming_email import demo

WAIT_SECONDS = 60


class Command(BaseCommand):
    help = "Makes the demo project, people and mailbox. Running it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON object.")
        parser.add_argument(
            "--when-up", action="store_true", help="Print once the web server answers."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        seeded = demo.seed(now=timezone.now())
        if options["when_up"]:
            _wait_until_up()
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(seeded), ensure_ascii=False))
        else:
            self.stdout.write(_as_text(seeded))


def _wait_until_up() -> None:
    """Wait until web server and SMTP listener answer. Gives up silently: they log their errors."""
    web = urlsplit(settings.BASE_URL)
    wanted = [
        (web.hostname or "127.0.0.1", web.port or 80),
        (settings.SMTP_LISTENER_HOST, settings.SMTP_LISTENER_PORT),
    ]
    deadline = time.monotonic() + WAIT_SECONDS
    while wanted and time.monotonic() < deadline:
        time.sleep(0.3)
        wanted = [address for address in wanted if not _answers(address)]


def _answers(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def _as_json(seeded: demo.Demo) -> dict[str, Any]:
    return {
        "project": {"id": seeded.project.pk, "path": seeded.project.path},
        "mailbox": {
            "name": seeded.mailbox.name,
            "address": seeded.mailbox.address,
            "inbox_method": seeded.mailbox.inbox_method,
            "host": settings.SMTP_LISTENER_HOST,
            "port": settings.SMTP_LISTENER_PORT,
        },
        "users": [
            {
                "username": person.user.username,
                "password": demo.PASSWORD,
                "role": person.role.name.lower(),
                "email": person.user.email,
                "addresses": {
                    "new_issue": person.new_issue_address,
                    "new_merge_request": person.new_merge_request_address,
                },
            }
            for person in seeded.users
        ],
        "service_desk": {"address": seeded.desk_address} if seeded.desk_address else None,
    }


def _as_text(seeded: demo.Demo) -> str:
    developer = seeded.users[0]
    lines = [
        "",
        f"Letterbox   {settings.BASE_URL}   (admin console: {settings.BASE_URL}/admin/)",
        f"Project     {seeded.project.path}, id {seeded.project.pk}",
        f"Log-ins     admin and {', '.join(p.user.username for p in seeded.users)};"
        f" the password of each is {demo.PASSWORD}",
        "Addresses   mail to them opens an issue in the person's name:",
        *(
            f"  {person.user.username} ({person.role.name.lower()})  {person.new_issue_address}"
            for person in seeded.users
        ),
        "            and patches to these a merge request (subject: the branch):",
        *(
            f"  {person.user.username} ({person.role.name.lower()})"
            f"  {person.new_merge_request_address}"
            for person in seeded.users
            if person.new_merge_request_address
        ),
        *(
            [f"Customers   mail to {seeded.desk_address} opens a ticket for anybody"]
            if seeded.desk_address
            else []
        ),
        "First message (the SMTP listener must run, as it does with `make run`):",
        "  " + _first_message(developer),
        "",
    ]
    return "\n".join(lines)


def _first_message(person: demo.DemoUser) -> str:
    """A command that needs nothing but Python."""
    mail = (
        f"From: {person.user.email}\\r\\nTo: {person.new_issue_address}\\r\\n"
        "Subject: My first issue\\r\\n\\r\\nIt came by mail.\\r\\n"
    )
    return (
        'python3 -c "import smtplib; '
        f"smtplib.SMTP('{settings.SMTP_LISTENER_HOST}', {settings.SMTP_LISTENER_PORT})"
        f".sendmail('{person.user.email}', ['{person.new_issue_address}'], '{mail}')\""
    )
