"""Attributions, header blocks, markers and phone footers in many languages."""

import pytest

from incoming_email.parsing.replies.splitting import Split, split_reply

ATTRIBUTIONS = [
    "On Mon, Nov 15, 2021 at 7:42 PM Ann Example <ann@example.com> wrote:",
    "On 15 Nov 2021, at 19:42, Ann Example <ann@example.com> wrote:",
    "On 15/11/2021 19:42, Ann Example wrote:",
    "On Mon, 15 Nov 2021 19:42:00 +0100, Ann Example wrote:",
    "On Monday, November 15th, 2021 at 7:42 PM, Ann <ann@example.com> wrote:",
    'On Nov 15, 2021 7:42 PM, "Ann Example" <ann@example.com> wrote:',
    "At 07:42 PM 11/15/2021, you wrote:",
    "In article <abc@example.com>, Ann Example <ann@example.com> wrote:",
    "Ann Example <ann@example.com> writes:",
    "---- On Mon, 15 Nov 2021 19:42:00 +0100 Ann <ann@example.com> wrote ----",
    "Am Mo., 15. Nov. 2021 um 19:42 Uhr schrieb Ann Example <ann@example.com>:",
    "Am 15.11.2021 um 19:42 schrieb Ann Example:",
    "Ann Example <ann@example.com> schrieb am Mo., 15. Nov. 2021, 19:42:",
    "Le lun. 15 nov. 2021 à 19:42, Ann Example <ann@example.com> a écrit :",
    "Le 15/11/2021 à 19:42, Ann Example a écrit :",
    "Le lundi 15 novembre 2021, Ann Example <ann@example.com> a écrit :",
    "El lun, 15 nov 2021 a las 19:42, Ann Example (<ann@example.com>) escribió:",
    "El 15/11/2021 a las 19:42, Ann Example escribió:",
    "Em seg., 15 de nov. de 2021 às 19:42, Ann Example <ann@example.com> escreveu:",
    "Em 15/11/2021 19:42, Ann Example escreveu:",
    "Il giorno lun 15 nov 2021 alle ore 19:42 Ann Example <ann@example.com> ha scritto:",
    "Il 15/11/2021 19:42, Ann Example ha scritto:",
    "Op ma 15 nov. 2021 om 19:42 schreef Ann Example <ann@example.com>:",
    "Op 15-11-2021 om 19:42 schreef Ann Example:",
    "Den mån 15 nov. 2021 kl 19:42 skrev Ann Example <ann@example.com>:",
    "Den 15.11.2021 19:42, skrev Ann Example:",
    "man. 15. nov. 2021 kl. 19:42 skrev Ann Example <ann@example.com>:",
    "Den man. 15. nov. 2021 kl. 19.42 skrev Ann Example <ann@example.com>:",
    "ma 15. marrask. 2021 klo 19.42 Ann Example (ann@example.com) kirjoitti:",
    "Ann Example kirjoitti 15.11.2021 klo 19.42:",
    "pon., 15 lis 2021 o 19:42 Ann Example <ann@example.com> napisał(a):",
    "W dniu 15.11.2021 o 19:42, Ann Example pisze:",
    "po 15. 11. 2021 v 19:42 odesílatel Ann Example <ann@example.com> napsal:",
    "Dne 15. 11. 2021 v 19:42 Ann Example napsal(a):",
    "po 15. 11. 2021 o 19:42 Ann Example <ann@example.com> napísal(a):",
    "Ann Example <ann@example.com> ezt írta (időpont: 2021. nov. 15., H, 19:42):",
    "În lun., 15 nov. 2021 la 19:42, Ann Example <ann@example.com> a scris:",
    "На пн, 15.11.2021 г. в 19:42 ч. Ann Example <ann@example.com> написа:",
    "пн, 15 нояб. 2021 г. в 19:42, Ann Example <ann@example.com>:",
    "15.11.2021 19:42, Ann Example пишет:",
    "Понедельник, 15 ноября 2021, 19:42 +03:00 от Ann Example <ann@example.com>:",
    "пн, 15 лист. 2021 р. о 19:42 Ann Example <ann@example.com> пише:",
    "пон, 15. нов 2021. у 19:42 Ann Example <ann@example.com> је написао/ла:",
    "pon, 15. stu 2021. u 19:42 Ann Example <ann@example.com> napisao je:",
    "V V pon., 15. nov. 2021 ob 19:42 je oseba Ann Example <ann@example.com> napisala:",
    "Στις Δευ 15 Νοε 2021 στις 7:42 μ.μ., ο χρήστης Ann Example <ann@example.com> έγραψε:",
    "Ann Example <ann@example.com>, 15 Kas 2021 Pzt, 19:42 tarihinde şunu yazdı:",
    "في الاثنين، 15 نوفمبر 2021 في 7:42 م تمت كتابة ما يلي بواسطة Ann Example <ann@example.com>:",
    "\u202bבתאריך ב׳, 15 בנוב׳ 2021 ב-19:42 מאת \u202aAnn\u202c\u200f <\u202aann@example.com>:",
    "در تاریخ دوشنبه ۱۵ نوامبر ۲۰۲۱،\u200f ۱۹:۴۲ Ann Example <ann@example.com> نوشت:",
    "सोम, 15 नव॰ 2021 को 7:42 pm बजे को Ann Example <ann@example.com> ने लिखा:",
    "সোম, ১৫ নভেম্বর, ২০২১ তারিখে ৭:৪২ PM টায় তারিখে Ann Example <ann@example.com> লিখেছেন:",
    "ในวันที่ จ. 15 พ.ย. 2021 เวลา 19:42 Ann Example <ann@example.com> เขียนว่า:",
    "Vào Th 2, 15 thg 11, 2021 vào lúc 19:42 Ann Example <ann@example.com> đã viết:",
    "Pada tanggal Sen, 15 Nov 2021 pukul 19.42 Ann Example <ann@example.com> menulis:",
    "Pada Isn, 15 Nov 2021 pada 7:42 PTG Ann Example <ann@example.com> menulis:",
    "2021年11月15日(月) 19:42 Ann Example <ann@example.com>:",
    "2021/11/15 19:42、Ann Example <ann@example.com>のメール:",
    "2021년 11월 15일 (월) 오후 7:42, Ann Example <ann@example.com>님이 작성:",
    "2021. 11. 15. 오후 7:42, Ann Example <ann@example.com> 작성:",
    "Ann Example <ann@example.com> 于2021年11月15日周一 19:42写道：",
    "Ann Example <ann@example.com> 於 2021年11月15日 週一 下午7:42寫道：",
    "在 2021年11月15日，下午7:42，Ann Example <ann@example.com> 写道：",
    '在 2021-11-15 19:42:00，"Ann Example" <ann@example.com> 写道：',
    "Missatge de Ann Example <ann@example.com> del dia dl., 15 de nov. 2021 a les 19:42:",
    "Kuupäev E, 15. november 2021 kell 19:42 kirjutas Ann Example <ann@example.com>:",
    "2021-11-15, pr, 19:42 Ann Example <ann@example.com> rašė:",
    "pirmd., 2021. g. 15. nov., plkst. 19:42 — lietotājs Ann Example (<ann@example.com>) rakstīja:",
    "Noong Lun, Nob 15, 2021 nang 7:42 PM, sinulat ni Ann Example <ann@example.com> ang sumusunod:",
    "On Nov 15, 2021, at 19:42, Ann Example via Shop <notes@example.com> wrote:",
    '15.11.2021, 19:42, "Ann Example" <ann@example.com>:',
    "2021-11-15 19:42 GMT+01:00 Ann Example <ann@example.com>:",
    "Op 15 nov. 2021 om 19:42 heeft Ann Example <ann@example.com> het volgende geschreven:",
    "Am Montag, 15. November 2021, 19:42:00 CET schrieb Ann Example:",
    "Quoting Ann Example <ann@example.com>:",
    "Zitat von Ann Example <ann@example.com>:",
    "[2021-11-15] Ann Example <ann@example.com> wrote:",
    "Ann Example <ann@example.com> hat am 15.11.2021 19:42 geschrieben:",
    "* Ann Example <ann@example.com> [2021-11-15 19:42]:",
    "El dilluns, 15 de novembre de 2021, Ann Example va escriure:",
    "Ann Example wrote on 15.11.2021 19:42:",
]

