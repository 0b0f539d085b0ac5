"""HTML that is kept with a text: it is of this text, by this renderer, for every reader."""

import hashlib

import pytest
from django.urls import reverse
from django.utils import timezone

from issues import services, tasks
from issues.models import Announcement, Issue, MergeRequest, Note, Role
from issues.notifications import fan_out_owed
from issues.rendering import keeping, render_markdown
from issues.views import texts
from tests.factories import (
    EmailAddressFactory,
    IssueFactory,
    MembershipFactory,
    NoteFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
SAMPLE = (
    "# T\n\n**a** <b> https://x.example\n\n- [x] d\n\n|a|\n|-|\n|1|\n\n![p](http://x.example/p)\n"
)
CELLS = "|a" * 200 + "|\n" + "|-" * 200 + "|\n" + "b\n" * 60
LONG = "word *word*\n" * 6_000


@pytest.fixture
def issue(client):
    issue = IssueFactory(description="about **it**")
    client.force_login(MembershipFactory(project=issue.project, role=Role.MAINTAINER).user)
    return issue


@pytest.fixture
def asked(monkeypatch):
    """What pages have asked a worker for; `do` lets it be done."""
    asked = []
    monkeypatch.setattr(texts.broker, "send", lambda _task, **given: asked.append(given))
    return asked


def show(client, issue):
    return client.get(
        reverse("issue-detail", args=[issue.project.path, issue.iid])
    ).content.decode()


def forget():
    for model in (Issue, MergeRequest, Note):
        model.objects.update(html=None)


def keep(*rows):
    for row in rows:
        assert row.keep_html() == 1
        row.refresh_from_db()


def test_a_text_is_rendered_when_people_are_notified_of_it(client, issue, asked, monkeypatch):
    project, maintainer = issue.project, issue.project.memberships.get().user
    issue = services.create_issue(
        project=project, author=maintainer, title="T", description="about **it**"
    )
    note = services.create_note(item=issue, author=maintainer, body="said **so**")
    change = services.create_merge_request(
        project=project,
        author=maintainer,
        title="T",
        description="change **it**",
        source_branch="a",
        target_branch="b",
    )
    fan_out_owed(now=timezone.now())
    for row in (issue, note, change):
        row.refresh_from_db()
        assert keeping.find(row.html, row.text) == render_markdown(row.text)
    monkeypatch.setattr(texts, "render_markdown", lambda _text: pytest.fail("again"))
    assert "about <strong>it</strong>" in (page := show(client, issue))
    assert "said <strong>so</strong>" in page
    assert asked == []


def test_a_system_note_is_no_markdown(issue):
    services.edit_item(item=issue, actor=issue.author, title="*new*")
    services.close_item(item=issue, actor=issue.author)
    fan_out_owed(now=timezone.now())
    assert not Announcement.objects.filter(fanned_out_at=None).exists()
    notes = Note.objects.filter(system=True)
    assert [note.html for note in notes] == [None, None]


@pytest.mark.parametrize("way", ["service", "admin", "query"])
def test_a_changed_text_is_never_shown_as_it_was(client, issue, asked, way):
    note = NoteFactory(issue=issue, body="earlier-words *body*")
    keep(issue, note)
    assert "earlier-words <em>body</em>" in show(client, issue)
    if way == "service":
        row = issue
        services.edit_item(item=issue, actor=issue.author, description="the *new* one")
    elif way == "admin":
        row = note
        client.force_login(UserFactory(is_superuser=True, is_staff=True))
        page = reverse("admin:issues_note_change", args=[note.pk])
        assert client.post(page, {"body": "the *new* one"}).status_code == 302
    else:
        row = note
        Note.objects.filter(pk=note.pk).update(body="the *new* one")
    row.refresh_from_db()
    assert (row.html is None) is (way != "query")  # nothing of the former text stays
    page = show(client, issue)
    assert "the <em>new</em> one" in page
    assert ("earlier-words" in page) is (row is issue)
    for given in asked:
        tasks.keep_html(**given)
    row.refresh_from_db()
    assert "the <em>new</em> one" in row.html
    assert "earlier-words" not in row.html


def test_html_of_a_person_who_is_erased_goes(client, issue):
    """As HTML their address is written otherwise than in the text."""
    ada = UserFactory(username="ada", address=False)
    EmailAddressFactory(user=ada, email="a&b@example.com")
    note = NoteFactory(issue=issue, author=ada, body="write to a&b@example.com, *please*")
    keep(note)
    assert "a&amp;" in note.html
    services.erase_person(user=ada, addresses=["a&b@example.com"], now=timezone.now())
    note.refresh_from_db()
    assert (note.body, note.html) == ("write to removed person, *please*", None)
    assert "write to removed person, <em>please</em>" in show(client, issue)


def test_after_an_upgrade_it_is_made_anew_when_it_is_looked_at(client, issue, asked, monkeypatch):
    note = NoteFactory(issue=issue, body="said **so**")
    keep(issue, note)
    former = note.html
    monkeypatch.setattr(keeping, "RENDERER", "another one")
    assert "said <strong>so</strong>" in show(client, issue)
    note.refresh_from_db()
    assert note.html == former  # a page writes nothing
    (given,) = asked
    assert given == {"ids": {"issue": [issue.pk], "note": [note.pk]}}
    tasks.keep_html(**given)
    note.refresh_from_db()
    assert note.html != former
    assert "said <strong>so</strong>" in show(client, issue)
    assert len(asked) == 1


def test_a_page_costs_the_same_queries_with_and_without(
    client, issue, asked, django_assert_max_num_queries
):
    def count():
        with django_assert_max_num_queries(21) as queries:
            show(client, issue)
        return len(queries)

    keep(*Issue.objects.all(), NoteFactory(issue=issue, body="one"))
    kept = count()
    forget()
    assert count() == kept
    for number in range(20):
        NoteFactory(issue=issue, body=f"*{number}*", author=Note.objects.get(body="one").author)
    forget()
    assert count() == kept


def test_a_sentence_of_ours_is_in_the_language_of_who_reads(client, issue):
    keep(NoteFactory(issue=issue, body=CELLS))
    assert "tables of more than 10,000 cells" in show(client, issue)
    korean = MembershipFactory(project=issue.project, role=Role.DEVELOPER).user
    korean.language = "ko"
    korean.save()
    client.force_login(korean)
    client.cookies["django_language"] = "ko"
    assert "tables of more than" not in (page := show(client, issue))
    assert "10,000" in page


def test_long_texts_wait_for_a_worker(client, issue, asked):
    """Together they would take longer than a page may."""
    for number in range(3):
        NoteFactory(issue=issue, body=f"{LONG}{number}")
    page = show(client, issue)
    assert page.count("is still being formatted") == 2
    assert page.count("<em>word</em>") == 6_000
    tasks.keep_html(**asked[0])
    page = show(client, issue)
    assert (page.count("<em>word</em>"), len(asked)) == (18_000, 1)
    assert "is still being formatted" not in page


def test_a_worker_makes_it_of_any_length(issue):
    note = NoteFactory(issue=issue, body=LONG * 2)
    assert services.keep_html({"note": [note.pk, note.pk + 1]}) == 1
    note.refresh_from_db()
    assert keeping.find(note.html, note.body) == render_markdown(note.body)


def test_what_is_erased_while_a_worker_renders_it_is_not_kept(issue, monkeypatch):
    note = NoteFactory(issue=issue, body="secret")

    def make(text):
        Note.objects.filter(pk=note.pk).update(body="gone")
        return real(text)

    real = keeping.make
    monkeypatch.setattr(keeping, "make", make)
    assert services.keep_html({"note": [note.pk]}) == 0
    note.refresh_from_db()
    assert (note.body, note.html) == ("gone", None)


@pytest.mark.parametrize("mark", ["<!--cells-->", "<!--cut-->"])
@pytest.mark.parametrize("form", ["{}", "a {}", '[a](/b "{}")', "`{}`", "    {}", "[{}](/b)"])
def test_no_text_makes_a_sentence_of_ours(mark, form):
    assert "<em>" not in render_markdown(form.format(mark))


def test_a_change_of_the_html_is_a_new_format():
    """Where this fails: count up FORMAT, unless the renderer itself has a new version."""
    html = keeping.render_page(SAMPLE)
    digest = hashlib.sha256(html.encode()).hexdigest()[:16]
    assert (keeping.FORMAT, digest) == (1, "f3d5016d41bc67ed")
