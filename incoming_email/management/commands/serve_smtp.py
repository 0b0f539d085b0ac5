"""`manage.py serve_smtp`: listen for mail by SMTP or LMTP until a signal ends it."""

import logging
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from incoming_email.smtp import listener as smtp
from incoming_email.smtp.protocol import TlsFilesError
from issues import memory, stopping, watchdog

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Listens for mail by SMTP or LMTP. Unknown addresses are refused at RCPT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.SMTP_LISTENER_HOST)
        parser.add_argument(
            "--port", type=int, help="default: SMTP_LISTENER_PORT, with --lmtp LMTP_LISTENER_PORT"
        )
        parser.add_argument(
            "--lmtp", action="store_true", help="LMTP, for a mail server that hands mail over"
        )

    def handle(self, *args: Any, host: str, port: int | None, lmtp: bool, **options: Any) -> None:
        port = port or (settings.LMTP_LISTENER_PORT if lmtp else settings.SMTP_LISTENER_PORT)
        stopped = stopping.prepare_loop()
        try:
            controller = smtp.start_listener(host, port, lmtp=lmtp)
        except TlsFilesError as error:
            raise CommandError(
                _("The certificate can't be used: %(error)s. Check SMTP_LISTENER_CERTIFICATE_FILE.")
                % {"error": error}
            ) from error
        except OSError as error:
            raise CommandError(
                _("Can't listen on %(host)s:%(port)s: %(error)s. Is another process there?")
                % {"host": host, "port": port, "error": error.strerror}
            ) from error
        speaks = "LMTP" if lmtp else "SMTP"
        logger.info("listener started host=%s port=%s speaks=%s", host, port, speaks)
        watchdog.feed()
        try:
            while True:
                # Of both loops: here the other one is asked, and there the watchdog is fed.
                controller.loop.call_soon_threadsafe(watchdog.feed)
                smtp.record_heartbeat()
                memory.give_back()
                if stopped.wait(smtp.HEARTBEAT_SECONDS):
                    break
        finally:
            watchdog.rest()
            controller.stop()
            controller.handler.write_refusals()
