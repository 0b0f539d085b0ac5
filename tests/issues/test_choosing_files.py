"""Which files of a text are stored, what shows for the others, and what the text says of them."""

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from issues import services, uploads
from issues.models import Note, Upload
from issues.uploads import Destination, NewFile, choose_files
from tests.factories import IssueFactory, NoteFactory, UserFactory
from tests.issues.picture_samples import make_png

LOGO = make_png(b"logo")
LEFT_OUT = "The original message still holds it."


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def make_file(content, n=0, *, name="plan.pdf", cid="", is_old=False, inline=True):
    kind = "image/png" if content.startswith(b"\x89PNG") else "application/pdf"
    return NewFile(
        name,
        kind,
        content,
        source=f"inbound-7-{n}",
        content_id=cid,
        inline=inline and bool(cid),
        is_old=is_old,
    )


def insert(body, files, where=None):
    return uploads.insert_links(body, choose_files(files, where))


def test_a_file_too_large_is_named_in_the_text(settings):
    settings.MAX_UPLOAD_BYTES = 3000
    file = make_file(b"x" * 4096, name="disk_1.iso", cid="iso@x")
    assert insert("See [cid:iso@x]", [file]) == (
        "See [cid:iso@x]\n\nLeft out, as a file may have at most 2.9 KB: “disk\\_1.iso” (4.0 KB). "
        + LEFT_OUT
    )


def test_files_past_the_count_are_named_in_one_sentence(settings):
    settings.MAX_ATTACHMENTS = 1
    files = [make_file(b"%d" % n, n, name=f"{n}.pdf") for n in range(3)]
    assert insert("See", files) == (
        f"See\n\n[0.pdf]({files[0].address})\n\nLeft out, as a message may bring at most 1 files: "
        f"“1.pdf” (1 byte), “2.pdf” (1 byte). {LEFT_OUT}"
    )


def test_files_past_the_bytes_of_all_are_left_out_but_smaller_ones_still_fit(settings):
    settings.MAX_ATTACHMENT_BYTES = 10
    big, other, small = (make_file(b"%d" % n * size, n) for n, size in ((0, 8), (1, 3), (2, 2)))
    chosen = choose_files([big, other, small])
    assert chosen.kept == (big, small)
    assert uploads.insert_links("", chosen).endswith(
        f"may have at most 10 bytes together: “plan.pdf” (3 bytes). {LEFT_OUT}"
    )


def test_the_same_bytes_in_one_message_are_stored_once():
    first, second = make_file(b"same", 0), make_file(b"same", 1)
    chosen = choose_files([first, second])
    assert chosen.kept == (first,)
    assert uploads.insert_links("", chosen) == f"[plan.pdf]({first.address})"


def test_a_second_name_of_the_same_bytes_is_shown_too():
    first, second = make_file(b"same", 0), make_file(b"same", 1, name="copy.pdf")
    assert insert("", [first, second]) == (
        f"[plan.pdf]({first.address})\n\n[copy.pdf]({first.address})"
    )


def test_two_references_to_the_same_bytes_both_show_them():
    first, second = make_file(LOGO, 0, cid="a@x"), make_file(LOGO, 1, cid="b@x")
    assert insert("![](cid:a@x) ![](cid:b@x)", [first, second]) == (
        f"![]({first.address}) ![]({first.address})"
    )


def test_pictures_without_a_place_stand_at_the_end():
    files = [make_file(make_png(b"%d" % n), n, name=f"{n}.png", cid=f"{n}@x") for n in range(3)]
    assert insert("![one](cid:1@x) text", files) == (
        f"![one]({files[1].address}) text\n\n![0.png]({files[0].address})"
        f"\n\n![2.png]({files[2].address})"
    )


def test_pictures_that_gmail_names_stand_where_they_stood():
    one, two = (make_file(make_png(b"%d" % n), n, name="image.png", cid=f"{n}@x") for n in range(2))
    body = "a [image: image.png] b\n[image: image.png]\n[image: other.png] [image: image.png]"
    assert insert(body, [one, two]) == (
        f"a ![image.png]({one.address}) b\n![image.png]({two.address})\n"
        "[image: other.png] [image: image.png]"
    )


def test_a_name_that_looks_like_a_reference_is_a_name():
    one = make_file(make_png(b"1"), 0, name="cid:b@x [image: y.png]", cid="a@x")
    two = make_file(make_png(b"2"), 1, name="y.png", cid="b@x")
    assert insert("[cid:a@x]", [one, two]) == (
        f"![cid:b\\@x \\[image: y.png\\]]({one.address})\n\n![y.png]({two.address})"
    )


BODIES = st.lists(
    st.sampled_from(["text", "\n", "[cid:a@x]", "![x](cid:B%40x)", "[image: 2.png]", "cid:", "["]),
    max_size=8,
).map(" ".join)
CAME = st.lists(
    st.tuples(
        st.sampled_from([b"one", b"two", make_png(b"3"), b"\xff\xd8\xffx", b"x" * 90]),
        st.sampled_from(["", "a@x", "b@x", "c@x"]),
        st.sampled_from(["1.pdf", "2.png", "](x"]),
    ),
    max_size=8,
)


