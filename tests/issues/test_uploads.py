"""Names, places and clean-up of files."""

import os
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from issues import uploads
from issues.models import Upload
from issues.uploads import NewFile, choose_files, safe_name
from tests.factories import IssueFactory, MergeRequestFactory, NoteFactory


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def make_file(name="plan.pdf", content_type="application/pdf", content=b"%PDF", n=0, cid=""):
    return NewFile(name, content_type, content, source=f"inbound-7-{n}", content_id=cid)


def insert(body, files):
    return uploads.insert_links(body, choose_files(files))


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("report..final.pdf", "report..final.pdf"),
        ("../../../../var/www/html/x.php", "x.php"),
        ("C:\\Users\\Jo\\plan.pdf", "plan.pdf"),
        (".htaccess", "htaccess"),
        ("\u200b.htaccess", "htaccess"),
        (". .htaccess", "htaccess"),
        ("a\x00b\r\n.txt", "ab.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("", "file"),
        ("..", "file"),
        ("folder/", "folder"),
        ("견적서.pdf", "견적서.pdf"),
        ("a.php%00.jpg", "a.php%00.jpg"),
        ("x\ud800y.txt", "xy.txt"),
        ("é" * 200 + ".pdf", "é" * 125 + ".pdf"),
        ("x" * 300, "x" * 255),
        ("a." + "x" * 300, "a." + "x" * 253),
        ("plan.pdf. .", "plan.pdf"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("Com1 .tar.gz", "_Com1 .tar.gz"),
        ("console.log", "console.log"),
        ("com10.txt", "com10.txt"),
    ],
)
def test_safe_name(given_name, expected):
    assert safe_name(given_name) == expected


@given(st.text(alphabet=st.characters(), max_size=400))
def test_a_safe_name_is_always_one_plain_component(name):
    label = safe_name(name)

    assert label
    assert len(label.encode()) <= 255
    assert not label.startswith(".")
    assert "/" not in label
    assert "\\" not in label
    assert safe_name(label) == label


def test_the_same_source_has_the_same_secret_and_another_one_has_another():
    assert make_file().secret == make_file(name="other").secret
    assert make_file().secret != make_file(n=1).secret
    assert len(make_file().secret) == 32
    assert int(make_file().secret, 16)


def test_the_secret_depends_on_the_key_of_the_site(settings):
    before = make_file().secret
    settings.SECRET_KEY = "another key"

    assert make_file().secret != before


def test_files_are_linked_at_the_end_each_after_a_blank_line():
    picture = make_file("cat.png", "image/png")
    paper = make_file("plan (1).pdf", n=1, content=b"%PDF-1.7")

    assert insert("Hello", [picture, paper]) == (
        f"Hello\n\n![cat.png](/uploads/{picture.secret}/cat.png)"
        f"\n\n[plan \\(1\\).pdf](/uploads/{paper.secret}/plan%20%281%29.pdf)"
    )


def test_a_body_without_files_is_untouched():
    assert insert("  Hello\n\n", []) == "  Hello\n\n"


def test_a_file_without_text_stands_alone():
    file = make_file()

    assert insert("\n", [file]) == f"[plan.pdf]({file.address})"


def test_svg_is_a_link_and_no_picture():
    file = make_file("x.svg", "image/svg+xml")

    assert insert("", [file]) == f"[x.svg]({file.address})"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a ![logo](cid:logo@x) b", "a ![logo](ADDRESS) b"),
        ("a ![logo](cid:LOGO%40x) b", "a ![logo](ADDRESS) b"),
        ("a [cid:logo@x] b", "a ![cat.png](ADDRESS) b"),
        ("![one](cid:logo@x)![two](cid:logo@x)", "![one](ADDRESS)![two](ADDRESS)"),
    ],
)
def test_an_inline_picture_goes_where_the_body_refers_to_it(body, expected):
    file = make_file("cat.png", "image/png", cid="<logo@x>")

    assert insert(body, [file]) == expected.replace("ADDRESS", file.address)


def test_a_reference_to_nothing_stays_and_the_file_goes_to_the_end():
    file = make_file("cat.png", "image/png", cid="other@x")

    assert insert("![l](cid:logo@x)", [file]) == (f"![l](cid:logo@x)\n\n![cat.png]({file.address})")


