"""The pages of a merge request's commits and changes, and comments on lines of the diff."""

import re

import pytest
from django.core.cache import cache
from django.urls import reverse

from issues import diffs, services
from issues.models import Note, NotePosition, Role
from tests.clones import Clone, plant
from tests.factories import MembershipFactory, MergeRequestFactory, ProjectFactory
from tests.issues.outgoing import hear, last_mail, plain
from tests.issues.proposals import propose

pytestmark = pytest.mark.django_db
ATTACK = '"><script>alert(1)</script>'


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


@pytest.fixture
def project():
    return ProjectFactory()


@pytest.fixture
def clone(project, tmp_path):
    plant(project)
    return Clone(project, tmp_path / "clone")


@pytest.fixture
def developer(project, client):
    user = MembershipFactory(project=project, user__username="ann").user
    client.force_login(user)
    return user


@pytest.fixture
def version(clone, project, developer):
    clone.oil(3)
    return propose(clone, project, developer)


def url_of(item, page="merge-request-changes"):
    return reverse(page, args=[item.project.path, item.iid])


def get(client, item, query="", page="merge-request-changes"):
    response = client.get(f"{url_of(item, page)}?{query}")
    assert response.status_code == 200
    return response.content.decode()


def anchor(number, side="new", path="door.txt"):
    return f"{diffs.name_file(path)}-{side}-{number}"


def write(client, item, line, body="Why not **grease**?", query=""):
    return client.post(f"{url_of(item)}?{query}", {"line": line, "body": body})


def test_commits_with_their_authors_stand_on_the_page(client, clone, project, developer):
    clone.oil(3, f"Oil {ATTACK}\n\nIt squeaks.\u202e")
    item = propose(clone, project, developer).merge_request
    text = get(client, item, page="merge-request-detail")
    assert "1 commit" in text
    assert "Jörg Müller" in text
    assert "It squeaks." in text
    assert "U+202E" in text
    assert ATTACK not in text


def test_many_commits_are_cut(client, clone, project, developer, settings):
    settings.MAX_SHOWN_COMMITS = 2
    for number in (3, 9, 15):
        clone.oil(number)
    item = propose(clone, project, developer).merge_request
    text = get(client, item, page="merge-request-detail")
    assert re.findall(r"Oil the hinge (\d+)</span>", text) == ["9", "15"]
    assert "There are older ones, which are not shown." in text


def test_the_diff_in_words_and_lines(client, clone, project, developer):
    clone.oil(3)
    clone.git("mv", "docs/readme.md", f"docs/{ATTACK.replace('/', '_')}.md")
    clone.write("run.py", f"print('{ATTACK}')  # \u202e\n".encode())
    (clone.folder / "run.py").chmod(0o755)
    clone.write("i.bin", b"\0")
    clone.commit("All")
    text = get(client, propose(clone, project, developer).merge_request)
    for words in (
        "renamed from docs/readme.md",
        "new file",
        "executable",
        "binary file, which is not shown",
        '<td class="sign">-</td><td class="code">hinge 3</td>',
        '<td class="sign">+</td><td class="code">hinge 3, oiled</td>',
        '<span class="nb">print</span>',
        "U+202E",
        "4 files",
    ):
        assert words in text
    assert "<script>alert" not in text
    assert not re.search(r"<style|style=| on[a-z]+=|<script>", text)


def test_what_is_left_out_is_said(client, clone, project, developer, settings):
    settings.MAX_DIFF_LINES = 4
    settings.MAX_DIFF_FILES = 1
    clone.oil(3)
    clone.commit("More", z_txt=b"z\n")
    text = get(client, propose(clone, project, developer).merge_request)
    assert "1 more file is not shown." in text
    assert "This file has more changes, which are not shown." in text


def test_versions_are_chosen_and_compared(client, clone, project, developer, version):
    clone.git("reset", "-q", "--hard", "origin/HEAD")
    clone.oil(20)
    second = propose(clone, project, developer, revision=2)
    item = second.merge_request
    assert item == version.merge_request
    newest, first = get(client, item), get(client, item, "version=1")
    assert ("hinge 20, oiled" in newest, "hinge 3, oiled" in newest) == (True, False)
    assert ("hinge 20, oiled" in first, "hinge 3, oiled" in first) == (False, True)
    assert "This is version 1; the newest is 2." in first
    between = get(client, item, "version=2&from=1")
    assert '<td class="sign">-</td><td class="code">hinge 3, oiled</td>' in between
    assert "#write" not in between
    senseless = get(client, item, "version=99&from=x")
    assert ("hinge 20, oiled" in senseless, "hinge 3, oiled" in senseless) == (True, False)


