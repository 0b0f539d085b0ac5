"""One page with the largest and worst texts that mails can bring."""

import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from issues import tasks
from issues.forms import MAX_TEXT_LENGTH
from issues.models import Role
from tests.factories import IssueFactory, MembershipFactory, NoteFactory

pytestmark = pytest.mark.django_db

MB = 1_000_000
BODIES = [
    "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * (MB // 10),
    "|a" * 1_000 + "|\n" + "|-" * 1_000 + "|\n" + "b\n" * (MB // 2 - 2_000),
    "a long line of words and some more of them, as people write\n" * (MB // 60),
    "x" * MB,
    "> " * (MB // 2) + "a",
    ">" * MB,
    "* " * (MB // 4) + "a\n" + "\n" * (MB // 2),
    "- a\n" * (MB // 4),
    "[t](/u) " * (MB // 8),
    "![](a) " * (MB // 7),
    "a@b.c " * (MB // 6),
    "xxxxx&" * (MB // 6),
    "*_" * (MB // 4) + "a" + "_*" * (MB // 4),
    "# a\n" * (MB // 4),
    '{"key": "<value>"}\n' * (MB // 19),
]


def resident_mib(name: str) -> float:
    """VmRSS is what the process holds, VmHWM the most that it held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (kib,) = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(kib) / 1024


@pytest.mark.slow
def test_fifteen_mails_of_1_mb_are_shown_in_bounded_time_and_memory(client):
    issue = IssueFactory()
    page = reverse("issue-detail", args=[issue.project.path, issue.iid])
    client.force_login(MembershipFactory(project=issue.project, role=Role.DEVELOPER).user)
    client.get(page)  # what the first view loads for good is not the texts'
    notes = [NoteFactory(issue=issue, body=body).pk for body in BODIES]
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew: proc_pid_clear_refs(5)
    before, started = resident_mib("VmRSS"), time.process_time()

    # A page waits for none of them; a worker makes their HTML, and the next page has it.
    assert client.get(page).content.count(b"is still being formatted") == len(BODIES)
    tasks.keep_html(ids={"note": notes})
    response = client.get(page)

    # Three seconds on an idle machine, and 164 without limits.
    assert time.process_time() - started < 20
    assert b"is still being formatted" not in response.content
    assert resident_mib("VmHWM") - before < 400
    assert response.status_code == 200
    assert response.content.count(b"shown as plain text") > len(BODIES) / 2
    assert len(response.content) < 10 * MB


@pytest.mark.parametrize(
    "character",
    ["a", *(pytest.param(each, marks=pytest.mark.slow) for each in ("가", "😀"))],
)
def test_a_form_takes_the_longest_text_in_every_script(client, character):
    """As a browser sends it: each byte outside ASCII takes three in a form."""
    member = MembershipFactory(role=Role.DEVELOPER)
    client.force_login(member.user)
    body = urlencode({"title": "Long", "description": character * MAX_TEXT_LENGTH})
    answer = client.post(
        reverse("issue-new", args=[member.project.path]),
        body,
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 302
    assert len(member.project.issues.get().description) == MAX_TEXT_LENGTH
