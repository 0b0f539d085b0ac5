"""Steps about one mailbox: its row, other mailboxes with the same folder, its server."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.inboxes.methods import Check
from incoming_email.inboxes.settings import MailboxSettings
from incoming_email.models import Mailbox, SpamPolicy
from incoming_email.monitoring.health import inboxes
from incoming_email.monitoring.health.examinations import Examination, Probe
from incoming_email.monitoring.health.round_trips import find_last_probe
from incoming_email.monitoring.health.stored_secrets import find_encrypted_file, find_secret
from incoming_email.parsing.addresses import InvalidTemplate, parse_template
from incoming_email.sender_auth import asks_for_proof
from issues.mail_addresses import lower_ascii
from issues.models import User
from issues.outbox import bare_address

WHOLE_SECONDS = 27.0
"""For all steps of one mailbox; the check as a whole may take 30."""


def examine(
    mailbox: Mailbox, others: Sequence[Mailbox], *, timeout: float, other_mailbox: str = ""
) -> Examination:
    """`others`: the enabled mailboxes, this one among them or not. `other_mailbox`: at Microsoft
    Graph, one that its app must not read; empty: the one that the row names."""
    method, configuration = mailbox.method, find_configuration(mailbox)
    if method is None:
        return Examination(mailbox.name, mailbox.inbox_method, before=[configuration])
    given = inboxes.keep_in_thread(mailbox.connection_settings())
    given = replace(given, other_mailbox=other_mailbox or given.other_mailbox)
    account = method.account.of(given)
    secrets = _find_secrets(mailbox, method.check, given)
    probe, skipped = None, _skip(method.check)
    if configuration.answer is not Answer.NO:
        has_secret = not secrets or secrets[-1].answer is Answer.YES
        steps = inboxes.ask(
            method.check, account, mailbox.position, timeout=timeout, has_secret=has_secret
        )
        names = tuple(step.name for step in method.check.steps)
        probe, skipped = Probe(names, lambda: steps, WHOLE_SECONDS, step_seconds=timeout), []
    return Examination(
        mailbox=mailbox.name,
        inbox_method=mailbox.inbox_method,
        server=method.check.name_server(account),
        before=[configuration, *secrets, *skipped],
        probe=probe,
        after=[
            *find_same_folder(mailbox, others),
            *find_last_reading(mailbox, now=timezone.now()),
            *find_authentication(mailbox),
            *find_marks_of_spam(mailbox),
            find_domain(mailbox),
            *find_last_probe(mailbox),
        ],
    )


def _find_secrets(mailbox: Mailbox, check: Check[Any], given: MailboxSettings) -> list[Finding]:
    """The last says whether there is one; nothing where none is needed."""
    if check.find_secret is None:
        return []
    return [find_encrypted_file(mailbox), find_secret(mailbox, check.find_secret(given))]


def _skip(check: Check[Any]) -> list[Finding]:
    reason = _("the configuration is not complete")
    return [Finding(step.name, Answer.SKIPPED, reason) for step in check.steps]


def find_configuration(mailbox: Mailbox) -> Finding:
    step = "configuration"
    try:
        mailbox.full_clean()
    except ValidationError as error:
        lines = [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]
        remedy = _("Correct the mailbox in the admin.")
        return Finding(step, Answer.NO, " ".join(lines), remedy)
    if not mailbox.enabled:
        detail = _("the mailbox is switched off, so nobody reads it")
        return Finding(step, Answer.WARN, detail, _("Switch it on in the admin."))
    if not mailbox.template.has_key:
        detail = _("the address has no %{key}, so it accepts replies only")
        remedy = _(
            "For new issues, merge requests and the service desk add %{key}: incoming+%{key}@ if"
            " the provider has sub-addressing (plus addressing). If it has none, incoming-%{key}@"
            " with a catch-all mailbox for a domain of its own; or take another provider."
        )
        return Finding(step, Answer.WARN, detail, remedy)
    return Finding(step, Answer.YES, mailbox.address)


def find_same_folder(mailbox: Mailbox, others: Sequence[Mailbox]) -> list[Finding]:
    """Two mailboxes with the same folder take each other's mail. Nothing where mail is delivered to
    us."""
    folder = _identify_folder(mailbox)
    if folder is None:
        return []
    names = [
        other.name
        for other in others
        if other.pk != mailbox.pk and _identify_folder(other) == folder
    ]
    if not names:
        return [Finding("same folder", Answer.YES, _("no other mailbox reads this folder"))]
    detail = _("these mailboxes read the same folder: %(names)s") % {"names": ", ".join(names)}
    remedy = _("Give each mailbox a folder or a user of its own, or switch one of them off.")
    return [Finding("same folder", Answer.NO, detail, remedy)]


def find_last_reading(mailbox: Mailbox, *, now: datetime) -> list[Finding]:
    """A warning where nobody has read it for long, whoever is at fault; else nothing."""
    if not (mailbox.enabled and mailbox.is_fetched):
        return []
    if not mailbox.is_unread_for(settings.MAILBOX_ALERT_MINUTES, now=now):
        return []
    remedy = _(
        "See whether worker and beat, or the watcher, run, and what their log says; and whether the"
        " clock of this machine is right."
    )
    read_at = mailbox.last_success_at
    if read_at is None:
        return [Finding("last reading", Answer.WARN, _("nobody has read this mailbox yet"), remedy)]
    if read_at > now:
        detail = _("this mailbox was last read at a time that is still to come")
        return [Finding("last reading", Answer.WARN, detail, remedy)]
    age = timesince(read_at, now, depth=1).replace("\xa0", " ")
    detail = _("nobody has read this mailbox for %(age)s") % {"age": age}
    return [Finding("last reading", Answer.WARN, detail, remedy)]


def find_authentication(mailbox: Mailbox) -> list[Finding]:
    """Whether the results of a mail server can count where a policy asks for proof; nothing where
    none does."""
    if not asks_for_proof(mailbox):
        return []
    step, trusted = "sender authentication", mailbox.trusted_authserv_id
    if not trusted:
        remedy = _("Set the trusted authserv-id to the name that your mail server writes there.")
    elif not (mailbox.is_fetched or settings.TRUSTED_RELAY_NETWORKS):
        remedy = _(
            "Name the networks of your own mail servers in TRUSTED_RELAY_NETWORKS; without such a"
            " server senders need a DKIM signature."
        )
    else:
        return [Finding(step, Answer.YES, _("by Authentication-Results of %s") % trusted)]
    detail = _(
        "a sender policy asks for proof, and no Authentication-Results counts: only mail with a"
        " DKIM signature of the sender's domain has it"
    )
    return [Finding(step, Answer.WARN, detail, remedy)]


def find_marks_of_spam(mailbox: Mailbox) -> list[Finding]:
    """Whether marks of spam can count where the mailbox asks for them; else nothing."""
    if mailbox.spam_policy == SpamPolicy.OFF:
        return []
    if mailbox.is_fetched or settings.TRUSTED_RELAY_NETWORKS:
        return [Finding("marks of spam", Answer.YES)]
    remedy = _("Name the networks of your own mail servers in TRUSTED_RELAY_NETWORKS.")
    detail = _("what is marked as spam is to be held, and no mark counts")
    return [Finding("marks of spam", Answer.WARN, detail, remedy)]


def _identify_folder(mailbox: Mailbox) -> tuple[str, Hashable] | None:
    method = mailbox.method
    if method is None or method.polling is None:
        return None
    account = method.account.of(mailbox.connection_settings())
    return method.name, method.polling.identify_folder(account)


def find_domain(mailbox: Mailbox) -> Finding:
    """The warning: who gets mail on a domain can confirm accounts elsewhere that trust it."""
    try:
        domain = lower_ascii(parse_template(mailbox.address).domain)
    except InvalidTemplate:
        return Finding("domain", Answer.SKIPPED, _("the address is not valid"))
    if not _is_domain_of_people(domain):
        return Finding(
            "domain",
            Answer.YES,
            _("%(domain)s is used for incoming email only") % {"domain": domain},
        )
    detail = _(
        "users have addresses at %(domain)s too; outsiders can have confirmation mail of other "
        "services sent here and so pass as members of your organisation"
    ) % {"domain": domain}
    remedy = _("Use a domain of its own for this mailbox, for example a subdomain.")
    return Finding("domain", Answer.WARN, detail, remedy)


def _is_domain_of_people(domain: str) -> bool:
    own = lower_ascii(bare_address(settings.DEFAULT_FROM_EMAIL)).rpartition("@")[2]
    return (
        domain == own
        or EmailAddress.objects.filter(email__endswith=f"@{domain}").exists()
        or User.objects.filter(email__iendswith=f"@{domain}").exists()
    )