def test_a_comment_stands_at_its_line_and_in_the_discussion(client, version):
    item = version.merge_request
    assert f"line={anchor(3)}#write" in get(client, item)
    form = get(client, item, f"line={anchor(3)}")
    assert form.index("hinge 3, oiled") < form.index('id="write"') < form.index("hinge 4")

    response = write(client, item, anchor(3))

    note = Note.objects.get(system=False)
    assert response.url == f"{url_of(item)}?version=1&note={note.pk}#note-{note.pk}"
    assert (note.position.path, note.position.old_line, note.position.new_line) == (
        "door.txt",
        None,
        3,
    )
    assert (note.position.head_sha, note.position.base_sha) == (version.head_sha, version.base_sha)
    assert note.position.excerpt == " hinge 1\n hinge 2\n-hinge 3\n+hinge 3, oiled"
    page = get(client, item)
    assert page.index("hinge 3, oiled") < page.index("<strong>grease</strong>")
    assert page.index("<strong>grease</strong>") < page.index("hinge 4")
    talk = get(client, item, page="merge-request-detail")
    assert f'<a href="{url_of(item)}#{anchor(3)}">door.txt</a>' in talk
    assert "Outdated" not in talk


@pytest.mark.parametrize(
    ("line", "numbers"),
    [(anchor(3, "old"), (3, None)), (anchor(4), (4, 4)), (anchor(1), (1, 1))],
)
def test_removed_and_unchanged_lines_take_comments_too(client, version, line, numbers):
    write(client, version.merge_request, line)
    position = NotePosition.objects.get()
    assert (position.old_line, position.new_line) == numbers
    assert "grease" in get(client, version.merge_request)


@pytest.mark.parametrize(
    "line", [anchor(29), anchor(4, "old"), anchor(3, path="other"), anchor(999_999_999)]
)
def test_a_line_that_is_not_shown_takes_none(client, version, line):
    response = write(client, version.merge_request, line)
    assert response.status_code == 400
    assert "This version does not show that line." in response.content.decode()
    assert not Note.objects.exists()


def test_an_empty_comment_is_asked_for_again_at_its_line(client, version):
    response = write(client, version.merge_request, anchor(3), body=" ")
    assert response.status_code == 400
    text = response.content.decode()
    assert (
        text.index("hinge 3, oiled") < text.index("This field is required") < text.index("hinge 4")
    )


def test_an_answer_at_the_line_joins_its_discussion(client, version):
    item = version.merge_request
    write(client, item, anchor(3))
    first = Note.objects.get()
    client.post(url_of(item), {"discussion": first.discussion, "body": "Too sticky."})
    second = Note.objects.last()
    assert second.discussion == first.discussion
    assert NotePosition.objects.count() == 1
    page = get(client, item)
    assert page.index("grease") < page.index("Too sticky.") < page.index("hinge 4")


def test_a_new_version_keeps_comments_on_what_stayed_and_marks_the_others(
    client, clone, project, developer, version
):
    """The numbers before the change hold for as long as that content is what it starts from."""
    item = version.merge_request
    write(client, item, anchor(3), body="On the new one.")
    write(client, item, anchor(3, "old"), body="On the old one.")
    clone.oil(20)
    clone.git("reset", "-q", "--soft", "origin/HEAD")
    clone.commit("Both")
    propose(clone, project, developer, revision=2)
    talk = get(client, item, page="merge-request-detail")
    assert talk.count("Outdated") == 1
    assert talk.index("Outdated") < talk.index("On the new one.")
    newest = get(client, item)
    assert "On the old one." in newest
    assert "On the new one." not in newest
    assert "1 discussion is about a line that is not shown here" in newest
    assert "On the new one." in get(client, item, "version=1")


def test_a_mail_of_the_comment_quotes_the_lines(client, project, clone, version):
    item = version.merge_request
    other = MembershipFactory(project=project).user
    services.subscribe(user=other, item=item)
    write(client, item, anchor(3))
    hear()
    text = plain(last_mail(other.email))
    assert "On line 3 of door.txt:\n>  hinge 1\n>  hinge 2\n> -hinge 3\n> +hinge 3, oiled\n" in text
    assert "Why not **grease**?" in text


def test_nobody_writes_who_may_not(client, version):
    item = version.merge_request
    client.logout()
    assert "#write" not in get(client, item, f"line={anchor(3)}")
    assert write(client, item, anchor(3)).status_code == 302
    item.locked = True
    item.save()
    client.force_login(MembershipFactory().user)
    assert write(client, item, anchor(3)).status_code == 403
    assert not Note.objects.exists()


def test_private_changes_are_for_members(client, version, project):
    project.visibility = "private"
    project.save()
    client.force_login(MembershipFactory(project=project, role=Role.GUEST).user)
    assert client.get(url_of(version.merge_request)).status_code == 404


def test_merge_requests_without_commits_have_pages(client, developer, project):
    item = MergeRequestFactory(project=project)
    assert "No commits have come yet." in get(client, item)
    assert "1 commit" not in get(client, item, page="merge-request-detail")


def test_commits_that_are_gone_are_no_error(client, version):
    type(version).objects.update(head_sha="1" * 40)
    assert "does not have these commits any more" in get(client, version.merge_request)
    text = get(client, version.merge_request, page="merge-request-detail")
    assert "does not have these commits any more" in text


def test_more_comments_cost_no_more_queries(client, version, django_assert_max_num_queries):
    def count_for(comments):
        for number in range(comments):
            write(client, version.merge_request, anchor(3), body=f"note {number}")
        get(client, version.merge_request)
        with django_assert_max_num_queries(20) as queries:
            get(client, version.merge_request)
        return len(queries)

    assert count_for(1) == count_for(9)
