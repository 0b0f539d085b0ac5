"""Files of mails, from the message to the page: what is stored, where it shows, what is not."""

import base64
import io
import zipfile

import pytest

from incoming_email.outcomes import Reason, Status
from issues.models import Note, Upload
from issues.uploads import open_upload
from tests.incoming_email.mails import make_mail_with_file
from tests.incoming_email.world import make_mail
from tests.issues.picture_samples import SECRET, make_jpeg, make_png, make_tiff, segment

pytestmark = pytest.mark.django_db

LOGO = make_png(b"logo")
QUOTE = (
    '<div class="gmail_quote"><div class="gmail_attr">On Mon, Jan 1, 2024 at 10:00 AM Ann '
    '&lt;<a href="mailto:ann@example.com">ann@example.com</a>&gt; wrote:<br></div>'
    '<blockquote class="gmail_quote">Shall we? <img src="cid:logo@x"></blockquote></div>'
)


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def picture_part(content, cid, name="image001.png", kind="image/png"):
    return (
        f"--b\r\nContent-Type: {kind}; name={name}\r\nContent-ID: <{cid}>\r\n"
        "Content-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        f"{base64.b64encode(content).decode()}\r\n"
    )


def make_related(world, html, *parts, plain=None):
    text = f"--b\r\nContent-Type: text/html\r\n\r\n{html}\r\n"
    if plain is not None:
        text = (
            "--b\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
            f"--a\r\nContent-Type: text/plain\r\n\r\n{plain}\r\n"
            f"--a\r\nContent-Type: text/html\r\n\r\n{html}\r\n--a--\r\n"
        )
    return make_mail(
        to=world.reply_address(),
        sender=world.member.email,
        body=f"{text}{''.join(parts)}--b--",
        Content_Type="multipart/related; boundary=b",
    )


def test_pictures_of_an_html_reply_stand_where_they_stood(world):
    shots = [make_png(b"shot-%d" % number) for number in range(3)]
    parts = [picture_part(shot, f"{n}@x", f"{n}.png") for n, shot in enumerate(shots)]
    html = '<p>Before <img src="cid:1@x" alt="one"> between</p><p><img src="cid:0@x"> after</p>'
    world.receive(make_related(world, html, *parts))
    addresses = {
        upload.filename: f"/uploads/{upload.secret}/{upload.filename}"
        for upload in Upload.objects.all()
    }
    assert Note.objects.get().body == (
        f"Before ![one]({addresses['1.png']}) between\n\n![]({addresses['0.png']}) after"
        f"\n\n![2.png]({addresses['2.png']})"
    )


def test_pictures_of_a_text_with_an_html_twin_stand_where_outlook_names_them(world):
    part = picture_part(LOGO, "image001.png@01DA")
    plain = "Look:\r\n\r\n[cid:image001.png@01DA]\r\n\r\nThanks"
    html = '<p>Look:</p><p><img src="cid:image001.png@01DA"></p><p>Thanks</p>'
    world.receive(make_related(world, html, part, plain=plain))
    upload = Upload.objects.get()
    assert Note.objects.get().body == (
        f"Look:\n\n![image001.png](/uploads/{upload.secret}/image001.png)\n\nThanks"
    )


def test_a_logo_in_the_cut_part_alone_is_not_stored(world):
    row = world.receive(make_related(world, f"<p>Yes.</p>{QUOTE}", picture_part(LOGO, "logo@x")))
    assert (row.status, Note.objects.get().body) == (Status.PROCESSED, "Yes.")
    assert not Upload.objects.exists()


def test_a_reply_of_nothing_but_an_old_logo_is_empty(world):
    row = world.receive(make_related(world, QUOTE, picture_part(LOGO, "logo@x")))
    assert (row.status, row.reason) == (Status.REJECTED, Reason.EMPTY)


def test_the_logo_of_a_second_reply_is_shown_from_the_first(world):
    html = '<p>Hello</p><p><img src="cid:logo@x" alt="ACME"></p>'
    for _ in range(2):
        world.receive(make_related(world, html, picture_part(LOGO, "logo@x")))
    upload = Upload.objects.get()
    shown = f"Hello\n\n![ACME](/uploads/{upload.secret}/image001.png)"
    assert [note.body for note in Note.objects.all()] == [shown, shown]


def test_a_photo_is_stored_without_what_the_camera_told(world):
    photo = make_jpeg(segment(0xE1, b"Exif\0\0" + make_tiff(1)))
    part = picture_part(photo, "p@x", "photo.jpg", "application/octet-stream")
    world.receive(make_related(world, "<p>Look</p>", part))
    upload = Upload.objects.get()
    with open_upload(upload) as file:
        stored = file.read()
    assert stored == make_jpeg()
    assert SECRET not in stored
    assert (upload.size, upload.filename) == (len(stored), "photo.jpg")


def test_nothing_is_stored_of_a_reply_that_is_refused(world, tmp_path):  # A17
    world.issue.locked = True
    world.issue.save()
    address = world.reply_address()
    world.member.memberships.all().delete()
    world.issue.project.visibility = "public"
    world.issue.project.save()
    row = world.receive(make_mail_with_file(to=address, sender=world.member.email))
    assert (row.status, row.reason) == (Status.REJECTED, Reason.LOCKED)
    assert not Upload.objects.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_is_left_out_is_named_and_the_raw_message_still_holds_it(world, settings):
    settings.MAX_UPLOAD_BYTES = 4
    row = world.receive(make_mail_with_file(to=world.reply_address(), sender=world.member.email))
    assert Note.objects.get().body == (
        "See the file.\n\nLeft out, as a file may have at most 4 bytes: “a.txt” (5 bytes). "
        "The original message still holds it."
    )
    assert b"hello" in bytes(row.raw)


def test_an_archive_is_kept_as_it_came(world):
    """A bomb of 50 MB in 50 kB, with a path in it: nobody opens it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.sh", bytes(50_000_000))
    bomb = packed.getvalue()
    text = "--b\r\nContent-Type: text/plain\r\n\r\nSee the archive.\r\n"
    mail = make_mail(
        to=world.reply_address(),
        sender=world.member.email,
        body=f"{text}{picture_part(bomb, 'zip@x', 'bomb.zip', 'application/zip')}--b--",
        Content_Type="multipart/mixed; boundary=b",
    )
    assert world.receive(mail).status == Status.PROCESSED
    upload = Upload.objects.get()
    with open_upload(upload) as file:
        assert file.read() == bomb
    assert (upload.filename, upload.size) == ("bomb.zip", len(bomb))
