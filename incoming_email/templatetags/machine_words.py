"""Words that scripts rely on, such as steps of the check and reasons, as pages show them."""

import re

from django import template
from django.utils.translation import gettext, gettext_noop

register = template.Library()

CHECK = {
    *(gettext_noop("yes"), gettext_noop("no"), gettext_noop("warn"), gettext_noop("skipped")),
    *(gettext_noop("configuration"), gettext_noop("encrypted file"), gettext_noop("secret")),
    *(gettext_noop("login"), gettext_noop("folder"), gettext_noop("capabilities")),
    *(gettext_noop("backlog"), gettext_noop("clock"), gettext_noop("other mailbox")),
    *(gettext_noop("last reading"), gettext_noop("same folder"), gettext_noop("last probe")),
    *(gettext_noop("round trip"), gettext_noop("listener"), gettext_noop("domain")),
    *(gettext_noop("outgoing mail"), gettext_noop("sending"), gettext_noop("marks of spam")),
}
"""Answers, and steps of a mailbox. Names of protocols stay as they are."""

TRACE = {
    *(gettext_noop("probe"), gettext_noop("kind"), gettext_noop("reading")),
    *(gettext_noop("address"), gettext_noop("reference"), gettext_noop("blocked senders")),
    *(gettext_noop("limit"), gettext_noop("sender"), gettext_noop("authentication")),
    *(gettext_noop("answered note"), gettext_noop("refusal"), gettext_noop("duplicate")),
    *(gettext_noop("notice"), gettext_noop("quick actions")),
    *(gettext_noop("header"), gettext_noop("key"), gettext_noop("because")),
    *(gettext_noop("answered issue"), gettext_noop("answered mail"), gettext_noop("author")),
    *(gettext_noop("project"), gettext_noop("series"), gettext_noop("spam")),
}
"""Steps, and the names of their particulars."""

RESULTS = {
    *(gettext_noop("personal"), gettext_noop("automatic"), gettext_noop("bounce")),
    *(gettext_noop("receipt"), gettext_noop("own mail"), gettext_noop("ended")),
    *(gettext_noop("blocked everywhere"), gettext_noop("blocked for the project")),
    gettext_noop("blocked by a ticket that is spam, which this message is not"),
    *(gettext_noop("not asked for"), gettext_noop("fits the key")),
    *(gettext_noop("does not fit the key"), gettext_noop("passed"), gettext_noop("not passed")),
    *(gettext_noop("internal, in another discussion"), gettext_noop("not ours")),
    *(gettext_noop("tried before"), gettext_noop("delayed"), gettext_noop("sent")),
    gettext_noop("waits for its cover letter"),
    *(gettext_noop("forwarded, or of somebody else"), gettext_noop("not a reply to it")),
    *(gettext_noop("confidential, another address"), gettext_noop("not named")),
    gettext_noop("the author has no second factor"),
    *(gettext_noop("marked"), gettext_noop("not marked")),
    gettext_noop("not sent: the message is spam"),
    gettext_noop("not sent: the sender is a stranger"),
    gettext_noop("not sent: the message has the null reverse-path"),
    gettext_noop("not sent: the message came through a list or went to many"),
    gettext_noop("not sent: the sender is one of our own addresses"),
    gettext_noop("not sent: the author has no proven address"),
    gettext_noop("not sent: the sender was told about this message before"),
    gettext_noop("not sent: nobody reads what is sent to the sender's address"),
    gettext_noop("not sent: the message asks for no automatic answer (X-Auto-Response-Suppress)"),
}
BECAUSE = {
    gettext_noop("X-Letterbox-Origin or Message-ID is ours"),
    *(gettext_noop("a delivery report (RFC 3464)"), gettext_noop("a read receipt (RFC 8098)")),
    gettext_noop("from the mailer daemon with a null reverse-path"),
    gettext_noop("X-Auto-Response-Suppress with the subject of an automatic answer"),
    *(gettext_noop("not looked at"), gettext_noop("From names no one sender")),
    *(gettext_noop("the message is too large"), gettext_noop("no chain")),
    *(gettext_noop("the chain is malformed"), gettext_noop("the chain has a gap")),
    gettext_noop("the last signature covers too little"),
    gettext_noop("the message was changed since it was sealed last"),
    gettext_noop("a signature of the chain is malformed"),
    gettext_noop("a seal of the chain does not hold"),
    gettext_noop("no usable signature of the sender's domain"),
    gettext_noop("no signature of the sender's domain holds"),
    gettext_noop("the header has no end, or is too long"),
    gettext_noop("the header has too many fields"),
}
SENTENCES = (
    *(gettext_noop("%s: found"), gettext_noop("%s: the key leads nowhere")),
    gettext_noop("%s: switched off"),
    gettext_noop("%s: the key is not the sender's"),
    gettext_noop("acted on as inbound email %s"),
    gettext_noop("not sent: the sender was told in the last %s minutes"),
    gettext_noop("not sent: the limit of automatic answers is reached (%s)"),
    gettext_noop("not sent: the message has %s, as mail to many has"),
    gettext_noop("a report of type %s"),
    gettext_noop("From is %s, an address of a mailing list"),
    gettext_noop("From is %s, an address of ours"),
    *(gettext_noop("own DKIM check: %s"), gettext_noop("ARC: %s")),
    *(gettext_noop("signed by %s"), gettext_noop("authenticated by %s")),
    gettext_noop("the DNS did not answer for a key of %s"),
    gettext_noop("the DNS did not answer for %s"),
    gettext_noop("no Authentication-Results of %s"),
    gettext_noop("Authentication-Results of %s"),
    gettext_noop("sealed last by %s, which is no trusted forwarder"),
    gettext_noop("ended by %s, which found it broken"),
    gettext_noop("the chain has more than %s sets"),
)
"""Results and grounds that name something. The first that fits counts."""

