"""A forward by hand: whose message it is, when it was written, and about what."""

from datetime import UTC, datetime

import pytest

from incoming_email.parsing.message import parse, parse_plain
from incoming_email.parsing.replies.forwards import is_forward_subject
from incoming_email.parsing.types import Forwarded
from tests.growing import assert_linear

DATE = datetime(2024, 6, 3, 8, 0, tzinfo=UTC)
ANN = Forwarded("ann@example.com", "Ann Doe", DATE, "Broken door")


def make(body, *, subject="Fwd: Broken door", kind="text/plain"):
    return (
        f"From: bob@example.com\nDate: Tue, 4 Jun 2024 09:00:00 +0200\nSubject: {subject}\n"
        f"Content-Type: {kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{body}\n"
    ).encode()


def block(marker, sender, date, subject, to, shown="Mon, 3 Jun 2024 10:00:00 +0200"):
    return (
        f"FYI\n\n{marker}\n{sender}: Ann Doe <ann@example.com>\n{date}: {shown}\n"
        f"{subject}: Broken door\n{to}: bob@example.com\n\nIt broke."
    )


@pytest.mark.parametrize(
    ("marker", "sender", "date", "subject", "to"),
    [
        ("---------- Forwarded message ---------", "From", "Date", "Subject", "To"),
        ("-------- Forwarded Message --------", "From", "Date", "Subject", "To"),
        ("Begin forwarded message:\n", "From", "Date", "Subject", "To"),
        ("----- Forwarded by Ann/Berlin on 03.06.2024 -----", "From", "Date", "Subject", "To"),
        ("-------- Weitergeleitete Nachricht --------", "Von", "Datum", "Betreff", "An"),
        ("Anfang der weitergeleiteten Nachricht:\n", "Von", "Datum", "Betreff", "An"),
        ("---------- Message transféré ---------", "De", "Date", "Objet", "À"),
        ("Début du message réexpédié :\n", "De", "Date", "Objet", "À"),
        ("---------- Mensaje reenviado ---------", "De", "Fecha", "Asunto", "Para"),
        ("---------- Mensagem encaminhada ---------", "De", "Data", "Assunto", "Para"),
        ("---------- Messaggio inoltrato ---------", "Da", "Data", "Oggetto", "A"),
        ("---------- Doorgestuurd bericht ---------", "Van", "Datum", "Onderwerp", "Aan"),
        ("---------- Перенаправленное сообщение ---------", "От", "Дата", "Тема", "Кому"),
        ("---------- 전달된 메시지 ---------", "보낸사람", "날짜", "제목", "받는사람"),
        ("---------- 転送メッセージ ----------", "差出人", "日時", "件名", "宛先"),
        ("---------- 转发的邮件 ---------", "发件人", "日期", "主题", "收件人"),
    ],
)  # fmt: skip
def test_marked_forwards_in_many_languages(marker, sender, date, subject, to):
    email = parse(make(block(marker, sender, date, subject, to), subject="any"))
    assert email.forwarded == ANN
    assert (email.reply, email.quoted) == (email.text, "")


GMAIL = (
    '<div dir="ltr">FYI<br><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
    "---------- Forwarded message ---------<br>From: <strong>Ann Doe</strong> <span>&lt;"
    '<a href="mailto:ann@example.com">ann@example.com</a>&gt;</span><br>'
    "Date: Mon, Jun 3, 2024 at 10:00 AM<br>Subject: Broken door<br>To: Bob &lt;bob@example.com&gt;"
    "<br></div><br><br><div>It broke.</div></div></div>"
)
APPLE = (
    'FYI<br><div><br><blockquote type="cite"><div>Begin forwarded message:</div><br>'
    "<div><b>From: </b>Ann Doe &lt;<a href='mailto:ann@example.com'>ann@example.com</a>&gt;<br>"
    "</div><div><b>Subject: </b><b>Broken door</b><br></div>"
    "<div><b>Date: </b>June 3, 2024 at 10:00:00 AM GMT+2<br></div>"
    "<div><b>To: </b>bob@example.com<br></div><br><div>It broke.</div></blockquote></div>"
)
THUNDERBIRD = (
    '<p>FYI</p><div class="moz-forward-container"><br>-------- Forwarded Message --------'
    '<table class="moz-email-headers-table"><tbody><tr><th>Subject: </th><td>Broken door</td></tr>'
    "<tr><th>Date: </th><td>Mon, 3 Jun 2024 10:00:00 +0200</td></tr><tr><th>From: </th><td>"
    'Ann Doe <a href="mailto:ann@example.com">&lt;ann@example.com&gt;</a></td></tr>'
    "<tr><th>To: </th><td>bob@example.com</td></tr></tbody></table><br>It broke.</div>"
)
OUTLOOK = (
    "<div><p class=MsoNormal>FYI</p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt'>"
    "<p class=MsoNormal><b>From:</b> Ann Doe &lt;ann@example.com&gt; <br><b>Sent:</b> Monday, "
    "June 3, 2024 10:00 AM<br><b>To:</b> Bob &lt;bob@example.com&gt;<br><b>Subject:</b> Broken door"
    "</p></div></div><p class=MsoNormal>It broke.</p></div>"
)
OUTLOOK_WEB = (
    '<div>FYI</div><hr style="width:98%"><div id="divRplyFwdMsg" dir="ltr"><b>Von:</b> Ann Doe '
    "&lt;ann@example.com&gt;<br><b>Gesendet:</b> Montag, 3. Juni 2024 10:00<br><b>An:</b> Bob<br>"
    "<b>Betreff:</b> Broken door<div>&nbsp;</div></div><div>It broke.</div>"
)


