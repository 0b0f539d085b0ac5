"""Merging, drafts and closing by the buttons of a merge request's page."""

import pytest
from django.core.cache import cache
from django.urls import reverse

from issues import repositories
from issues.models import MergeRequest, Role, State
from tests.clones import Clone, plant
from tests.factories import IssueFactory, MembershipFactory, ProjectFactory
from tests.issues.proposals import propose

pytestmark = pytest.mark.django_db
BUTTON = '<button class="primary">Merge</button>'


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


@pytest.fixture
def project():
    return ProjectFactory()


@pytest.fixture
def maintainer(project, client):
    user = MembershipFactory(project=project, role=Role.MAINTAINER).user
    client.force_login(user)
    return user


@pytest.fixture
def item(project, maintainer, tmp_path):
    plant(project)
    clone = Clone(project, tmp_path / "clone")
    clone.oil(3)
    return propose(clone, project, maintainer).merge_request


def url_of(item):
    return reverse("merge-request-detail", args=[item.project.path, item.iid])


def text_of(client, item):
    return client.get(url_of(item)).content.decode()


@pytest.fixture
def press(client, item, django_capture_on_commit_callbacks):
    """The page after the button."""

    def press(action):
        with django_capture_on_commit_callbacks(execute=True):
            response = client.post(f"{url_of(item)}{action}/")
        if response.status_code == 302:
            item.refresh_from_db()
            return text_of(client, item)
        return response.status_code

    return press


def test_a_maintainer_merges(client, project, item, press):
    assert BUTTON in text_of(client, item)
    text = press("merge")
    assert item.state == State.MERGED
    head = repositories.find_head(project, "main")
    assert f"<code>main</code> is at <code>{head[:10]}</code> since then." in text
    assert f"merged this into main as {head[:10]}" in text
    assert BUTTON not in text
    assert "<button>Reopen</button>" not in text


def test_a_developer_sees_that_it_merges_and_has_no_button(client, project, item, press):
    client.force_login(MembershipFactory(project=project).user)
    text = text_of(client, item)
    assert "It merges cleanly" in text
    assert "Those who may change that branch can merge it." in text
    assert BUTTON not in text
    assert press("merge") == 403
    assert item.state == State.OPENED


def test_a_conflict_is_said_in_the_place_of_the_button(client, project, item, press):
    plant(project, {"door.txt": b"no hinges\n"})
    text = text_of(client, item)
    assert "It conflicts with the target branch in 1 file: “door.txt”." in text
    assert BUTTON not in text
    assert "It conflicts with the target branch" in press("merge")
    assert item.state == State.OPENED


def test_a_draft_is_made_ready_before_it_is_merged(client, item, press):
    assert "It is a draft. Mark it as ready first." in press("draft")
    assert item.draft
    assert BUTTON in press("ready")
    assert not item.draft


def test_what_is_closed_is_not_merged(client, item, press):
    text = press("close")
    assert item.state == State.CLOSED
    assert BUTTON not in text
    press("merge")
    assert item.state == State.CLOSED
    assert BUTTON in press("reopen")


def test_a_get_does_nothing(client, item):
    assert client.get(f"{url_of(item)}merge/").url == url_of(item)
    assert MergeRequest.objects.get().state == State.OPENED


@pytest.mark.parametrize("action", ["merge", "draft", "ready"])
def test_issues_have_none_of_this(client, maintainer, project, action):
    issue = IssueFactory(project=project)
    page = reverse("issue-detail", args=[project.path, issue.iid])
    assert client.post(f"{page}{action}/").status_code == 404


def test_strangers_may_do_nothing(client, item, press):
    client.force_login(MembershipFactory().user)
    for action in ("merge", "draft", "ready", "close"):
        assert press(action) == 403
