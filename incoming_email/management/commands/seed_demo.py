"""`manage.py seed_demo`: demo data, and every address that a newcomer can write to."""

import json
import socket
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from incoming_email import demo

WAIT_SECONDS = 180
ISSUE = r"Subject: My first issue\r\n\r\nIt came by mail.\r\n"
ANSWER = r"Subject: Re: The cart forgets its content (#1)\r\n\r\nThank you, Dana!\r\n"


class Command(BaseCommand):
    help = "Makes the demo project, people and mailbox. Running it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON object.")
        parser.add_argument(
            "--when-up", action="store_true", help="Print once the web server answers."
        )
        parser.add_argument(
            "--check-ports",
            action="store_true",
            help="Fail where another program has the port of the pages or of the SMTP listener.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check_ports"]:
            _require_free_ports()
        seeded = demo.seed(now=timezone.now())
        if options["when_up"] and not _wait_until_up():
            raise CommandError(
                f"Pages or SMTP listener do not answer after {WAIT_SECONDS} s: see the lines above."
            )
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(seeded), ensure_ascii=False))
        else:
            self.stdout.write(_as_text(seeded))


def _find_ports() -> dict[str, tuple[str, int]]:
    """Where pages and SMTP listener answer, by the setting that moves them."""
    return {
        "WEB_PORT": ("127.0.0.1", settings.WEB_PORT),
        "SMTP_LISTENER_PORT": (settings.SMTP_LISTENER_HOST, settings.SMTP_LISTENER_PORT),
    }


def _require_free_ports() -> None:
    for setting, (host, port) in _find_ports().items():
        if _answers((host, port)):
            raise CommandError(
                f"Another program listens at {host}:{port}. End it, or choose another port:"
                f" {setting}={port + 1} make run"
            )


def _wait_until_up() -> bool:
    """Wait until web server and SMTP listener answer; False where one does not."""
    wanted = list(_find_ports().values())
    deadline = time.monotonic() + WAIT_SECONDS
    while wanted and time.monotonic() < deadline:
        time.sleep(0.3)
        wanted = [address for address in wanted if not _answers(address)]
    return not wanted


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
        "reply_address": seeded.reply_address or None,
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
        "  " + _mail_command(developer, developer.new_issue_address or "", ISSUE),
        *(
            [
                "First answer, as rita, to the notification of dana's comment on issue #1:",
                "  " + _mail_command(seeded.users[1], seeded.reply_address, ANSWER),
            ]
            if seeded.reply_address
            else []
        ),
        "",
    ]
    return "\n".join(lines)


def _mail_command(person: demo.DemoUser, address: str, mail: str) -> str:
    """A shell command that sends the mail; it needs nothing but Python."""
    head = f"From: {person.user.email}\\r\\nTo: {address}\\r\\n"
    return (
        'python3 -c "import smtplib; '
        f"smtplib.SMTP('{settings.SMTP_LISTENER_HOST}', {settings.SMTP_LISTENER_PORT})"
        f".sendmail('{person.user.email}', ['{address}'], '{head}{mail}')\""
    )
