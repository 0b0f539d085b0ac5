"""Asks the check by its command, as scripts do."""

import json
from contextlib import suppress
from io import StringIO

from django.core.management import call_command


def check(*words: str) -> dict[str, dict[str, str]]:
    """By step, what the command prints for scripts about mailboxes."""
    out = StringIO()
    with suppress(SystemExit):
        call_command("check_incoming_email", "--json", *words, stdout=out)
    lines = json.loads(out.getvalue())["findings"]
    return {line["step"]: line for line in lines if line["mailbox"]}


def refusal(step: str, *words: str, answer: str = "no") -> tuple[str, str]:
    """Detail and remedy of this step, the only one that says no or warns."""
    found = check(*words)
    wrong = {name: line["answer"] for name, line in found.items() if line["answer"] != "yes"}
    assert [name for name, said in wrong.items() if said in {"no", "warn"}] == [step], found
    assert found[step]["answer"] == answer
    return found[step]["detail"], found[step]["remedy"]