PROSE = [
    "Hier le client a écrit : merci.",
    "On Friday, the team sent a draft to everyone: please read it.",
    "I met Bob at 10:30 and he wrote:",
    "On Monday the server wrote to disk:",
    "Please write to bob@example.com the following:",
    "Am 5.5.2024 schrieb ich dir folgendes:",
    "2024-01-15 14:30:25 ERROR user bob@example.com wrote 3 files",
    "The docs say:",
    "Here is what bob@example.com wrote:",
    "On 3 May 2024 I wrote:",
    "In 2023 we wrote a report. See http://example.com/a@b:",
    "Meeting on 5/3/2024 at 10:00 with bob@example.com:",
    "At 10:30 we start.",
    "Le 3 mai 2024, nous avons écrit au client.",
    "12:30 lunch with Bob",
    "1. First call Ann at 10:30 on 3 May 2024:",
    "See the log of 2024-05-03 10:00:",
    "Date: tomorrow at nine",
]

HEADER_BLOCKS = [
    "From: Bob <bob@example.com>\nSent: Monday, November 15, 2021 7:42 PM\nTo: Ann\nSubject: x",
    "Von: Bob\nGesendet: Montag, 15. November 2021 19:42\nAn: Ann\nBetreff: x",
    "De : Bob\nEnvoyé : lundi 15 novembre 2021 19:42\nÀ : Ann\nObjet : x",
    "De: Bob\nEnviado el: lunes, 15 de noviembre de 2021 19:42\nPara: Ann\nAsunto: x",
    "De: Bob\nEnviada em: segunda-feira, 15 de novembro de 2021\nPara: Ann\nAssunto: x",
    "Da: Bob\nInviato: lunedì 15 novembre 2021\nA: Ann\nOggetto: x",
    "Van: Bob\nVerzonden: maandag 15 november 2021\nAan: Ann\nOnderwerp: x",
    "Från: Bob\nSkickat: den 15 november 2021\nTill: Ann\nÄmne: x",
    "Fra: Bob\nSendt: 15. november 2021\nTil: Ann\nEmne: x",
    "Lähettäjä: Bob\nLähetetty: 15. marraskuuta 2021\nVastaanottaja: Ann\nAihe: x",
    "Od: Bob\nWysłano: 15 listopada 2021\nDo: Ann\nTemat: x",
    "Od: Bob\nOdesláno: pondělí 15. listopadu 2021\nKomu: Ann\nPředmět: x",
    "Feladó: Bob\nElküldve: 2021. november 15.\nCímzett: Ann\nTárgy: x",
    "De la: Bob\nTrimis: luni, 15 noiembrie 2021\nCătre: Ann\nSubiect: x",
    "От: Bob\nОтправлено: 15 ноября 2021 г.\nКому: Ann\nТема: x",
    "Від: Bob\nНадіслано: 15 листопада 2021\nКому: Ann\nТема: x",
    "Kimden: Bob\nGönderildi: 15 Kasım 2021\nKime: Ann\nKonu: x",
    "Από: Bob\nΣτάλθηκε: Δευτέρα, 15 Νοεμβρίου 2021\nΠρος: Ann\nΘέμα: x",
    "差出人: Bob\n送信日時: 2021年11月15日 19:42\n宛先: Ann\n件名: x",
    "보낸 사람: Bob\n보낸 날짜: 2021년 11월 15일\n받는 사람: Ann\n제목: x",
    "发件人: Bob\n发送时间: 2021年11月15日\n收件人: Ann\n主题: x",
    "寄件者： Bob\n寄件日期： 2021年11月15日\n收件者： Ann\n主旨： x",
    "من: Bob\nتم الإرسال: 15 نوفمبر 2021\nإلى: Ann\nالموضوع: x",
    "מאת: Bob\nנשלח: 15 נובמבר 2021\nאל: Ann\nנושא: x",
    "Từ: Bob\nĐã gửi: 15 tháng 11\nTới: Ann\nChủ đề: x",
    "Dari: Bob\nDikirim: 15 November 2021\nKepada: Ann\nSubjek: x",
    "จาก: Bob\nส่ง: 15 พ.ย. 2021\nถึง: Ann\nเรื่อง: x",
]