@given(BODIES, CAME)
@override_settings(MAX_UPLOAD_BYTES=80, MAX_ATTACHMENTS=3, MAX_ATTACHMENT_BYTES=120)
def test_each_file_is_shown_or_named(body, came):
    files = [
        make_file(content, n, name=name, cid=cid) for n, (content, cid, name) in enumerate(came)
    ]
    chosen = choose_files(files)
    text = uploads.insert_links(body, chosen)
    assert {file.digest for file in files} == {
        file.digest for file in (*chosen.kept, *(file for _, file in chosen.left_out))
    }
    assert all(f"({file.address})" in text or f" {file.address}" in text for file in chosen.kept)
    assert text.count("“") == len(chosen.left_out) + len(chosen.uncleaned)


def test_a_picture_that_cannot_be_read_is_kept_and_the_text_says_so():
    broken = NewFile("x.jpg", "image/jpeg", b"\xff\xd8\xff\xe1\xff\xffEx", "inbound-7-0")
    chosen = choose_files([broken])
    assert chosen.kept == (broken,)
    assert uploads.insert_links("", chosen) == (
        f"![x.jpg]({broken.address})\n\nMetadata could not be removed from: “x.jpg” (8 bytes)."
    )


def test_a_logo_of_the_signature_alone_is_not_stored():
    logo = make_file(LOGO, cid="logo@x", is_old=True)
    assert choose_files([logo]).kept == ()
    assert insert("Yes.", [logo]) == "Yes."


def test_a_large_picture_of_the_cut_part_is_stored(settings):
    settings.MAX_SIGNATURE_IMAGE_BYTES = len(LOGO) - 1
    picture = make_file(LOGO, cid="shot@x", is_old=True)
    assert choose_files([picture]).kept == (picture,)


def test_a_file_that_is_no_picture_is_stored_although_only_the_cut_part_refers_to_it():
    file = make_file(b"%PDF", cid="plan@x", is_old=True)
    assert choose_files([file]).kept == (file,)


@pytest.fixture
def before(db):
    """A note with the logo, by Ann."""
    ann, issue = UserFactory(), IssueFactory(project__visibility="public")
    return services.create_note(
        item=issue, author=ann, body="One", files=[make_file(LOGO, cid="logo@x")]
    )


def test_a_logo_that_the_person_sent_before_is_not_stored_again(before):
    upload = Upload.objects.get()
    again = make_file(LOGO, 1, cid="logo2@x")
    note = services.create_note(
        item=before.item, author=before.author, body="Two ![](cid:logo2@x)", files=[again]
    )
    assert note.body == f"Two ![](/uploads/{upload.secret}/plan.pdf)"
    assert Upload.objects.get() == upload
    assert (
        services.create_note(
            item=before.item, author=before.author, body="Three", files=[again]
        ).body
        == "Three"
    )


@pytest.mark.parametrize("change", ["author", "item", "handed over", "internal before"])
def test_the_same_bytes_are_stored_again_for_another(before, change):
    author, item, inline = before.author, before.item, True
    if change == "author":
        author = UserFactory()
    if change == "item":
        item = IssueFactory(project__visibility="public")
    if change == "handed over":
        inline = False
    if change == "internal before":
        Note.objects.update(internal=True)
    file = make_file(LOGO, 1, cid="logo2@x", inline=inline)
    services.create_note(item=item, author=author, body="Two", files=[file])
    assert Upload.objects.count() == 2


def test_a_large_picture_stands_again_unless_it_is_of_the_cut_part(before, settings):
    settings.MAX_SIGNATURE_IMAGE_BYTES = 1
    where = Destination(before.item, UserFactory())
    new, old = make_file(LOGO, 1, cid="a@x"), make_file(LOGO, 1, cid="a@x", is_old=True)
    assert choose_files([new], where).kept == (new,)
    assert choose_files([old], where).kept == ()


@pytest.mark.django_db
def test_a_logo_of_a_customer_is_stored_once(django_assert_num_queries):
    issue = IssueFactory()
    for n in range(2):
        services.create_note(
            item=issue,
            author=None,
            external_author="eve@example.com",
            body="Hello",
            files=[make_file(LOGO, n, cid="logo@x")],
        )
    services.create_note(
        item=issue,
        author=None,
        external_author="bob@example.com",
        body="Hello",
        files=[make_file(LOGO, 5, cid="logo@x")],
    )
    assert Upload.objects.count() == 2
    where = Destination(issue, None, "eve@example.com")
    with django_assert_num_queries(1):
        assert choose_files([make_file(LOGO, 6, cid="logo@x")], where).kept == ()
    with django_assert_num_queries(0):
        choose_files([make_file(b"%PDF", 7)], where)


@pytest.mark.django_db
def test_the_digest_is_of_the_file_as_it_came():
    note = NoteFactory()
    png = make_png(b"x", text=b"Author\0Ann")
    chosen = choose_files([make_file(png)])
    (upload,) = uploads.create_uploads(
        project=note.item.project, owner=note, uploader=note.author, chosen=chosen
    )
    assert upload.digest == make_file(png).digest
    assert upload.size == len(png) - len(b"Author\0Ann") - 12


@pytest.mark.django_db
def test_an_attempt_after_a_kill_writes_the_same_file_in_the_same_place(tmp_path):
    """The rows of the first one are gone, its file is not."""
    photo = make_file(make_png(b"x", text=b"Author\0Ann"), cid="p@x")
    issue = IssueFactory()

    def attempt():
        return services.create_note(
            item=issue, author=None, external_author="eve@example.com", body="Look", files=[photo]
        )

    def attempt_and_die():
        attempt()
        raise LookupError

    with pytest.raises(LookupError), transaction.atomic():
        attempt_and_die()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    note = attempt()
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert before == after
    assert list(after.values()) == [make_png(b"x")]
    assert note.body == f"Look\n\n![plan.pdf]({photo.address})"
