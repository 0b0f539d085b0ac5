"""Steps about one mailbox: its row, other mailboxes with the same folder, its server."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from incoming_email.inboxes.accounts import ImapAccount
from incoming_email.inboxes.base import Answer, Finding, InboxError
from incoming_email.inboxes.imap import diagnosis as imap_diagnosis
from incoming_email.inboxes.imap.connection import open_connection, select_folder
from incoming_email.inboxes.imap.faults import inbox_errors
from incoming_email.inboxes.imap.login import log_in
from incoming_email.inboxes.imap.starting import start_progress
from incoming_email.models import InboxMethod, Mailbox, heartbeats
from incoming_email.monitoring.health import clocks, inboxes
from incoming_email.monitoring.health.examinations import Examination, Probe, name_server
from incoming_email.monitoring.health.round_trips import find_last_probe
from incoming_email.monitoring.health.servers import PATIENCE, find_listener
from incoming_email.monitoring.health.stored_secrets import find_encrypted_file, find_secret
from incoming_email.parsing.addresses import InvalidTemplate, lower_ascii, parse_template
from issues.models import EmailAddress, User
from issues.outbox import bare_address

WHOLE_SECONDS = 27.0
"""For all steps of one mailbox; the check as a whole may take 30."""

IMAP_STEPS = tuple(name for name, _check in imap_diagnosis.STEPS)
INSIDE = ("backlog", clocks.STEP)
LAST_BEFORE_LOGIN = "tls"
STEPS_WITH_SECRET = IMAP_STEPS[IMAP_STEPS.index(LAST_BEFORE_LOGIN) + 1 :]
STANDARD_PORTS = frozenset({143, 993})
"""Two ports of the same server."""


def examine(
    mailbox: Mailbox, others: Sequence[Mailbox], *, timeout: float, other_mailbox: str = ""
) -> Examination:
    """`others`: the enabled mailboxes, this one among them or not. `other_mailbox`: at Microsoft
    Graph, one that its app must not read; empty: the one that the row names."""
    if mailbox.inbox_method == InboxMethod.SMTP:
        found = _examine_smtp(mailbox, timeout=timeout)
    elif mailbox.inbox_method == InboxMethod.IMAP:
        found = _examine_imap(mailbox, others, timeout=timeout)
    else:
        foreign = other_mailbox or mailbox.other_mailbox
        found = _examine_inbox(mailbox, others, timeout=timeout, foreign=foreign)
    return replace(found, after=[*found.after, *find_last_probe(mailbox)])


def _examine_inbox(
    mailbox: Mailbox, others: Sequence[Mailbox], *, timeout: float, foreign: str
) -> Examination:
    """Microsoft Graph or a Maildir."""
    is_graph = mailbox.inbox_method == InboxMethod.MICROSOFT_GRAPH
    before = [find_configuration(mailbox)]
    if is_graph:
        before += [find_encrypted_file(mailbox), find_secret(mailbox)]
    asked = inboxes.GRAPH_STEPS if is_graph else inboxes.STEPS
    probe, skipped = None, _skip(asked, _("the configuration is not complete"))
    if not any(finding.answer is Answer.NO for finding in before):
        steps = inboxes.ask(
            mailbox.account(), mailbox.position, timeout=timeout, other_mailbox=foreign
        )
        probe, skipped = Probe(asked, lambda: steps, WHOLE_SECONDS, step_seconds=timeout), []
    return Examination(
        mailbox=mailbox.name,
        inbox_method=mailbox.inbox_method,
        server=urlsplit(mailbox.graph_endpoint).netloc if is_graph else "",
        before=[*before, *skipped],
        probe=probe,
        after=[find_same_folder(mailbox, others), find_domain(mailbox)],
    )


def _examine_smtp(mailbox: Mailbox, *, timeout: float) -> Examination:
    seen_at = heartbeats.find_last(heartbeats.SMTP_LISTENER)

    def ask() -> Iterator[Finding]:
        return find_listener(seen_at=seen_at, timeout=timeout * PATIENCE)

    return Examination(
        mailbox=mailbox.name,
        inbox_method=mailbox.inbox_method,
        server=name_server(settings.SMTP_LISTENER_HOST, settings.SMTP_LISTENER_PORT),
        before=[find_configuration(mailbox)],
        probe=Probe(("listener",), ask, timeout),
        after=[find_domain(mailbox)],
    )


def _examine_imap(mailbox: Mailbox, others: Sequence[Mailbox], *, timeout: float) -> Examination:
    configuration = find_configuration(mailbox)
    file, secret = find_encrypted_file(mailbox), find_secret(mailbox)
    asked = (*IMAP_STEPS, *INSIDE)
    if configuration.answer is Answer.NO:
        probe, skipped = None, _skip(asked, _("the configuration is not complete"))
    else:
        steps = _imap_steps(mailbox, timeout=timeout, has_secret=secret.answer is Answer.YES)
        probe = Probe(asked, lambda: steps, WHOLE_SECONDS, step_seconds=timeout)
        skipped = []
    return Examination(
        mailbox=mailbox.name,
        inbox_method=mailbox.inbox_method,
        server=name_server(mailbox.host, mailbox.port),
        before=[configuration, file, secret, *skipped],
        probe=probe,
        after=[find_same_folder(mailbox, others), find_domain(mailbox)],
    )


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
            "To accept new issues too, add %{key}, if the mail server supports sub-addressing."
        )
        return Finding(step, Answer.WARN, detail, remedy)
    return Finding(step, Answer.YES, mailbox.address)


def _imap_steps(mailbox: Mailbox, *, timeout: float, has_secret: bool) -> Iterator[Finding]:
    """Runs in a thread: the row is read before the first step."""
    account = mailbox.imap_account()
    if account.oauth:
        account = replace(account, oauth=inboxes.keep_in_thread(account.oauth))
    return _ask_server(account, mailbox.position, timeout=timeout, has_secret=has_secret)


def _ask_server(
    account: ImapAccount, position: str, *, timeout: float, has_secret: bool
) -> Iterator[Finding]:
    """The steps of imap_diagnosis and INSIDE; without a secret only those before the login."""
    failed = False
    for finding in imap_diagnosis.diagnose(account, step_seconds=timeout):
        failed = failed or finding.answer is Answer.NO
        yield finding
        if finding.step == LAST_BEFORE_LOGIN and not has_secret:
            yield from _skip((*STEPS_WITH_SECRET, *INSIDE), _("the password is not known"))
            return
    if failed:
        yield from _skip(INSIDE, _("an earlier step failed"))
    else:
        yield from look_inside(account, position, timeout=timeout)


def look_inside(account: ImapAccount, position: str, *, timeout: float) -> Iterator[Finding]:
    """How many messages the next reading will find, and when the newest came. Nothing is marked."""
    patient = replace(account, timeout=min(account.timeout, timeout))
    try:
        waiting, clock = _read_inside(patient, position, timeout)
    except InboxError as fault:
        yield Finding("backlog", Answer.NO, _(fault.detail), _(fault.remedy))
        yield from _skip([clocks.STEP], _("an earlier step failed"))
        return
    yield inboxes.describe_backlog(waiting)
    yield clock


def _read_inside(account: ImapAccount, position: str, seconds: float) -> tuple[int, Finding]:
    """How many messages wait, and what the newest says of the server's clock."""
    connection = open_connection(account, within=seconds)
    try:
        log_in(connection, account)
        folder = select_folder(connection, account)
        progress = start_progress(connection, account, folder, position)
        with inbox_errors(account):
            waiting = len(connection.search_uids(progress.criteria))
            newest = connection.find_newest()
    finally:
        connection.leave()
    came_at = newest.came_at if newest else None
    return waiting, clocks.look_at_newest(came_at, is_empty=folder.exists == 0)


