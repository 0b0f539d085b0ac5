"""The page behind the link "unsubscribe": a GET asks, a POST acts, nobody logs in."""

import pytest
from django.test import Client

from issues.models import Subscription, Visibility
from issues.unsubscribing import token_for
from tests.factories import IssueFactory, MembershipFactory, MergeRequestFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def strict_client():
    return Client(enforce_csrf_checks=True)


def test_a_get_only_asks(strict_client):
    issue = IssueFactory(title="The door squeaks")
    user = UserFactory()

    response = strict_client.get(f"/unsubscribe/{token_for(user, issue)}/")

    assert response.status_code == 200
    assert "No more mail about this?" in response.content.decode()
    assert "The door squeaks" in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    assert not Subscription.objects.exists()


@pytest.mark.parametrize("make", [IssueFactory, MergeRequestFactory])
def test_a_post_unsubscribes_in_one_click(strict_client, make):
    item = make()
    user = UserFactory()
    url = f"/unsubscribe/{token_for(user, item)}/"

    first = strict_client.post(url, {"List-Unsubscribe": "One-Click"})
    second = strict_client.post(url, {"List-Unsubscribe": "One-Click"})

    assert (first.status_code, second.status_code) == (200, 200)
    assert "You are unsubscribed" in first.content.decode()
    word = Subscription.objects.get()
    assert (word.user, word.issue or word.merge_request, word.subscribed) == (user, item, False)


def test_a_forged_token_is_a_plain_404(strict_client):
    token = token_for(UserFactory(), IssueFactory())

    for url in (f"/unsubscribe/x{token}/", "/unsubscribe/nonsense/"):
        for response in (strict_client.get(url), strict_client.post(url)):
            assert response.status_code == 404
            assert "This link is not valid" in response.content.decode()
    assert not Subscription.objects.exists()


def test_the_title_is_hidden_from_who_may_not_read_it_any_more(strict_client):
    issue = IssueFactory(title="The merger", project__visibility=Visibility.PRIVATE)
    user = MembershipFactory(project=issue.project).user
    url = f"/unsubscribe/{token_for(user, issue)}/"
    assert "The merger" in strict_client.get(url).content.decode()

    issue.project.memberships.all().delete()

    assert "The merger" not in strict_client.get(url).content.decode()
    assert strict_client.post(url).status_code == 200
    assert Subscription.objects.get().subscribed is False
