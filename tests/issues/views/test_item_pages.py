"""The page of an issue or merge request: what stands on it, and what its buttons do."""

import pytest
from django.urls import reverse

from issues import services
from issues.external_people import hide_addresses
from issues.forms import MAX_TEXT_LENGTH
from issues.models import Issue, Note, Role, Subscription, Upload
from issues.uploads import NewFile
from issues.views.discussions import hide_secrets
from tests.factories import (
    IssueFactory,
    MembershipFactory,
    MergeRequestFactory,
    NoteFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

ATTACK = '<script>alert("x")</script><img src=x onerror=alert(1)>'
QUOTED = "On Monday, Bo Park <bo@example.org> wrote:\n> write to team@example.org\n"


def url_of(item):
    page = "issue-detail" if isinstance(item, Issue) else "merge-request-detail"
    return reverse(page, args=[item.project.path, item.iid])


def log_in(client, item, role=Role.DEVELOPER):
    user = MembershipFactory(project=item.project, role=role).user
    client.force_login(user)
    return user


def text_of(client, item):
    return client.get(url_of(item)).content.decode()


@pytest.mark.parametrize("make", [IssueFactory, MergeRequestFactory])
def test_more_notes_cost_no_more_queries(client, django_assert_max_num_queries, make):
    def count_for(notes):
        item = make()
        log_in(client, item)
        field = "issue" if isinstance(item, Issue) else "merge_request"
        for number in range(notes):
            note = NoteFactory(**{field: item, "body": f"note {number}"})
            item.assignees.add(note.author)
        with django_assert_max_num_queries(20) as queries:
            assert text_of(client, item).count('<article class="note') == notes
        return len(queries)

    assert count_for(30) == count_for(1)


def test_markup_in_titles_texts_and_file_names_stays_text(client):
    issue = IssueFactory(title=ATTACK, description=f"[x](javascript:alert(1)) {ATTACK}")
    user = log_in(client, issue)
    file = NewFile(f"{ATTACK}.png", "image/png", b"x", "test-0")
    services.create_note(item=issue, author=user, body=f"hello {ATTACK}", files=[file])
    NoteFactory(issue=issue, author=user, quoted=ATTACK)
    services.edit_item(item=issue, actor=issue.author, title=f"{ATTACK}!")
    services.add_labels(
        item=issue,
        actor=user,
        labels=[services.create_label(project=issue.project, name=ATTACK)],
    )

    for page in (text_of(client, issue), client.get(f"/{issue.project.path}/-/issues/").content):
        text = page if isinstance(page, str) else page.decode()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "javascript:" not in text
        assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" in text


def test_pages_have_no_inline_script_or_style(client):
    issue = IssueFactory()
    log_in(client, issue)
    services.create_label(project=issue.project, name="bug")

    for address in (url_of(issue), f"/{issue.project.path}/-/issues/", "/", "/account/"):
        text = client.get(address).content.decode()
        assert "style=" not in text
        assert "<style" not in text
        assert "<script src=" in text
        assert text.count("<script") == 1
        assert " onclick" not in text


@pytest.mark.parametrize("role", [None, Role.GUEST])
def test_addresses_in_the_quoted_part_are_for_the_team_only(client, role):
    issue = IssueFactory(external_author="customer@example.org", author=None)
    NoteFactory(issue=issue, quoted=QUOTED)

    if role is not None:
        log_in(client, issue, role)
    outside = text_of(client, issue)
    log_in(client, issue, Role.REPORTER)
    inside = text_of(client, issue)

    assert "On Monday, Bo Park &lt;…@…&gt; wrote:\n&gt; write to …@…" in outside
    assert "example.org" not in outside
    assert "On Monday, Bo Park &lt;bo@example.org&gt; wrote:" in inside
    assert "customer@example.org" in inside


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mailto:ada@example.com, bo@example.com.", "mailto:…@…, …@…"),
        ("“ada@example.com”", "…@…"),
        ("no address @ all", "no address @ all"),
        ("a@b", "…@…"),
        ("김@example.com", "…@…"),
    ],
)
def test_hide_addresses(text, expected):
    assert hide_addresses(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<incoming+0123456789abcdefghijklmno@example.com>", "<incoming+0123…@example.com>"),
        (
            "incoming+acme-shop-1-0123456789abcdefghijklmno-issue@example.com",
            "incoming+acme-shop-1-0123…-issue@example.com",
        ),
        ("reply-0123456789ABCDEFGHIJKLMNO@example.com", "reply-0123…@example.com"),
        ("http://example.com/unsubscribe/WzFd:x_y-z/ bye", "http://example.com/unsubscribe/… bye"),
        ("0123456789abcdefghijklmno is no address", "0123456789abcdefghijklmno is no address"),
    ],
)
def test_hide_secrets(text, expected):
    assert hide_secrets(text) == expected


