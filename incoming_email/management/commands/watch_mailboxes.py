"""`manage.py watch_mailboxes`: ingest mail as it arrives."""

import logging
from typing import Any

from django.core.management.base import BaseCommand

from incoming_email.pipeline import watching
from issues import stopping

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Watches each enabled mailbox, IMAP by IDLE. Beat stays the safety net."

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = stopping.prepare_loop()
        logger.info("watching mailboxes")
        watching.watch_mailboxes(stopped)
