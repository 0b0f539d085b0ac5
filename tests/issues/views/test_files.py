"""How files are served: four kinds of pictures inline, all else as downloads."""

import pytest

from issues import services
from issues.models import Upload
from issues.uploads import NewFile, path_of
from tests.factories import IssueFactory, UserFactory

pytestmark = pytest.mark.django_db
SANDBOX = "default-src 'none'; sandbox"


@pytest.fixture
def attach(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    issue = IssueFactory()

    def attach(filename, content_type, content=b"content"):
        file = NewFile(filename, content_type, content, f"test-{Upload.objects.count()}")
        services.create_note(item=issue, author=UserFactory(), body="see", files=[file])
        return file.address

    return attach


@pytest.mark.parametrize(
    ("filename", "content_type", "served", "disposition"),
    [
        ("a.png", "image/png", "image/png", 'inline; filename="a.png"'),
        ("a.jpg", "IMAGE/JPEG", "image/jpeg", 'inline; filename="a.jpg"'),
        ("a.gif", "image/gif", "image/gif", 'inline; filename="a.gif"'),
        ("a.webp", "image/webp", "image/webp", 'inline; filename="a.webp"'),
        ("a.svg", "image/svg+xml", "application/octet-stream", 'attachment; filename="a.svg"'),
        ("a.html", "text/html", "application/octet-stream", 'attachment; filename="a.html"'),
        ("a.pdf", "application/pdf", "application/octet-stream", 'attachment; filename="a.pdf"'),
        ("a.png", "text/html", "application/octet-stream", 'attachment; filename="a.png"'),
        (
            "a.txt",
            "x\r\nSet-Cookie: a=b",
            "application/octet-stream",
            'attachment; filename="a.txt"',
        ),
        (
            "견적.pdf",
            "application/pdf",
            "application/octet-stream",
            "attachment; filename*=utf-8''%EA%B2%AC%EC%A0%81.pdf",
        ),
    ],
)
def test_kinds(client, attach, filename, content_type, served, disposition):
    response = client.get(attach(filename, content_type))

    assert response.status_code == 200
    assert b"".join(response.streaming_content) == b"content"
    assert response.headers["Content-Type"] == served
    assert response.headers["Content-Disposition"] == disposition
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == SANDBOX
    assert response.headers["Cache-Control"] == "private, max-age=300"


def test_name_with_markup_and_a_question_mark(client, attach):
    address = attach('"><b>100%?#.txt', "text/plain")

    response = client.get(address)

    assert response.status_code == 200
    assert b"".join(response.streaming_content) == b"content"


def test_another_name_or_secret_is_a_404(client, attach):
    address = attach("a.png", "image/png")

    assert client.get(address.replace("a.png", "b.png")).status_code == 404
    assert client.get(f"/uploads/{'0' * 32}/a.png").status_code == 404
    assert client.get(address.replace("a.png", "..%2Fa.png")).status_code == 404


def test_a_file_lost_from_the_disk_is_a_404(client, attach):
    address = attach("a.png", "image/png")
    path_of(Upload.objects.get()).unlink()

    assert client.get(address).status_code == 404


def test_a_file_of_nothing_is_nobodys(client, attach):
    address = attach("a.png", "image/png")
    Upload.objects.update(note=None)

    assert client.get(address).status_code == 404


def test_files_are_not_written_to(client, attach):
    assert client.post(attach("a.png", "image/png")).status_code == 405