def test_a_hostile_name_stays_text():
    file = make_file("](javascript:alert(1)) ![x.pdf")

    assert insert("", [file]).startswith("[\\]\\(javascript:alert\\(1\\)\\) \\!\\[x.pdf](/uploads/")


@pytest.mark.django_db
@pytest.mark.parametrize("factory", [IssueFactory, MergeRequestFactory, NoteFactory])
def test_a_file_is_a_row_and_a_file_on_disk(factory, media_root):
    owner = factory()
    project = owner.item.project if factory is NoteFactory else owner.project

    (upload,) = uploads.create_uploads(
        project=project,
        owner=owner,
        uploader=owner.author,
        chosen=choose_files([make_file(content=b"abc")]),
    )

    upload.refresh_from_db()
    assert list(owner.uploads.all()) == [upload]
    assert (upload.filename, upload.content_type, upload.size) == ("plan.pdf", "application/pdf", 3)
    expected = media_root / "uploads" / str(project.pk) / make_file().secret / "plan.pdf"
    assert files_in(media_root) == [expected]
    with uploads.open_upload(upload) as file:
        assert file.read() == b"abc"


@pytest.mark.django_db
def test_a_file_too_large_is_not_stored(settings, media_root):
    settings.MAX_UPLOAD_BYTES = 2
    issue = IssueFactory()

    stored = uploads.create_uploads(
        project=issue.project,
        owner=issue,
        uploader=None,
        chosen=choose_files([make_file(content=b"abc")]),
    )

    assert stored == []
    assert files_in(media_root) == []


def store(issue, n=0, content=b"abc"):
    return uploads.create_uploads(
        project=issue.project,
        owner=issue,
        uploader=None,
        chosen=choose_files([make_file(n=n, content=content)]),
    )


def store_and_fail(issue, n=0):
    store(issue, n=n)
    raise LookupError


def store_inside_and_fail(issue):
    with uploads.rolled_back_on_error():
        store(issue)
    raise LookupError


@pytest.mark.django_db
def test_files_of_a_failed_attempt_are_removed(media_root):
    issue = IssueFactory()
    store(issue, n=1)
    kept = files_in(media_root)

    with pytest.raises(LookupError), uploads.rolled_back_on_error():
        store_and_fail(issue, n=2)

    assert files_in(media_root) == kept
    assert [p.name for p in (media_root / "uploads" / str(issue.project_id)).iterdir()] == [
        make_file(n=1).secret
    ]


@pytest.mark.django_db
def test_an_outer_failure_removes_what_an_inner_success_wrote(media_root):
    issue = IssueFactory()

    with pytest.raises(LookupError), uploads.rolled_back_on_error():
        store_inside_and_fail(issue)

    assert files_in(media_root) == []


@pytest.mark.django_db
def test_the_file_of_a_committed_row_survives_a_second_attempt_that_fails(media_root):
    issue = IssueFactory()
    (upload,) = store(issue, content=b"first")

    with (
        pytest.raises(IntegrityError),
        uploads.rolled_back_on_error(),
        transaction.atomic(),
    ):
        store(issue, content=b"again")

    with uploads.open_upload(upload) as file:
        assert file.read() == b"first"


@pytest.mark.django_db
def test_doing_it_again_after_a_rollback_equals_doing_it_once(media_root):
    issue = IssueFactory()
    with pytest.raises(LookupError), transaction.atomic():  # nobody cleaned up: as after a kill
        store_and_fail(issue)
    assert len(files_in(media_root)) == 1

    store(issue)

    assert Upload.objects.count() == 1
    assert len(files_in(media_root)) == 1


@pytest.mark.django_db
def test_a_dry_run_writes_no_file(media_root):
    with uploads.discarded():
        store(IssueFactory())

    assert files_in(media_root) == []


@pytest.mark.django_db
def test_a_half_written_file_is_never_seen_under_its_name(media_root, monkeypatch):
    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(OSError, match="No space"), uploads.rolled_back_on_error():
        store(IssueFactory())

    assert files_in(media_root) == []