def find_same_folder(mailbox: Mailbox, others: Sequence[Mailbox]) -> Finding:
    """Two mailboxes with the same folder take each other's mail."""
    folder = _identify_folder(mailbox)
    names = [
        other.name
        for other in others
        if other.pk != mailbox.pk
        and other.inbox_method == mailbox.inbox_method
        and _identify_folder(other) == folder
    ]
    if not names:
        return Finding("same folder", Answer.YES, _("no other mailbox reads this folder"))
    detail = _("these mailboxes read the same folder: %(names)s") % {"names": ", ".join(names)}
    remedy = _("Give each mailbox a folder or a user of its own, or switch one of them off.")
    return Finding("same folder", Answer.NO, detail, remedy)


def _identify_folder(mailbox: Mailbox) -> tuple[str, int, str, str]:
    """INBOX in any case is the same (RFC 3501 section 5.1)."""
    if mailbox.inbox_method == InboxMethod.MAILDIR:
        return "", 0, "", mailbox.maildir_path.rstrip("/")
    folder = "inbox" if mailbox.folder.lower() == "inbox" else mailbox.folder
    port = min(STANDARD_PORTS) if mailbox.port in STANDARD_PORTS else mailbox.port
    is_graph = mailbox.inbox_method == InboxMethod.MICROSOFT_GRAPH
    host = mailbox.graph_endpoint if is_graph else mailbox.host
    return lower_ascii(host), port, mailbox.log_in.user, folder


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
        or EmailAddress.objects.filter(address__endswith=f"@{domain}").exists()
        or User.objects.filter(email__iendswith=f"@{domain}").exists()
    )


def _skip(steps: Sequence[str], detail: str) -> list[Finding]:
    return [Finding(step, Answer.SKIPPED, detail) for step in steps]
