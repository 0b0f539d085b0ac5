"""docs/adding-a-handler.md, followed in a copy of the repository."""

import json
from dataclasses import replace

import pytest

from tests.deploy.doc_blocks import read_blocks, take_block
from tests.deploy.doc_place import link_venv
from tests.deploy.recipes import copy_checkout

PAGE = "docs/adding-a-handler.md"
CHECKS = take_block(PAGE, "python manage.py check")
TRY_OUT = take_block(PAGE, "python manage.py receive_email --dry-run --json close.eml")
HANDLER, SETTING, TESTS = (
    each.text for each in read_blocks() if each.page == PAGE and each.language == "python"
)
NEIGHBOUR = '  "incoming_email.handlers.issue_note",\n'
IMPORTS = """\
from datetime import UTC, datetime

import pytest

from incoming_email.keys import sender_tokens
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing
from issues.models import Issue, Role, State
from tests.factories import IssueFactory, MembershipFactory
from tests.incoming_email.factories import InboundEmailFactory, MailboxFactory

"""

pytestmark = pytest.mark.slow


@pytest.fixture
def followed(place, tmp_path):
    """A repository of its own, with the handler in it."""
    copy = replace(place, folder=copy_checkout(tmp_path / "letterbox"))
    link_venv(copy.folder)
    copy.reset()
    copy.write("incoming_email/handlers/issue_close.py", HANDLER)
    begin, _dots, line = SETTING.splitlines(keepends=True)
    settings = (copy.folder / "config/settings.py").read_text()
    before, _, after = settings.partition(begin)
    copy.write("config/settings.py", before + begin + line + after)
    contracts = (copy.folder / "pyproject.toml").read_text()
    assert contracts.count(NEIGHBOUR) == 2
    added = NEIGHBOUR.replace("issue_note", "issue_close")
    copy.write("pyproject.toml", contracts.replace(NEIGHBOUR, NEIGHBOUR + added))
    copy.write("tests/incoming_email/handlers/test_issue_close.py", IMPORTS + TESTS)
    return copy


def test_a_mail_closes_an_issue(followed):
    quick, _thorough = CHECKS.text.splitlines()
    followed.follow(quick)
    dana = json.loads(followed.follow("python manage.py seed_demo --json"))["users"][0]
    address = dana["addresses"]["new_issue"].replace("-issue@", "-issue-1-close@")
    followed.write("close.eml", f"From: {dana['email']}\nTo: {address}\nSubject: Done\n\n")
    answer = json.loads(followed.follow(TRY_OUT.text))
    assert (answer["status"], answer["handler"], answer["outcome"]) == (
        *("processed", "issue_close"),
        "close issue acme/shop#1",
    )


@pytest.mark.deep
def test_the_checks_and_the_tests_of_the_guide_pass(followed):
    followed.follow(CHECKS.text)
    followed.follow("python -m pytest -q -n 0 tests/incoming_email/handlers/test_issue_close.py")
