"""Counts stop at a limit, and what is beyond it is still reached."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from issues import counting
from issues.counting import BoundedPaginator, count_rows
from issues.models import Issue, Project
from tests.factories import IssueFactory, ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def issues(monkeypatch):
    """Seven, where four is the limit."""
    monkeypatch.setattr(counting, "MOST", 4)
    project = ProjectFactory()
    IssueFactory.create_batch(7, project=project)
    return Issue.objects.filter(project=project).order_by("-iid")


def test_a_count_stops_at_the_limit(issues):
    assert (str(count_rows(issues)), str(count_rows(issues.none()))) == ("4+", "0")
    assert str(count_rows(issues.filter(iid__lte=4))) == "4"


def test_no_more_rows_are_read_than_are_counted(issues):
    with CaptureQueriesContext(connection) as queries:
        count_rows(issues)
    assert "LIMIT 5" in queries[0]["sql"]


def test_pages_beyond_the_limit_are_reached(issues):
    pages = BoundedPaginator(issues, 2)
    assert (str(pages.count), pages.num_pages) == ("4+", 3)
    assert pages.get_page(2).has_next()
    third = pages.get_page(3)
    assert (pages.count, pages.num_pages, third.has_next()) == (7, 4, True)
    assert [issue.iid for issue in BoundedPaginator(issues, 2).get_page(4)] == [1]


@pytest.mark.parametrize("asked", ["x", "", "-1", "0", None])
def test_what_is_no_page_is_as_before(issues, asked):
    assert BoundedPaginator(issues, 2).get_page(asked).number in {1, 3}


def test_a_list_is_counted_as_it_is():
    assert BoundedPaginator([1, 2, 3], 2).count == 3


def test_the_console_says_that_there_are_more(issues, admin_client):
    text = admin_client.get(reverse("admin:issues_issue_changelist")).content.decode()
    assert "4+ issues" in text
    text = admin_client.get(reverse("admin:issues_project_changelist")).content.decode()
    assert '<td class="field-issue_count">4+</td>' in text


def test_the_list_of_a_project_says_so(issues, admin_client):
    project = Project.objects.get()
    text = admin_client.get(reverse("issue-list", args=[project.path])).content.decode()
    assert text.count("4+") >= 2
