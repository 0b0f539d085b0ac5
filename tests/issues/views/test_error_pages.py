"""The pages for errors: each says what happened and what to do, and none needs the database."""

import pytest
from django.template.loader import render_to_string
from django.test import Client

from tests.factories import IssueFactory, UserFactory


def test_error_of_ours_needs_no_request():
    page = render_to_string("500.html")

    assert "Something went wrong on our side" in page
    assert "Log in" not in page


@pytest.mark.django_db
def test_an_error_is_answered_with_the_page(monkeypatch):
    def fail(user):
        raise RuntimeError

    monkeypatch.setattr("issues.views.projects.visible_projects", fail)

    response = Client(raise_request_exception=False).get("/")

    assert response.status_code == 500
    assert "Something went wrong on our side" in response.content.decode()


@pytest.mark.django_db
def test_a_page_that_was_too_old():
    response = Client(enforce_csrf_checks=True).post("/account/login/", {"login": "ada"})

    assert response.status_code == 403
    assert "Nothing was saved: the page was too old" in response.content.decode()


@pytest.mark.django_db
def test_not_found_asks_strangers_to_log_in_and_come_back(client):
    response = client.get("/acme/nothing/-/issues/")

    assert "log in and try again" in response.content.decode()
    assert 'href="/account/login/?next=/acme/nothing/-/issues/"' in response.content.decode()


@pytest.mark.django_db
def test_not_allowed(client):
    issue = IssueFactory(locked=True)
    client.force_login(UserFactory())

    response = client.post(f"/{issue.project.path}/-/issues/{issue.iid}/", {"body": "x"})

    assert response.status_code == 403
    assert "You may not do this" in response.content.decode()
