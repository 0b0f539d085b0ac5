"""Whole messages: which text is the body, which files are attached, what else is read."""

from datetime import UTC, datetime

import pytest

from incoming_email.parsing.message import parse, parse_plain
from incoming_email.parsing.mime.filenames import safe_filename
from incoming_email.parsing.text.plain_text import remove_armour, unfold_flowed


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("charset-gb2312-with-gbk-character", "你好 –"),  # C01
        ("charset-utf-8-cyrillic-html", "Привет, мир, как дела?"),  # C03
        ("charset-hebrew-logical-order-beside-html", "שלום"),  # C15
        ("charset-latin-2-quoted-printable", "ąć"),  # C16
        ("charset-windows-1252-html-8bit", "café"),  # C38
        ("charset-latin-1-with-cp1252-quotes", "“hi”"),  # C39
        (
            "charset-shift-jis-unlabelled",
            "これは文字コードの指定がない日本語のメールです。よろしくお願いします。",
        ),
        ("stub-text-beside-html", "The real text of this message."),  # T08
        ("empty-text-beside-html", "Only here"),
        ("pgp-mime-signed", "signed by hand"),  # C36
        ("pgp-inline-signed", "Hello there\n- a list item"),
        ("smime-detached-signature", "my reply"),  # C35
        ("smime-opaque-signed", "signed text"),  # C34
        ("smime-opaque-signed-streamed", "signed text"),
        ("format-flowed-delsp", "日本語です"),
        (
            "format-flowed-with-quotes",
            "> quoted text that goes on\n>> deeper\n"
            "A long line that was broken softly.\nFixed line\nFrom stuffed\n-- \nAnn",
        ),
    ],
)
def test_the_text_of_a_message_without_files(parse_sample, name, text):
    email = parse_sample(name)
    assert (email.text, email.attachments, email.defects) == (text, (), ())


@pytest.mark.parametrize(
    ("name", "text", "files"),
    [
        ("apple-text-image-text", "before\n\nafter", [("photo.jpg", "image/jpeg", 6, True)]),  # C30
        ("alternative-hides-pdf", "the text", [("offer.pdf", "application/pdf", 9, False)]),  # C31
        ("attached-html-file", "hello", [("x.html", "text/html", 11, False)]),  # C33
        ("two-html-fragments", "body\n\ngateway", [("a.pdf", "application/pdf", 9, False)]),  # T09
        ("calendar-invitation", "Please come", [("invite.ics", "text/calendar", 29, False)]),  # A04
        (
            "outlook-attached-message-without-name",
            "see below",
            [("message.eml", "message/rfc822", 179, False)],
        ),  # A18
        ("attachment-of-zero-bytes", "note", [("empty.txt", "text/plain", 0, False)]),  # A16
        (
            "filename-in-many-encoded-words",
            "note",
            [("ü" * 120 + ".pdf", "application/pdf", 9, False)],
        ),  # A14
        ("patches-as-text-parts", "cover", [("0001-a.patch", "text/x-patch", 18, True)]),
        ("uuencoded-part", "see file", [("cat.txt", "application/octet-stream", 3, False)]),
        (
            "inline-image-in-related",
            "see ![](cid:logo@x)",
            [("attachment-1.png", "image/png", 8, True)],
        ),
    ],
)
def test_the_text_and_the_files(parse_sample, name, text, files):
    email = parse_sample(name)
    found = [
        (each.filename, each.content_type, each.size, each.inline) for each in email.attachments
    ]
    assert (email.text, found, email.defects) == (text, files, ())


def test_an_inline_image_can_be_found_by_its_id(parse_sample):
    assert parse_sample("inline-image-in-related").attachments[0].content_id == "logo@x"


def test_an_attached_message_is_kept_byte_for_byte(parse_sample):
    content = parse_sample("outlook-attached-message-without-name").attachments[0].content
    assert content.startswith(b"From: bob@example.com\nSubject: inner\n")
    assert content.endswith(b"<p>inner text</p>\n--i--")


def test_encrypted_mail_is_kept_as_a_file(parse_sample):  # C34
    email = parse_sample("smime-opaque-encrypted")
    assert (email.text, email.attachments[0].filename) == ("", "smime.p7m")
    assert email.defects == ("S/MIME content that cannot be read",)


