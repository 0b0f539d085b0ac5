"""A file is shown once: where the text links it, else in the list below."""

import pytest
from django.urls import reverse

from issues import services
from issues.models import Issue, MergeRequest, Note, Role, Upload
from issues.uploads import NewFile
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def files(*names):
    return [NewFile(name, "text/plain", name.encode(), source=name) for name in names]


@pytest.fixture
def member(client):
    membership = MembershipFactory(role=Role.DEVELOPER)
    client.force_login(membership.user)
    return membership


@pytest.fixture
def issue(member):
    return services.create_issue(
        project=member.project, author=member.user, title="It", files=files("plan.txt")
    )


def page(client, item):
    kind = "issue" if isinstance(item, Issue) else "merge-request"
    return client.get(reverse(f"{kind}-detail", args=[item.project.path, item.iid])).text


def test_what_the_description_links_is_not_listed_again(client, issue):
    text = page(client, issue)
    assert text.count(f"/uploads/{Upload.objects.get().secret}/") == 1
    assert "1 attachment" not in text


def test_what_a_note_links_is_not_listed_again(client, issue, member):
    services.create_note(item=issue, author=member.user, body="See", files=files("a.txt", "b.txt"))
    text = page(client, issue)
    assert [text.count(f"/{upload.secret}/") for upload in Upload.objects.all()] == [1, 1, 1]


def test_what_was_cut_from_the_text_is_listed(client, issue, member):
    services.create_note(item=issue, author=member.user, body="See", files=files("a.txt", "b.txt"))
    Note.objects.update(body="Only words now.")
    Issue.objects.update(description="Nothing.")
    text = page(client, issue)
    assert [text.count(f"/{upload.secret}/") for upload in Upload.objects.all()] == [1, 1, 1]
    assert "1 attachment" in text
    assert "2 attachments" in text


def test_of_a_merge_request_too(client, member):
    merge_request = services.create_merge_request(
        project=member.project,
        author=member.user,
        title="Oil",
        source_branch="oil",
        target_branch="main",
        files=files("oil.txt"),
    )
    secret = Upload.objects.get().secret
    assert page(client, merge_request).count(f"/{secret}/") == 1
    MergeRequest.objects.update(description="")
    assert page(client, merge_request).count(f"/{secret}/") == 1
