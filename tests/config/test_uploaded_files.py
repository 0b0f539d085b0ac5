"""Files that come with a form: from staff, and within the limit of a message."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.urls import reverse

from tests.factories import UserFactory
from tests.incoming_email.world import make_world

pytestmark = pytest.mark.django_db
TRY = "admin:incoming_email_inboundemail_try"


@pytest.fixture
def kept(monkeypatch):
    """What was put on the disk."""
    files, make = [], TemporaryUploadedFile.__init__

    def note(self, name, *rest, **more):
        files.append(name)
        make(self, name, *rest, **more)

    monkeypatch.setattr(TemporaryUploadedFile, "__init__", note)
    return files


def large(size=3_000_000):
    return SimpleUploadedFile("large.eml", b"x" * size)


@pytest.mark.parametrize("is_person", [False, True])
def test_a_file_of_who_is_no_staff_is_refused_before_it_is_kept(client, kept, is_person):
    if is_person:
        client.force_login(UserFactory())
    assert client.post(reverse("account_login"), {"file": large()}).status_code in {400, 413}
    assert kept == []


def test_a_form_without_a_file_may_be_of_that_kind(client):
    answer = client.post(reverse("account_login"), {"login": "nobody", "password": "x"})
    assert answer.status_code == 200


def test_staff_may_upload_a_message_and_no_more(client, kept, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.MAX_MESSAGE_BYTES = 100_000, 4_000_000
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    form = {"mailbox": make_world().mailbox.pk, "recipient": ""}
    assert client.post(reverse(TRY), form | {"message": large()}).status_code == 200
    assert kept == ["large.eml"]
    answer = client.post(reverse(TRY), form | {"message": large(4_200_000)})
    assert answer.status_code in {400, 413}
    assert kept == ["large.eml"]