ORIGINALS = [
    "Original Message",
    "Ursprüngliche Nachricht",
    "Message d'origine",
    "Mensaje original",
    "Mensagem original",
    "Messaggio originale",
    "Oorspronkelijk bericht",
    "Ursprungligt meddelande",
    "Opprinnelig melding",
    "Oprindelig meddelelse",
    "Alkuperäinen viesti",
    "Oryginalna wiadomość",
    "Původní zpráva",
    "Eredeti üzenet",
    "Mesaj original",
    "Исходное сообщение",
    "Orijinal Mesaj",
    "元のメッセージ",
    "원본 메시지",
    "原始邮件",
    "原始郵件",
    "Thư gốc",
    "Pesan Asli",
    "الرسالة الأصلية",
    "הודעה מקורית",
]

FORWARDS = [
    "Forwarded message",
    "Weitergeleitete Nachricht",
    "Message transféré",
    "Mensaje reenviado",
    "Mensagem encaminhada",
    "Messaggio inoltrato",
    "Doorgestuurd bericht",
    "Vidarebefordrat meddelande",
    "Videresendt melding",
    "Videresendt meddelelse",
    "Edelleenlähetetty viesti",
    "Przekazana wiadomość",
    "Přeposlaná zpráva",
    "Továbbított üzenet",
    "Пересылаемое сообщение",
    "İletilen mesaj",
    "転送メッセージ",
    "전달된 메시지",
    "转发邮件",
    "Thư được chuyển tiếp",
]

