"""What the mail that tells of an event looks like."""

import pytest

from issues import services
from issues.models import Note, OutgoingEmail
from issues.notifications import REPLY_ROUTES, composing
from issues.unsubscribing import find_subscription_target
from issues.uploads import NewFile
from tests.factories import (
    IssueFactory,
    MembershipFactory,
    MergeRequestFactory,
    NoteFactory,
    ProjectFactory,
    UserFactory,
)
from tests.issues import routes_double
from tests.issues.outgoing import hear, last_mail, plain, say
from tests.providing import provide

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_routes(monkeypatch):
    provide(monkeypatch, REPLY_ROUTES)


@pytest.fixture
def routes(monkeypatch):
    provide(monkeypatch, REPLY_ROUTES, routes_double.reply_routes)
    routes_double.asked.clear()
    return routes_double.asked


def test_the_mail_of_an_issue(routes):
    project = ProjectFactory(path="acme/shop")
    ann = UserFactory(username="ann")
    author = UserFactory(username="bob", first_name="Bob", last_name="Jones")
    issue = services.create_issue(
        project=project, author=author, title="The door", description="@ann it **squeaks**"
    )

    hear()

    message = last_mail(ann.email)
    assert message["From"] == "Bob Jones <letterbox@letterbox.localhost>"
    assert message["To"] == "ann@example.com"
    assert message["Subject"] == f"The door (#{issue.iid})"
    assert message["Reply-To"] == f"acme/shop <incoming+key{ann.pk}@example.com>"
    assert message["Message-ID"].startswith(f"<issue-{issue.pk}.u{ann.pk}.")
    assert message["Message-ID"].endswith("@letterbox.localhost>")
    assert message["In-Reply-To"] is None
    assert message["References"] == (
        f"<reply-key{ann.pk}@letterbox.localhost> <own-{ann.pk}@example.org>"
    )
    assert message["List-Id"] == '"acme/shop" <acme-shop.letterbox.localhost>'
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link, mailto = message["List-Unsubscribe"].split(", ")
    assert find_subscription_target(link.strip("<>").split("/")[-2]) == (ann, issue)
    assert mailto == f"<mailto:incoming+key{ann.pk}-unsubscribe@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert routes == [""]
    text = plain(message)
    assert text.startswith("Bob Jones opened an issue:\n\n@ann it **squeaks**\n\n-- \n")
    assert f"http://127.0.0.1:8000/acme/shop/-/issues/{issue.iid}/\n" in text
    assert "Reply to this email directly" in text
    assert "You're receiving this email because you were mentioned." in text
    html = message.get_body(("html",)).get_content()
    assert "<p>@ann it <strong>squeaks</strong></p>" in html
    assert "Bob Jones opened an issue:" in html


def test_the_mail_of_a_note_hangs_below_the_issue_and_its_discussion(routes):
    issue = IssueFactory(title="The door")
    first = say(issue)
    hear()
    first_id = last_mail(issue.author.email)["Message-ID"]
    second = say(issue, discussion=first.discussion)
    hear()

    message = last_mail(issue.author.email)

    pk = issue.author.pk
    root = message["References"].split()[2]
    assert message["Subject"] == f"Re: The door (#{issue.iid})"
    assert root.startswith(f"<issue-{issue.pk}.u{pk}.")
    assert message["References"].split() == [
        f"<reply-key{pk}@letterbox.localhost>",
        f"<own-{pk}@example.org>",
        root,
        first_id,
    ]
    assert message["In-Reply-To"] == first_id
    assert message["Message-ID"].startswith(f"<note-{second.pk}.u{pk}.")
    assert routes == [first.discussion, first.discussion]
    assert f"/issues/{issue.iid}/?note={second.pk}#note-{second.pk}" in plain(message)


def test_the_first_note_of_a_discussion_answers_the_issue_itself():
    author = UserFactory(username="author")
    ann = UserFactory(username="ann")
    issue = services.create_issue(
        project=ProjectFactory(), author=author, title="t", description="@ann"
    )
    hear()
    root = last_mail(ann.email)["Message-ID"]
    say(issue)
    hear()

    message = last_mail(ann.email)

    assert message["In-Reply-To"] == root
    assert message["References"] == root


