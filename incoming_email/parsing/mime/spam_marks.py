"""Fields by which a spam filter on the way marked the message as spam; whose word counts is decided
elsewhere."""

import re
from collections import Counter
from collections.abc import Callable

from incoming_email.parsing.mime.headers import Headers
from incoming_email.parsing.types import SpamMark

MAX_MARKS = 100
"""Fields that are read, half of them from the top and half from the end: what counts is there, and
a sender may fill what is between."""

EXCHANGE_FIELDS = ("x-ms-exchange-organization-scl", "x-forefront-antispam-report")
LEAST_SCL = 5
"""Spam confidence level from which Exchange delivers into the junk folder; -1 is trusted, 9 the
surest spam."""

_SPAM_VERDICTS = {"SPM", "SKS", "SKB", "BLK"}
"""Of the filter; a mail flow rule; a blocked sender of the organisation; of the recipient."""

_RSPAMD_ACTIONS = {"add header", "rewrite subject", "quarantine", "discard", "reject"}
"""`no action`, `greylist` and `soft reject` say nothing of the kind."""

_LEVEL = re.compile(r"\s*(-?\d{1,2})\s*\Z")


def find_spam_marks(headers: Headers) -> tuple[SpamMark, ...]:
    """Topmost first; fields that say that it is no spam are left out."""
    names = [name for name in headers.order if name == "received" or name in _READERS]
    totals, seen = Counter(names), Counter[str]()
    values = {name: headers.unfolded(name) for name in totals if name != "received"}
    marks: list[SpamMark] = []
    count, half = len(names) - totals["received"], MAX_MARKS // 2
    for name in names:
        number = seen.total() - seen["received"]
        at, seen[name] = seen[name], seen[name] + 1
        is_read = name != "received" and not half <= number < count - half
        said = _READERS[name](values[name][at]) if is_read else ""
        if said:
            mark = SpamMark(
                field=f"{_SPELLED[name]}: {said}",
                received_above=seen["received"],
                is_first=at == 0,
                is_last=at + 1 == totals[name],
                is_of_exchange=name in EXCHANGE_FIELDS,
            )
            marks.append(mark)
    return tuple(marks)


def _read_word(*words: str) -> Callable[[str], str]:
    """The first word, up to a comma or blank: `Yes, score=9.4 required=5.0 tests=…`."""

    def read(value: str) -> str:
        first = re.split(r"[\s,;]", value.strip().lower(), maxsplit=1)[0]
        return first if first in words else ""

    return read


def _read_rspamd_action(value: str) -> str:
    action = value.strip().lower()
    return action if action in _RSPAMD_ACTIONS else ""


def _read_rspamd_result(value: str) -> str:
    """`default: True [16.60 / 15.00]; …`: what rspamd would reject."""
    return "True" if re.match(r"\s*\w{1,50}:\s*True\b", value, re.IGNORECASE) else ""


def _read_level(value: str) -> str:
    level = _LEVEL.match(value)
    return level[1] if level and int(level[1]) >= LEAST_SCL else ""


def _read_forefront_report(value: str) -> str:
    """`CIP:…;SCL:5;SFV:SPM;DIR:INB;…`. One that the sender's own Exchange wrote, DIR:OUT, is about
    what it let go out."""
    parts = (part.strip().partition(":") for part in value.upper().split(";"))
    report = {name: said for name, _colon, said in parts}
    level, verdict = _read_level(report.get("SCL", "")), report.get("SFV", "")
    if report.get("DIR") == "OUT":
        return ""
    if level:
        return f"SCL:{level}"
    return f"SFV:{verdict}" if verdict in _SPAM_VERDICTS else ""


_FIELDS: dict[str, Callable[[str], str]] = {
    "X-Spam-Flag": _read_word("yes", "true"),  # SpamAssassin, amavis
    "X-Spam-Status": _read_word("yes"),  # SpamAssassin, rspamd
    "X-Spam": _read_word("yes"),  # rspamd
    "X-Spamd-Result": _read_rspamd_result,
    "X-Rspamd-Action": _read_rspamd_action,
    "X-Gm-Spam": _read_word("1"),  # Google Workspace, where it hands mail on
    "X-Gm-Phishy": _read_word("1"),
    "X-MS-Exchange-Organization-SCL": _read_level,
    "X-Forefront-Antispam-Report": _read_forefront_report,
}
"""By field, the word of its value that says spam, or nothing.

Formats: SpamAssassin 4.0 and rspamd 3.4 behind Postfix, as they wrote them; the documentation of
Google Workspace (routing) and of Exchange Online Protection (anti-spam message headers)."""

_READERS = {name.lower(): reader for name, reader in _FIELDS.items()}
_SPELLED = {name.lower(): name for name in _FIELDS}