FOOTERS = [
    "Sent from my iPhone",
    "Sent from my Galaxy",
    "Sent from Outlook for iOS",
    "Sent from Mail for Windows",
    "Get Outlook for Android<https://aka.ms/x>",
    "Sent via BlackBerry",
    "Sent from Proton Mail mobile",
    "Sent from Yahoo Mail on Android",
    "Von meinem iPhone gesendet",
    "Gesendet von Mail für Windows",
    "Gesendet mit der GMX Mail App",
    "Envoyé de mon iPhone",
    "Envoyé depuis mon smartphone Samsung Galaxy.",
    "Enviado desde mi iPhone",
    "Enviado do meu iPhone",
    "Inviato da iPhone",
    "Verstuurd vanaf mijn iPhone",
    "Skickat från min iPhone",
    "Sendt fra min iPhone",
    "Lähetetty iPhonesta",
    "Wysłane z iPhone'a",
    "Odesláno z iPhonu",
    "Отправлено с iPhone",
    "Отправлено из мобильной Почты Mail.ru",
    "Надіслано з iPhone",
    "iPhone'umdan gönderildi",
    "iPhoneから送信",
    "나의 iPhone에서 보냄",
    "내 Galaxy에서 보냄",
    "发自我的iPhone",
    "從我的 iPhone 傳送",
    "Đã gửi từ iPhone của tôi",
    "Dikirim dari iPhone saya",
    "أرسلت من الـ iPhone",
    "נשלח מה-iPhone שלי",
    "ส่งจาก iPhone ของฉัน",
    "Στάλθηκε από το iPhone μου",
    "Sent from my desk phone",
]

NO_FOOTERS = [
    "Sent from the warehouse this morning, two boxes are missing.",
    "Sent by courier yesterday.",
    "Get Outlook for the new people as well, and order licences.",
    "From my point of view it is fine.",
    "The file was sent from my iPhone app",
    "Sent with love to everybody in the office who helped us",
    "Outlook for next year is good.",
    "From my side all is done.",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_attribution_above_a_quote(attribution):
    assert split_reply(f"Hello\n\n{attribution}\n> old") == Split("Hello", f"{attribution}\n> old")


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_attribution_above_unmarked_text(attribution):
    old = f"{attribution}\n\nold text"

    assert split_reply(f"Hello\n\n{old}") == Split("Hello", old)


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_attribution_above_a_bottom_reply(attribution):
    assert split_reply(f"{attribution}\n> old\n\nHello") == Split("Hello", f"{attribution}\n> old")


@pytest.mark.parametrize("sentence", PROSE)
def test_prose_is_no_attribution(sentence):
    text = f"Hello\n{sentence}\nmore text of mine"

    assert split_reply(text) == Split(text, "")


@pytest.mark.parametrize("name", ["Ann Example schrieb:", "Ann wrote:", "Ольга Петрова пишет:"])
def test_name_alone_introduces_a_quote_only(name):
    assert split_reply(f"Hello\n\n{name}\n> old") == Split("Hello", f"{name}\n> old")
    assert split_reply(f"Hello\n\n{name}\n\nmine") == Split(f"Hello\n\n{name}\n\nmine", "")


@pytest.mark.parametrize("block", HEADER_BLOCKS)
@pytest.mark.parametrize("rule", ["", "________________________________\n"])
def test_header_block(block, rule):
    old = f"{rule}{block}\n\nold text"

    assert split_reply(f"Hello\n\n{old}") == Split("Hello", old)


@pytest.mark.parametrize("words", ORIGINALS)
def test_original_message_marker(words):
    old = f"-----{words}-----\nold text"

    assert split_reply(f"Hello\n\n{old}") == Split("Hello", old)


@pytest.mark.parametrize("words", FORWARDS)
def test_forward_marker(words):
    text = f"Hello\n\n---------- {words} ---------\nFrom: a@example.com\nSubject: x\n\ncontent"

    assert split_reply(text) == Split(text, "")


@pytest.mark.parametrize("footer", FOOTERS)
def test_phone_footer(footer):
    assert split_reply(f"Hello\n\n{footer}") == Split("Hello", footer)


@pytest.mark.parametrize("sentence", NO_FOOTERS)
def test_sentence_that_begins_like_a_footer(sentence):
    text = f"Hello\n\n{sentence}\n\nMore text"

    assert split_reply(text) == Split(text, "")
