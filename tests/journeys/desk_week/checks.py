"""What must hold after each day at a desk; each check gives sentences about what does not."""

from collections import Counter
from email.message import EmailMessage

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from issues.models import OutgoingEmail
from servicedesk.forms import WAITING
from servicedesk.listing import find_tickets, in_state
from tests.journeys.desk_week.office import Office
from tests.journeys.desk_week.words import Said, Thread, own_lines, texts_of, words_in
from tests.journeys.mail_programs import ids_in


def is_ours(message: EmailMessage) -> bool:
    return bool(message["X-Letterbox-Origin"])


def find_faults(office: Office) -> list[str]:
    return [*_find_leaks(office), *_find_doubles(office), *_find_unanswered(office)]


def _find_leaks(office: Office) -> list[str]:
    """Mail of ours that brings somebody outside what is not for them."""
    inside = {agent.email for agent in office.agents.values()}
    faults = []
    for address, folder in office.programs.folders().items():
        if address in inside:
            continue
        for message in filter(is_ours, folder):
            for word in words_in(texts_of(message)):
                said = office.journal.said[word]
                if said.is_internal or not ({address} & (said.readers | {said.author})):
                    faults.append(f"{address} read {word} of {said.author}: {message['Subject']}")
    return faults


def _find_doubles(office: Office) -> list[str]:
    """The same words twice in mail of ours to one person, quotes apart."""
    faults = []
    for address, folder in office.programs.folders().items():
        brought = Counter(w for m in filter(is_ours, folder) for w in words_in(own_lines(m)))
        faults += [f"{address} was told {word} {n} times" for word, n in brought.items() if n > 1]
    return faults


def _find_unanswered(office: Office) -> list[str]:
    """Questions that have no answer and wait nowhere."""
    waiting = set(
        in_state(find_tickets(office.desk.project, ""), WAITING).values_list("issue_id", flat=True)
    )
    held = InboundEmail.objects.filter(status=Status.HELD)
    seen = {word for row in held for word in words_in(bytes(row.raw).decode(errors="replace"))}
    # A robot's or a list's mail opens no ticket, by the desk's rules.
    passed = InboundEmail.objects.filter(reason=Reason.AUTOMATIC)
    seen |= {word for row in passed for word in words_in(bytes(row.raw).decode(errors="replace"))}
    seen |= _find_refused(office)
    faults = []
    for thread in office.journal.threads:
        for said in thread.said:
            if not said.is_question or said.is_refused or said.word in seen:
                continue
            if thread.issue_id not in waiting and not _is_answered(office, thread, said):
                faults.append(
                    f"{said.author} waits for an answer to {said.word}: {thread.subject}"
                    f" ({_what_became_of(said)})\n{tell(office, thread)}"
                )
    return faults


def _find_refused(office: Office) -> set[str]:
    """Words that were not taken, and whose writers have a mail that says so."""
    refused = set()
    for row in InboundEmail.objects.filter(status=Status.REJECTED):
        told = [m for m in office.programs.folder_of(row.sender) if is_ours(m)]
        if any(
            f"<{row.message_id.strip('<>')}>" in ids_in(m, "In-Reply-To", "References")
            for m in told
        ):
            refused |= words_in(bytes(row.raw).decode(errors="replace"))
    return refused


def _what_became_of(said: Said) -> str:
    rows = [row for row in InboundEmail.objects.all() if said.word.encode() in bytes(row.raw)]
    return ", ".join(f"{row.status} {row.reason} {row.last_error}" for row in rows)


def tell(office: Office, thread: Thread) -> str:
    """The conversation as far as it went, for somebody who looks for a fault."""
    lines = [f"{s.word} of {s.author}, for {sorted(s.readers)}" for s in thread.said]
    for address in sorted(thread.people):
        folder = office.programs.folder_of(address)
        lines += [f"{address} <- {m['Subject']} {sorted(words_in(own_lines(m)))}" for m in folder]
    rows = OutgoingEmail.objects.filter(recipient__in=thread.people)
    lines += [f"{row.recipient}: {row.subject} {row.state} {row.last_error}" for row in rows]
    return "\n".join(lines)


def _is_answered(office: Office, thread: Thread, question: Said) -> bool:
    """Words of an agent reached who asked, later than the question."""
    later = thread.said[thread.said.index(question) + 1 :]
    agents = {said.word for said in later if said.author in office.agents and not said.is_internal}
    folder = office.programs.folder_of(question.author)
    return any(agents & words_in(own_lines(m)) for m in filter(is_ours, folder))