def test_a_public_note_below_an_internal_one_does_not_name_it():
    """As there may be where one was made internal afterwards."""
    issue = IssueFactory()
    member = MembershipFactory(project=issue.project).user
    first = say(issue, author=member)
    say(issue, author=member, discussion=first.discussion)
    Note.objects.filter(pk=first.pk).update(internal=True)
    hear()

    message = last_mail(issue.author.email)

    assert message["In-Reply-To"].startswith("<issue-")
    assert f"note-{first.pk}." not in message["References"]


def test_each_person_has_their_own_ids():
    issue = IssueFactory()
    NoteFactory(issue=issue)
    say(issue)
    hear()

    ids = OutgoingEmail.objects.values_list("message_id", flat=True)

    assert len(set(ids)) == 2
    assert len({message_id.split(".")[2] for message_id in ids}) == 2


def test_the_mail_of_a_merge_request():
    project = ProjectFactory()
    author = MembershipFactory(project=project).user
    UserFactory(username="ann")
    merge_request = services.create_merge_request(
        project=project,
        author=author,
        title="Oil",
        description="@ann",
        source_branch="oil",
        target_branch="main",
    )

    hear()

    message = last_mail("ann@example.com")
    assert message["Subject"] == f"Oil (!{merge_request.iid})"
    assert message["Message-ID"].startswith(f"<merge-request-{merge_request.pk}.u")
    assert f"/-/merge_requests/{merge_request.iid}/" in plain(message)
    assert "opened a merge request:" in plain(message)


def test_without_a_way_to_answer_the_mail_does_not_promise_one():
    issue = IssueFactory()
    say(issue)
    hear()

    message = last_mail(issue.author.email)

    assert message["Reply-To"] is None
    assert "mailto:" not in message["List-Unsubscribe"]
    assert "Reply to this email" not in message.as_string()
    assert "View it here:" in plain(message)
    assert "You're receiving this email because you opened this." in plain(message)


def test_files_are_linked_with_absolute_addresses(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    issue = IssueFactory()
    file = NewFile("cat.png", "image/png", b"x", source="web-1")
    say(issue, files=[file])
    hear()

    message = last_mail(issue.author.email)

    address = f"http://127.0.0.1:8000{file.address}"
    assert f"![cat.png]({address})" in plain(message)
    html = message.get_body(("html",)).get_content()
    assert f'<a href="{address}" rel="nofollow noopener">cat.png</a>' in html
    assert "<img" not in html


def test_a_hostile_title_and_name_stay_in_their_fields():
    author = UserFactory(first_name='Joe" <victim@example.com>, "x')
    issue = IssueFactory(title="x\r\nBcc: victim@example.com")
    say(issue, author=author, body="<script>alert(1)</script>{{ settings.SECRET_KEY }}")
    hear()

    message = last_mail(issue.author.email)

    assert [a.addr_spec for a in message["From"].addresses] == ["letterbox@letterbox.localhost"]
    assert message["Bcc"] is None
    html = message.get_body(("html",)).get_content()
    assert "<script" not in html
    assert "Joe&quot; &lt;victim@example.com&gt;" in html
    assert "{{ settings.SECRET_KEY }}" in plain(message)


def test_the_address_of_a_person_without_an_account_is_not_passed_on():
    issue = IssueFactory()
    services.create_note(item=issue, author=None, external_author="jo@example.org", body="Hi")
    hear()

    source = last_mail(issue.author.email).as_string()

    assert "jo@example.org" not in source
    assert '"Customer" <letterbox@letterbox.localhost>' in source


def test_everybody_reads_their_own_language(monkeypatch):
    languages = []
    real = composing.render_to_string

    def record(template, context):
        languages.append((template.rpartition(".")[2], composing.translation.get_language()))
        return real(template, context)

    monkeypatch.setattr(composing, "render_to_string", record)
    issue = IssueFactory(author=UserFactory(language="ko"))
    NoteFactory(issue=issue, author=UserFactory(language="en"))
    say(issue)

    hear()

    assert languages == [("txt", "ko"), ("html", "ko"), ("txt", "en"), ("html", "en")]


def test_a_mail_about_an_old_merge_request_note_finds_its_project():
    merge_request = MergeRequestFactory()
    say(merge_request)
    hear()

    assert OutgoingEmail.objects.get().project == merge_request.project
