"""How mail is handed to a server: the SMTP client, and what an answer of the server means."""

from issues.connecting import is_loopback
from issues.sending.backend import EmailBackend, Unsendable, write_envelope_address
from issues.sending.client import Refused, Stage, TimedOut
from issues.sending.pictures import Picture, put_beside_html
from issues.sending.verdicts import Scope, Verdict, describe, judge, judge_opening

__all__ = [
    "EmailBackend",
    "Picture",
    "Refused",
    "Scope",
    "Stage",
    "TimedOut",
    "Unsendable",
    "Verdict",
    "describe",
    "is_loopback",
    "judge",
    "judge_opening",
    "put_beside_html",
    "write_envelope_address",
]