@pytest.mark.parametrize(
    ("subject", "html"),
    [("Fwd: x", GMAIL), ("Fwd: x", APPLE), ("Fwd: x", THUNDERBIRD), ("FW: x", OUTLOOK),
     ("WG: x", OUTLOOK_WEB)],
    ids=["gmail", "apple", "thunderbird", "outlook", "outlook web"],
)  # fmt: skip
def test_forwards_in_html_of_the_big_programs(subject, html):
    email = parse(make(html, subject=subject, kind="text/html"))
    assert email.forwarded == ANN
    assert email.reply.startswith("FYI")
    assert email.reply.endswith("It broke.")


@pytest.mark.parametrize("html", [OUTLOOK, OUTLOOK_WEB], ids=["outlook", "outlook web"])
@pytest.mark.parametrize("subject", ["RE: x", "AW: FW: x", "x"])
def test_the_same_block_below_a_reply_is_no_forward(subject, html):
    email = parse(make(html, subject=subject, kind="text/html"))
    assert (email.forwarded, email.reply) == (None, "FYI")


OUTLOOK_TEXT = (
    "FYI\n\n-- \nBob\n\n-----Original Message-----\nFrom: Doe, Ann [mailto:ann@example.com]\n"
    "Sent: Monday, June 3, 2024 10:00 AM\nTo: Bob\nSubject: Broken door\n\nIt broke.\n\n> older"
)


def test_what_outlook_forwards_in_text_stays_whole_and_the_signature_above_is_cut():
    email = parse(make(OUTLOOK_TEXT, subject="FW: Broken door"))
    assert email.forwarded == Forwarded("ann@example.com", "Doe, Ann", DATE, "Broken door")
    assert email.reply.startswith("FYI\n\n")
    assert email.reply.endswith("It broke.\n\n> older")
    assert email.quoted == "-- \nBob"


@pytest.mark.parametrize(
    ("subject", "sender", "sent", "to", "about", "shown"),
    [
        ("FW: x", "From", "Sent", "To", "Subject", "Monday, June 3, 2024 10:00 AM"),
        ("WG: x", "Von", "Gesendet", "An", "Betreff", "Montag, 3. Juni 2024 10:00"),
        ("TR : x", "De", "Envoyé", "À", "Objet", "lundi 3 juin 2024 10:00"),
        ("RV: x", "De", "Enviado el", "Para", "Asunto", "lunes, 3 de junio de 2024 10:00"),
        ("ENC: x", "De", "Enviada em", "Para", "Assunto", "segunda, 3 de junho de 2024 10:00"),
        ("I: x", "Da", "Inviato", "A", "Oggetto", "lunedì 3 giugno 2024 10:00"),
        ("Doorst: x", "Van", "Verzonden", "Aan", "Onderwerp", "maandag 3 juni 2024 10:00"),
        ("VB: x", "Från", "Skickat", "Till", "Ämne", "den 3 juni 2024 10:00"),
        ("PD: x", "Od", "Wysłano", "Do", "Temat", "poniedziałek, 3 czerwca 2024 10:00"),
        ("FW: x", "От", "Отправлено", "Кому", "Тема", "3 июня 2024 г. 10:00"),
        ("İLT: x", "Kimden", "Gönderildi", "Kime", "Konu", "3 Haziran 2024 Pazartesi 10:00"),
        ("FW: x", "보낸 사람", "보낸 날짜", "받는 사람", "제목", "2024년 6월 3일 오전 10:00"),
        ("转发: x", "发件人", "发送时间", "收件人", "主题", "2024年6月3日 10:00"),
        ("FW: x", "差出人", "送信日時", "宛先", "件名", "2024年6月3日 10:00"),
    ],
)  # fmt: skip
def test_what_outlook_forwards_in_many_languages(subject, sender, sent, to, about, shown):
    body = (
        f"FYI\n\n{sender}: Ann Doe <ann@example.com>\n{sent}: {shown}\n{to}: Bob\n"
        f"{about}: Broken door\n\nIt broke."
    )
    email = parse(make(body, subject=subject))
    assert (email.forwarded, email.reply, email.quoted) == (ANN, email.text, "")