def test_nuls_and_lone_surrogates_do_not_come_in(parse_sample):  # C10
    email = parse_sample("nuls-and-lone-surrogates")
    assert email.text == "ab � c"
    assert email.defects == ("bytes that are not in charset utf-8",)


def test_binary_files_keep_their_nuls():
    content = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
        b"Content-Type: application/x-bin\nContent-Transfer-Encoding: binary\n\na\0b\n--b--\n"
    )
    assert parse(content).attachments[0].content == b"a\0b"


def test_a_text_that_only_mentions_html_stays():
    text = "I cannot open the HTML page, see https://example.com/page"
    content = (
        "Content-Type: multipart/alternative; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\n{text}\n"
        f"--b\nContent-Type: text/html\n\n<p>{text}</p>\n--b--\n"
    )
    assert parse(content.encode()).text == text


def test_html_that_repeats_the_text_beside_it_is_not_joined():
    content = (
        b"Content-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\n\nsame words\n"
        b"--b\nContent-Type: text/html\n\n<p>same <i>words</i></p>\n"
        b"--b\nContent-Type: text/html\n\n<p>other</p>\n--b--\n"
    )
    assert parse(content).text == "same words\n\nother"


def test_a_named_body_is_still_a_body():
    assert parse(b"Content-Type: text/plain; name=note.txt\n\nhello").text == "hello"
    whole = parse(b"Content-Disposition: attachment; filename=n.txt\n\nhello")
    assert (whole.text, whole.attachments[0].filename) == ("", "n.txt")


def test_html_may_name_its_charset_itself():
    content = (
        b'Content-Type: text/html\n\n<meta charset="windows-1251"><p>\xcf\xf0\xe8\xe2\xe5\xf2</p>'
    )
    assert parse(content).text == "Привет"


def test_reply_and_quoted_part_are_split():
    email = parse(b"From: a@example.com\n\nThanks.\n\n> old\n> older\n")
    assert (email.text, email.reply) == ("Thanks.\n\n> old\n> older", "Thanks.")
    assert email.quoted == "> old\n> older"


def test_the_indentation_of_the_first_line_stays():
    assert parse(b"From: a@example.com\n\n \n\n    code\nend  \n\n").text == "    code\nend"


@pytest.mark.parametrize(
    ("given", "content_type", "name"),
    [
        ("", "image/jpeg", "attachment-3.jpg"),  # A01
        ("", "application/x-nothing", "attachment-3.bin"),
        ("", "message/rfc822", "message.eml"),
        ("report..final.pdf", "application/pdf", "report..final.pdf"),  # A06
        ("../../../../var/www/html/x.php", "text/plain", "x.php"),  # X12
        (r"..\..\boot.ini", "text/plain", "boot.ini"),
        ("\u200b.htaccess", "text/plain", "htaccess"),  # X05
        ("...", "text/plain", "attachment-3.txt"),
        ("Revised \n 10_20_08.doc", "application/msword", "Revised 10_20_08.doc"),  # A11
        ("x\u202egnp.exe", "image/png", "xgnp.exe"),
        ("n" * 300 + ".pdf", "application/pdf", "n" * 251 + ".pdf"),
        ("n" * 300, "application/pdf", "n" * 255),
        ("é" * 200 + ".pdf", "application/pdf", "é" * 125 + ".pdf"),
        ("plan.pdf. .", "application/pdf", "plan.pdf"),
        ("CON.tar.gz", "application/gzip", "_CON.tar.gz"),
        ("lpt1", "text/plain", "_lpt1"),
        ("Re: v1.2", "message/rfc822", "Re: v1.2.eml"),
        ("note.EML", "message/rfc822", "note.EML"),
        ("a\x07b\u2028c.txt", "text/plain", "ab c.txt"),
    ],
)
def test_a_file_name_is_a_harmless_label(given, content_type, name):
    assert safe_filename(given, content_type, 3) == name


def test_an_empty_encoded_word_is_no_file_name():  # A01
    content = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/jpeg\n"
        b'Content-Disposition: attachment; filename="=?utf-8?b??="\n\nx\n--b--\n'
    )
    assert parse(content).attachments[0].filename == "attachment-1.jpg"


