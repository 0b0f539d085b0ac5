"""`manage.py serve_smtp`: listen for mail on the SMTP door until told to stop."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from incoming_email import smtp


class Command(BaseCommand):
    help = "Listens for mail by SMTP. Mail for unknown addresses is refused at RCPT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.SMTP_DOOR_HOST)
        parser.add_argument("--port", type=int, default=settings.SMTP_DOOR_PORT)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        try:
            controller = smtp.open_door(host, port)
        except OSError as error:
            raise CommandError(
                _("Can't listen on %(host)s:%(port)s: %(error)s. Is another process there?")
                % {"host": host, "port": port, "error": error.strerror}
            ) from error
        self.stdout.write(f"SMTP door open on {host}:{port}")
        try:
            smtp.note_alive()
            while not stopped.wait(smtp.HEARTBEAT_SECONDS):
                smtp.note_alive()
        finally:
            controller.stop()