QUOTED = "\n".join(f"> {line}" for line in block("---------- Forwarded message ---------", "From",
                                                 "Date", "Subject", "To").split("\n"))  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        f"Thanks!\n\nOn Tue, Jun 4, 2024 at 9:00 AM Bob <bob@example.com> wrote:\n{QUOTED}",
        f"{QUOTED}\n\nThanks!",
        "---------- Forwarded message ---------\n\nno block at all",
        "Forwarded message:\nsee the attached file",
        "From: Berlin\nTo: Paris\n\na journey",
        "",
    ],
    ids=["reply", "quote above", "no block", "words", "a list", "nothing"],
)
def test_what_is_no_forward(body):
    assert parse(make(body, subject="Re: Fwd: Broken door")).forwarded is None


def test_a_reply_with_an_attribution_is_none_whatever_its_subject():
    body = "Done.\n\nOn Mon, Jun 3, 2024 at 10:00 AM Ann <ann@example.com> wrote:\n> It broke."
    email = parse(make(body, subject="Fwd: Broken door"))
    assert (email.forwarded, email.reply) == (None, "Done.")


def test_of_nested_forwards_the_outer_one_counts():
    inner = block("---------- Forwarded message ---------", "From", "Date", "Subject", "To")
    outer = inner.replace("It broke.", inner.replace("ann@", "eve@"))
    assert parse(make(outer)).forwarded == ANN


def test_a_name_without_an_address_is_still_told():
    body = block("---------- Forwarded message ---------", "From", "Date", "Subject", "To")
    found = parse(make(body.replace(" <ann@example.com>", ""))).forwarded
    assert (found.address, found.name) == ("", "Ann Doe")


@pytest.mark.parametrize(
    ("subject", "lines", "is_forward"),
    [
        ("VS: Ovi", ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"), False),
        ("VL: Ovi", ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"), True),
        ("VS: Dør", ("Fra", "Sendt", "Til", "Emne"), True),
    ],
)
def test_a_prefix_of_two_languages_is_read_by_the_block(subject, lines, is_forward):
    sender, sent, to, about = lines
    body = (
        f"Hei\n\n{sender}: Ann Doe <ann@example.com>\n{sent}: 3.6.2024 10:00\n{to}: Bob\n"
        f"{about}: Broken door\n\nIt broke."
    )
    found = parse(make(body, subject=subject)).forwarded
    assert (found == ANN) is is_forward


def attach(subject):
    return (
        f"From: bob@example.com\nSubject: {subject}\nContent-Type: multipart/mixed; boundary=b\n\n"
        "--b\n\nSee below.\n--b\nContent-Type: message/rfc822\n\n"
        "From: Ann Doe <Ann@Example.com>\nDate: Mon, 3 Jun 2024 10:00:00 +0200\n"
        "Subject: =?utf-8?q?Broken_door?=\n\nIt broke.\n--b--\n"
    ).encode()


def test_an_attached_message_is_a_forward_when_the_subject_says_so():
    assert parse(attach("Fwd: Broken door")).forwarded == ANN
    assert parse(attach("Two things")).forwarded is None


@pytest.mark.parametrize(
    ("subject", "is_forward"),
    [
        ("Fwd: x", True),
        ("FW: RE: x", True),
        ("[list] Fwd: x", True),
        ("[Fwd: x]", True),
        ("Fwd[2]: x", True),
        ("WG: x", True),
        ("转发：x", True),
        ("İLT: x", True),
        ("Re: Fwd: x", False),
        ("AW: WG: x", False),
        ("Forward planning", False),
        ("I think: x", False),
        ("", False),
    ],
)
def test_the_first_prefix_of_the_subject_decides(subject, is_forward):
    assert is_forward_subject(subject) is is_forward


def test_a_bare_text_tells_a_marked_forward_too():
    body = block("---------- Forwarded message ---------", "From", "Date", "Subject", "To")
    assert parse_plain(body.encode()).forwarded == ANN


GROWING = {
    "markers": lambda size: "---- Forwarded message ----\n" * (size // 28),
    "blocks": lambda size: "From: a@example.com\nx\n" * (size // 22),
    "one line": lambda size: "From: a@example.com " * (size // 20),
    "dashes": lambda size: "-" * size,
}


@pytest.mark.growth
@pytest.mark.parametrize("make_text", GROWING.values(), ids=GROWING)
def test_the_time_grows_with_the_length(make_text):
    assert_linear(parse, lambda size: make(make_text(size)), 15_000, 60_000)