REASONS = {
    *(gettext_noop("unknown address"), gettext_noop("replies only"), gettext_noop("empty")),
    *(gettext_noop("desk off"), gettext_noop("member unproven")),
    *(gettext_noop("not found"), gettext_noop("not allowed"), gettext_noop("locked")),
    *(gettext_noop("blocked"), gettext_noop("key expired"), gettext_noop("invalid")),
    *(gettext_noop("patch conflict"), gettext_noop("patch refused")),
    *(gettext_noop("branch refused"), gettext_noop("too large"), gettext_noop("too complex")),
    *(gettext_noop("not a message"), gettext_noop("automatic"), gettext_noop("bounce")),
    *(gettext_noop("receipt"), gettext_noop("own mail"), gettext_noop("blocked sender")),
    *(gettext_noop("probe"), gettext_noop("duplicate"), gettext_noop("discarded")),
    *(gettext_noop("unreadable on server"), gettext_noop("gone from server")),
    *(gettext_noop("sender mismatch"), gettext_noop("not authenticated")),
    *(gettext_noop("stranger"), gettext_noop("internal answer")),
    gettext_noop("too many recipients"),
    *(gettext_noop("confidential answer"), gettext_noop("not a reply"), gettext_noop("no sender")),
    *(gettext_noop("deleted"), gettext_noop("postmaster"), gettext_noop("switched off")),
    gettext_noop("no second factor"),
}
WORDS = CHECK | TRACE | RESULTS | BECAUSE | REASONS
_PATTERNS = [
    (sentence, re.compile(re.escape(sentence).replace("%s", "(.*)"), re.DOTALL))
    for sentence in SENTENCES
]


@register.filter
def in_words(word: str) -> str:
    """In the active language. What is no fixed word, such as one of another version, stays."""
    return "; ".join(_translate(part) for part in word.split("; "))


def _translate(word: str, *, depth: int = 2) -> str:
    """`depth`: a sentence may name another one, and no more."""
    plain = word.replace("_", " ")
    for known in (word, plain):
        if known in WORDS:
            return gettext(known)
    for sentence, pattern in _PATTERNS if depth else ():
        if match := pattern.fullmatch(word):
            return gettext(sentence) % _translate(match[1], depth=depth - 1)
    return word
