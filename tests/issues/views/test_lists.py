"""The list of issues with its filters, its pages, and the form for a new issue."""

import pytest
from django.urls import resolve

from issues import services
from issues.models import Issue, State
from tests.factories import (
    IssueFactory,
    LabelFactory,
    MembershipFactory,
    MergeRequestFactory,
    ProjectFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return ProjectFactory(path="acme/shop")


def titles(client, query=""):
    page = client.get(f"/acme/shop/-/issues/{query}").context["page"]
    return [issue.title for issue in page]


def totals(client, query=""):
    states = client.get(f"/acme/shop/-/issues/{query}").context["states"]
    return {tab.value: tab.total for tab in states}


def test_open_issues_newest_first(client, project):
    IssueFactory(project=project, title="one")
    IssueFactory(project=project, title="two", state=State.CLOSED)
    IssueFactory(project=project, title="three")

    assert titles(client) == ["three", "one"]
    assert titles(client, "?state=closed") == ["two"]
    assert titles(client, "?state=all") == ["three", "two", "one"]
    assert titles(client, "?state=nonsense") == ["three", "one"]
    assert totals(client) == {"opened": 2, "closed": 1, "all": 3}


def test_label_and_text_narrow_the_list_and_the_counts(client, project):
    bug = LabelFactory(project=project, name="bug")
    IssueFactory(project=project, title="The Cart is slow").labels.add(bug)
    IssueFactory(project=project, title="Pay", state=State.CLOSED).labels.add(bug)
    IssueFactory(project=project, title="A cart for two")

    assert titles(client, "?q=cart") == ["A cart for two", "The Cart is slow"]
    assert titles(client, "?label=bug") == ["The Cart is slow"]
    assert titles(client, "?label=bug&q=pay&state=all") == ["Pay"]
    assert totals(client, "?label=bug") == {"opened": 1, "closed": 1, "all": 2}


@pytest.mark.parametrize("query", ["?q=%00", "?label=%00", "?page=x", "?page=999", "?state=%FF"])
def test_nonsense_in_the_address_is_no_error(client, project, query):
    IssueFactory(project=project, title="one")

    assert titles(client, query) == ["one"]


def test_pages(client, project):
    IssueFactory.create_batch(27, project=project)

    first = client.get("/acme/shop/-/issues/?q=door")
    second = client.get("/acme/shop/-/issues/?q=door&page=2")

    assert len(first.context["page"]) == 25
    assert [issue.iid for issue in second.context["page"]] == [2, 1]
    assert "?state=opened&amp;label=&amp;q=door&amp;page=2" in first.content.decode()


def test_confidential_issues_are_neither_listed_nor_counted(client, project):
    issue = IssueFactory(project=project, confidential=True, title="secret")
    assert titles(client) == []
    assert totals(client)["all"] == 0
    client.force_login(issue.author)
    assert titles(client) == ["secret"]


def test_more_issues_cost_no_more_queries(client, django_assert_max_num_queries, project):
    client.force_login(MembershipFactory(project=project).user)

    def count_for(number):
        for issue in IssueFactory.create_batch(number, project=project):
            issue.labels.add(LabelFactory(project=project))
            issue.assignees.add(UserFactory())
        with django_assert_max_num_queries(20) as queries:
            client.get("/acme/shop/-/issues/")
        return len(queries)

    assert count_for(1) == count_for(20)


def test_list_of_merge_requests(client, project):
    MergeRequestFactory(project=project, title="one")
    MergeRequestFactory(project=project, title="two", state=State.MERGED, source_branch="b")

    def listed(query):
        page = client.get(f"/acme/shop/-/merge_requests/{query}").context["page"]
        return [merge_request.title for merge_request in page]

    assert listed("") == ["one"]
    assert listed("?state=merged") == ["two"]
    assert listed("?state=all&q=ON") == ["one"]


def test_new_issue(client, project):
    user = UserFactory()
    client.force_login(user)
    sent = {"title": "It squeaks", "description": "A *lot*.", "confidential": "on"}

    response = client.post("/acme/shop/-/issues/new/", sent, follow=True)

    issue = Issue.objects.get()
    assert (issue.title, issue.description, issue.confidential, issue.author) == (
        "It squeaks",
        "A *lot*.",
        True,
        user,
    )
    assert response.redirect_chain == [("/acme/shop/-/issues/1/", 302)]
    assert "Issue #1 is open." in response.content.decode()


def test_new_issue_without_a_title_is_turned_down(client, project):
    client.force_login(UserFactory())

    response = client.post("/acme/shop/-/issues/new/", {"title": " ", "description": "kept"})

    assert "This field is required." in response.content.decode()
    assert "kept" in response.content.decode()
    assert not Issue.objects.exists()


def test_a_right_lost_in_between_is_a_404(client, project, monkeypatch):
    def refuse(**arguments):
        raise services.NotVisible

    monkeypatch.setattr(services, "create_issue", refuse)
    client.force_login(UserFactory())

    assert client.post("/acme/shop/-/issues/new/", {"title": "x"}).status_code == 404


def test_bare_address_of_a_project_leads_to_its_issues(client, project):
    assert client.get("/acme/shop/").headers["Location"] == "/acme/shop/-/issues/"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/", "project-list"),
        ("/account/", "account"),
        ("/account/login/", "account_login"),
        ("/a/-/issues/", "issue-list"),
        ("/a/b/c/-/issues/new/", "issue-new"),
        ("/new/issues/-/issues/7/", "issue-detail"),
        ("/a/-/merge_requests/7/", "merge-request-detail"),
        ("/a/b-/", "project-detail"),
        (f"/uploads/{'a' * 32}/x.png", "upload"),
    ],
)
def test_addresses(address, name):
    assert resolve(address).url_name == name


def test_log_in_and_out(client, project):
    UserFactory(username="ada")

    wrong = client.post("/account/login/", {"login": "ada", "password": "wrong"})
    right = client.post(
        "/account/login/?next=/acme/shop/",
        {"login": "ada", "password": "demo-password", "next": "/acme/shop/"},
    )
    home = client.get("/").content.decode()
    out = client.post("/account/logout/")

    assert 'role="alert"' in wrong.content.decode()
    assert right.headers["Location"] == "/acme/shop/"
    assert "Log out" in home
    assert out.headers["Location"] == "/account/login/"
    assert "Log out" not in client.get("/").content.decode()
