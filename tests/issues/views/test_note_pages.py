"""A long discussion has several pages, and a link to a note leads to the one that has it."""

import re

import pytest
from django.urls import reverse

from issues import services
from issues.models import Issue, Note, Role, new_discussion
from issues.views import note_pages
from issues.views.note_pages import NoteRow, Wanted, choose_page
from tests.factories import IssueFactory, MembershipFactory, MergeRequestFactory, UserFactory

pytestmark = pytest.mark.django_db


def url_of(item):
    page = "issue-detail" if isinstance(item, Issue) else "merge-request-detail"
    return reverse(page, args=[item.project.path, item.iid])


def make_notes(item, count, **more):
    field = "issue" if isinstance(item, Issue) else "merge_request"
    author = UserFactory()
    given = [
        Note(**{field: item, "author": author, "body": f"text {number}", **more})
        for number in range(count)
    ]
    return Note.objects.bulk_create(given)


def log_in(client, item, role=Role.DEVELOPER):
    user = MembershipFactory(project=item.project, role=role).user
    client.force_login(user)
    return user


def find_notes(text):
    return [int(pk) for pk in re.findall(r'<article class="note[^>]* id="note-(\d+)"', text)]


@pytest.mark.parametrize("make", [IssueFactory, MergeRequestFactory])
def test_six_hundred_notes_are_pages_that_cost_no_more_than_one(
    client, make, django_assert_max_num_queries
):
    item = make()
    log_in(client, item)
    notes = make_notes(item, 10)
    client.get(url_of(item))
    with django_assert_max_num_queries(30) as few:
        client.get(url_of(item))
    notes += make_notes(item, 590)
    with django_assert_max_num_queries(len(few)):
        page = client.get(url_of(item))
    # Before, it was one page of 678 kB.
    assert len(page.content) < 150_000
    assert find_notes(page.text) == [note.pk for note in notes[-50:]]
    assert "600 comments" in page.text
    assert "Page 12 of 12" in page.text

    seen, text = find_notes(page.text), page.text
    while link := re.search(r'rel="prev" href="(\?page=\d+)#discussion"', text):
        text = client.get(url_of(item) + link[1]).text
        seen = find_notes(text) + seen
    assert seen == [note.pk for note in notes]


def test_a_link_to_a_note_leads_to_its_page(client):
    issue = IssueFactory()
    log_in(client, issue)
    notes = make_notes(issue, 200)
    page = client.get(f"{url_of(issue)}?note={notes[60].pk}")
    assert notes[60].pk in find_notes(page.text)
    assert 'rel="next" href="?page=3#discussion"' in page.text


@pytest.mark.parametrize(
    ("number", "beside"),
    [(1, ["2", "4"]), (2, ["1", "3", "4"]), (3, ["1", "2", "4"]), (4, ["1", "3"])],
)
def test_the_first_and_the_last_page_are_one_click_away(client, number, beside):
    issue = IssueFactory()
    log_in(client, issue)
    make_notes(issue, 200)
    text = client.get(f"{url_of(issue)}?page={number}").text
    links = text[text.index('class="pages"') :].partition("</nav>")[0]
    assert re.findall(r'href="\?page=(\d)#discussion"', links) == beside


def test_a_script_finds_the_page_of_a_link_without_one(client):
    issue = IssueFactory()
    log_in(client, issue)
    make_notes(issue, 3)
    assert "notes.js" not in client.get(url_of(issue)).text
    make_notes(issue, 200)
    assert "notes.js" in client.get(url_of(issue)).text


def test_one_discussion_may_have_several_pages(client):
    issue = IssueFactory()
    log_in(client, issue)
    notes = make_notes(issue, 120, discussion=new_discussion())
    first = f'href="?note={notes[0].pk}#note-{notes[0].pk}"'
    page = client.get(url_of(issue))
    assert find_notes(page.text) == [note.pk for note in notes[50:]]
    assert f"{first}>This discussion begins on an earlier page." in page.text
    assert f"{first}>This discussion" not in client.get(f"{url_of(issue)}?page=1").text


def test_an_answer_leads_to_its_place_and_one_turned_down_stays_there(client):
    issue = IssueFactory()
    log_in(client, issue)
    (begun,) = make_notes(issue, 1, discussion=new_discussion())
    make_notes(issue, 200)
    form = {"discussion": begun.discussion, "body": "an answer"}
    answer = client.post(f"{url_of(issue)}?page=3", form)
    written = Note.objects.latest("pk")
    assert answer.url == f"{url_of(issue)}?note={written.pk}#note-{written.pk}"
    assert find_notes(client.get(answer.url).text)[:2] == [begun.pk, written.pk]

    page = client.post(f"{url_of(issue)}?page=3", {**form, "body": " "})
    assert page.status_code == 400
    assert begun.pk in find_notes(page.text)
    assert page.text.count('<details class="reply" open>') == 1


def test_internal_notes_do_not_count_for_who_may_not_see_them(client):
    issue = IssueFactory()
    services.create_note(item=issue, author=issue.author, body="seen by all")
    make_notes(issue, 200, internal=True)
    log_in(client, issue, Role.GUEST)
    page = client.get(url_of(issue))
    assert len(find_notes(page.text)) == 1
    assert "Page 1" not in page.text


@pytest.mark.parametrize("asked", ["page=0", "page=-1", "page=x", "page=99", f"note={10**30}"])
def test_a_page_that_there_is_not_is_the_last(client, asked):
    issue = IssueFactory()
    log_in(client, issue)
    make_notes(issue, 120)
    assert "Page 2 of 2" in client.get(f"{url_of(issue)}?{asked}").text


@pytest.mark.parametrize(
    ("count", "total"), [(0, 1), (50, 1), (75, 1), (76, 2), (100, 2), (125, 2), (126, 3)]
)
def test_the_last_page_is_never_short(count, total):
    rows = [NoteRow(n, str(n), False, False, None, None) for n in range(1, count + 1)]
    page = choose_page(rows, Wanted())
    assert (page.number, page.total) == (total, total)
    assert count < note_pages.NOTES_A_PAGE or len(page.rows) > note_pages.NOTES_A_PAGE // 2