def test_secrets_in_the_quoted_part_are_hidden_from_members_too(client):
    issue = IssueFactory()
    NoteFactory(issue=issue, quoted="> http://x.example/unsubscribe/WzFd:x/")
    log_in(client, issue)

    assert "&gt; http://x.example/unsubscribe/…</pre>" in text_of(client, issue)


def test_notes_of_a_discussion_stand_together(client):
    issue = IssueFactory()
    first = NoteFactory(issue=issue, body="first")
    NoteFactory(issue=issue, body="second")
    NoteFactory(issue=issue, body="answer to first", discussion=first.discussion)

    discussions = client.get(url_of(issue)).context["shown"].discussions

    bodies = [[note.body for note in discussion.notes] for discussion in discussions]
    assert bodies == [
        ["<p>first</p>\n", "<p>answer to first</p>\n"],
        ["<p>second</p>\n"],
    ]


def test_a_reply_joins_its_discussion_and_stays_internal(client):
    issue = IssueFactory()
    user = log_in(client, issue)
    public = NoteFactory(issue=issue)
    internal = NoteFactory(issue=issue, internal=True)

    client.post(url_of(issue), {"body": "yes", "discussion": public.discussion})
    response = client.post(url_of(issue), {"body": "no", "discussion": internal.discussion})

    yes, no = Note.objects.filter(author=user).order_by("pk")
    assert (yes.discussion, yes.internal) == (public.discussion, False)
    assert (no.discussion, no.internal) == (internal.discussion, True)
    assert response.headers["Location"] == f"{url_of(issue)}?note={no.pk}#note-{no.pk}"


def test_a_reply_to_a_discussion_of_another_item_is_turned_down_and_kept(client):
    issue, other = IssueFactory(), NoteFactory()
    log_in(client, issue)

    response = client.post(url_of(issue), {"body": "hello", "discussion": other.discussion})

    assert response.status_code == 400
    assert "What you answer is no longer there." in response.text
    assert response.context["form"]["body"].value() == "hello"
    assert Note.objects.get() == other


def test_a_turned_down_reply_keeps_its_text_where_it_was_written(client):
    issue = IssueFactory()
    log_in(client, issue)
    internal = NoteFactory(issue=issue, internal=True)
    text = "s3cret <b>" + MAX_TEXT_LENGTH * "x"

    response = client.post(url_of(issue), {"body": text, "discussion": internal.discussion})

    page = response.text
    assert response.status_code == 400
    assert response.context["form"]["body"].value() is None, "it would be sent as a public one"
    assert 'name="body" rows="3" required>\ns3cret &lt;b&gt;xxx' in page
    assert f"at most {MAX_TEXT_LENGTH} characters" in page


def test_answers_in_the_name_of_a_system_note_are_a_discussion(client):
    """Mail once put them there."""
    issue = IssueFactory()
    user = log_in(client, issue)
    services.close_item(item=issue, actor=user)
    system = Note.objects.get()
    NoteFactory(issue=issue, discussion=system.discussion, body="Why so?")

    shown = client.get(url_of(issue)).context["shown"].discussions

    assert [talk.system for talk in shown] == [True, False]
    assert "Why so?" in shown[1].notes[0].body


