"""Outgoing mail as rows: enqueued with the effect, sent after commit, at least once."""

from issues.broker import wake_once, wake_worker
from issues.outbox.accounts import (
    MAIL_ACCOUNTS_IN_USE,
    MAIL_CONNECTIONS,
    AccountInUse,
    find_accounts_in_use,
    leaves_the_machine,
)
from issues.outbox.delivering import deliver_due, find_longest_run
from issues.outbox.enqueueing import NewMail, enqueue, enqueue_many
from issues.outbox.failing import Failure, find_failure, find_failures, try_again
from issues.outbox.giving_up import GIVEN_UP
from issues.outbox.header_fields import (
    address_with_name,
    answer_subject,
    bare_address,
    clean_header,
    is_own,
    origin_of,
    shorten_prefixes,
)
from issues.outbox.headers import (
    Automatic,
    MailHeaders,
    make_list_id,
    make_message_id,
)
from issues.outbox.messages import content_id
from issues.outbox.undelivered import find_undelivered

__all__ = [
    "GIVEN_UP",
    "MAIL_ACCOUNTS_IN_USE",
    "MAIL_CONNECTIONS",
    "AccountInUse",
    "Automatic",
    "Failure",
    "MailHeaders",
    "NewMail",
    "address_with_name",
    "answer_subject",
    "bare_address",
    "clean_header",
    "content_id",
    "deliver_due",
    "enqueue",
    "enqueue_many",
    "find_accounts_in_use",
    "find_failure",
    "find_failures",
    "find_longest_run",
    "find_undelivered",
    "is_own",
    "leaves_the_machine",
    "make_list_id",
    "make_message_id",
    "origin_of",
    "shorten_prefixes",
    "try_again",
    "wake_once",
    "wake_worker",
]