def test_a_folded_file_name_is_one_line():  # A10
    content = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/pdf\n"
        b'Content-Disposition: attachment; filename="Foo Bar Maintenance and\n Monitoring.pdf";'
        b" size=5\n\nx\n--b--\n"
    )
    assert parse(content).attachments[0].filename == "Foo Bar Maintenance and Monitoring.pdf"


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("Tue, 2 Jan 2024 10:30:00 +0100", datetime(2024, 1, 2, 9, 30, tzinfo=UTC)),
        ("2 Jan 2024 10:30 GMT", datetime(2024, 1, 2, 10, 30, tzinfo=UTC)),
        ("Tue, 2 Jan 2024 10:30:00 -0000 (x)", datetime(2024, 1, 2, 10, 30, tzinfo=UTC)),
        (", 11 Sep 2016 23:20407080403080105:04 +0100", None),  # H35
        ("Tue, 2 Jan 2024 10:30:00 +9999", None),
        ("Tue, 2 Jan 0001 00:00:00 +0100", datetime(2001, 1, 1, 23, 0, tzinfo=UTC)),
        ("Tue, 31 Feb 2024 10:30:00 +0000", None),
        ("Tue, 2 Jan 9999 10:30:00 +0000", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_date_is_a_moment_or_nothing(value, date):
    assert parse(f"From: a@example.com\nDate: {value}\n\nx".encode()).date == date


@pytest.mark.parametrize(
    ("value", "message_id"),
    [
        ("<a@example.com>", "a@example.com"),
        ("<[83c48dd-ABC=@example.com]>", "[83c48dd-ABC=@example.com]"),  # H12
        ("a@example.com", "a@example.com"),
        ("<a@\n example.com>", "a@example.com"),
        ("<", ""),
        ("", ""),
        ("<" + "x" * 999 + ">", ""),
    ],
)
def test_the_message_id_is_kept_verbatim(value, message_id):
    assert parse(f"Message-ID: {value}\nFrom: a@example.com\n\nx".encode()).message_id == message_id


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@x> <b@y>", ("a@x", "b@y")),
        ("<a@x>,<b@y>", ("a@x", "b@y")),
        ('"<a@x>,<b@y>"', ("a@x", "b@y")),
        ("a@x b@y", ("a@x", "b@y")),
        ("<a@x>\n\t<b@y>", ("a@x", "b@y")),
        ("<a@x> <broken", ("a@x",)),
    ],
)
def test_ids_of_references_however_they_are_joined(value, ids):
    email = parse(f"References: {value}\nIn-Reply-To: {value}\n\nx".encode())
    assert (email.references, email.in_reply_to) == (ids, ids)


def test_authentication_results_are_kept_topmost_first():
    email = parse(b"Authentication-Results: mx1;\n dkim=pass\nAuthentication-Results: mx2\n\nx")
    assert email.stamps.results == ("mx1; dkim=pass", "mx2")


def test_a_bare_text_is_read_without_header():
    email = parse_plain(b"From: the sea\n\nsea\n> quoted\n")
    assert (email.text, email.subject) == ("From: the sea\n\nsea\n> quoted", "")
    assert email.sender == ""


def test_flowed_text_changes_its_quote_depth_without_joining():
    assert unfold_flowed("> a \nb \n>c", delete_space=False) == "> a \nb \n> c"


def test_a_signature_ends_a_flowed_paragraph():
    assert unfold_flowed("a \n-- \nAnn", delete_space=False) == "a \n-- \nAnn"


def test_armour_is_removed_and_encrypted_text_stays():
    secret = "-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----"
    assert remove_armour(secret) == secret
    signed = (
        "top\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nin\n"
        "-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----\nbelow"
    )
    assert remove_armour(signed) == "top\nin\nbelow"


def test_half_a_surrogate_beside_a_letter_is_read_from_bytes():  # C10
    email = parse(b"Content-Type: text/plain; charset=utf-8\n\n\xed\xb3\x83 \xc3\xab\n")

    assert email.text.endswith(" ë")
    email.text.encode("utf-8")


def test_ids_of_the_messages_that_are_attached():
    email = parse(
        b"Message-ID: <top@a>\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\n\nSee below.\n"
        b"--b\nContent-Type: message/rfc822\n\n"
        b"Message-ID: <one@a>\nIn-Reply-To: <two@a>\nReferences: <three@a> <two@a>\n\nx\n"
        b"--b\nContent-Type: message/rfc822\n\nMessage-ID: <four@a>\n\nx\n--b--\n"
    )

    assert email.attached_ids == ("one@a", "two@a", "three@a", "two@a", "four@a")
    assert email.references == ()
