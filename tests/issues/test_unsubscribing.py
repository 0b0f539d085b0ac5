"""The signed link out of a discussion."""

import pytest
from django.core import signing

from issues.unsubscribing import SALT, find_subscription_target, token_for, unsubscribe_url
from tests.factories import IssueFactory, MergeRequestFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("factory", [IssueFactory, MergeRequestFactory])
def test_a_token_leads_to_its_person_and_item(factory):
    user, item = UserFactory(), factory()

    assert find_subscription_target(token_for(user, item)) == (user, item)


def test_an_issue_and_a_merge_request_of_one_number_are_told_apart():
    user = UserFactory()
    issue = IssueFactory(pk=4711)
    merge_request = MergeRequestFactory(pk=4711)

    assert find_subscription_target(token_for(user, issue)) == (user, issue)
    assert find_subscription_target(token_for(user, merge_request)) == (user, merge_request)


@pytest.mark.parametrize("token", ["", "x", "W10:1abcde:forged"])
def test_a_forged_token_leads_nowhere(token):
    assert find_subscription_target(token) is None


def test_a_token_signed_for_another_purpose_leads_nowhere():
    user, issue = UserFactory(), IssueFactory()
    forged = signing.dumps([user.pk, "i", issue.pk], salt="another purpose")

    assert find_subscription_target(forged) is None


def test_a_changed_token_leads_nowhere():
    token = token_for(UserFactory(), IssueFactory())

    assert find_subscription_target(token[:-1] + ("A" if token[-1] != "A" else "B")) is None


def test_a_token_of_what_is_gone_leads_nowhere():
    user, issue = UserFactory(), IssueFactory()
    token = token_for(user, issue)
    issue.delete()

    assert find_subscription_target(token) is None
    assert find_subscription_target(signing.dumps([0, "m", 0], salt=SALT)) is None


def test_the_address_is_absolute(settings):
    settings.BASE_URL = "https://letterbox.localhost"
    user, issue = UserFactory(), IssueFactory()

    url = unsubscribe_url(user, issue)

    assert url.startswith("https://letterbox.localhost/unsubscribe/")
    assert find_subscription_target(url.split("/")[-2]) == (user, issue)
