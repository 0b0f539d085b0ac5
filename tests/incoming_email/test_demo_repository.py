"""The demo has a repository, and addresses for those who may send patches to it."""

import json

import pytest
from django.core.management import call_command

from issues import repositories
from issues.models import Project

pytestmark = pytest.mark.django_db


def seed(capsys):
    call_command("seed_demo", "--json")
    return json.loads(capsys.readouterr().out)


def test_two_commits_and_an_address_for_developers_and_above(capsys):
    seeded = seed(capsys)
    project = Project.objects.get(pk=seeded["project"]["id"])
    head = repositories.find_head(project, "main")
    git = repositories.ensure_repository(project)
    assert git.run("rev-list", "--count", head).text == "2"
    addresses = {user["role"]: user["addresses"]["new_merge_request"] for user in seeded["users"]}
    assert addresses["developer"].endswith("-merge-request@mail.letterbox.localhost")
    assert addresses["maintainer"].endswith("-merge-request@mail.letterbox.localhost")
    assert addresses["reporter"] is None
    assert seed(capsys) == seeded
    assert repositories.find_head(project, "main") == head