def test_an_empty_comment_is_turned_down_in_words(client):
    issue = IssueFactory()
    log_in(client, issue)

    response = client.post(url_of(issue), {"body": "  \n"})

    assert response.status_code == 400
    assert "This field is required." in response.content.decode()
    assert not Note.objects.exists()


def test_an_internal_comment(client):
    merge_request = MergeRequestFactory()
    log_in(client, merge_request, Role.REPORTER)

    client.post(url_of(merge_request), {"body": "psst", "internal": "on"})

    assert merge_request.notes.get().internal


@pytest.mark.parametrize("make", [IssueFactory, MergeRequestFactory])
def test_close_and_reopen(client, make):
    item = make()
    log_in(client, item)

    response = client.post(f"{url_of(item)}close/")
    item.refresh_from_db()
    assert (item.state, response.headers["Location"]) == ("closed", url_of(item))
    assert "closed this" in text_of(client, item)

    client.post(f"{url_of(item)}reopen/")
    item.refresh_from_db()
    assert item.state == "opened"


def test_a_refused_reopening_is_explained(client):
    old = MergeRequestFactory(state="closed", source_branch="oil")
    MergeRequestFactory(project=old.project, source_branch="oil")
    log_in(client, old)

    page = client.post(f"{url_of(old)}reopen/", follow=True).content.decode()

    assert "There is an open merge request for these branches already. Close it first." in page


def test_subscribe_and_unsubscribe(client):
    issue = IssueFactory()
    user = log_in(client, issue)

    def word():
        return Subscription.objects.get(user=user, issue=issue).subscribed

    assert "issues/1/subscribe/" in text_of(client, issue)
    client.post(f"{url_of(issue)}subscribe/")
    assert word() is True
    assert "issues/1/unsubscribe/" in text_of(client, issue)
    client.post(f"{url_of(issue)}unsubscribe/")
    assert word() is False


def test_a_get_of_a_button_changes_nothing(client):
    issue = IssueFactory()
    log_in(client, issue)

    response = client.get(f"{url_of(issue)}close/")

    issue.refresh_from_db()
    assert (issue.state, response.headers["Location"]) == ("opened", url_of(issue))


def test_buttons_need_log_in(client):
    issue = IssueFactory()

    response = client.post(f"{url_of(issue)}close/")

    assert response.headers["Location"] == f"/account/login/?next={url_of(issue)}close/"


def test_participants_may_unsubscribe(client):
    note = NoteFactory()
    client.force_login(note.author)
    assert client.get(url_of(note.issue)).context["shown"].subscribed is True
    client.force_login(UserFactory())
    assert client.get(url_of(note.issue)).context["shown"].subscribed is False


@pytest.mark.parametrize("keep_html", [True, False])
def test_only_files_of_the_project_are_pictures(client, django_assert_max_num_queries, keep_html):
    """Whoever reads both projects would otherwise load a file of one by a text of the other."""
    issue, other = IssueFactory(), IssueFactory()
    reader = log_in(client, issue)
    MembershipFactory(project=other.project, user=reader)
    for item in (issue, other):
        file = NewFile("door.png", "image/png", b"x", f"test-{item.pk}")
        services.create_note(item=item, author=reader, body="A door", files=[file])
    own, foreign = (Upload.objects.get(project=item.project).secret for item in (issue, other))
    texts = [f"![own](/uploads/{own}/door.png)", f"![words](/uploads/{foreign}/door.png)"]
    texts.append(texts[1].replace("/uploads", "&#47;uploads"))
    for text in texts:
        NoteFactory(issue=issue, author=reader, body=text)
    if not keep_html:
        Note.objects.update(html=None)

    with django_assert_max_num_queries(30) as few:
        page = text_of(client, issue)

    assert page.count(f'<img src="/uploads/{own}/door.png"') == 2
    assert f'src="/uploads/{foreign}' not in page
    assert page.count('alt="words"') == 2
    for _ in range(10):
        NoteFactory(issue=issue, author=reader, body=texts[1])
    with django_assert_max_num_queries(len(few)):
        text_of(client, issue)
