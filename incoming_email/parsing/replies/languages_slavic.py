"""Slavic words around quoted mail."""

from incoming_email.parsing.replies.languages import Language, words

SLAVIC = (
    Language(
        code="pl",
        wrote=words("napisał|napisała|napisał(a)|pisze|napisali|napisano|użytkownik napisał"),
        leads=words("w dniu|dnia|w|użytkownik"),
        weekdays=words("pon|wt|śr|czw|pt|sob|niedz|nie"),
        sender=words("od|nadawca"),
        sent=words("wysłano|data|wysłane|wysłany"),
        to=words("do"),
        subject=words("temat"),
        copies=words("dw|udw|kopia"),
        original=words("oryginalna wiadomość|wiadomość oryginalna|treść oryginalnej wiadomości"),
        forwarded=words(
            "wiadomość przekazana dalej|przekazana wiadomość|wiadomość przesłana dalej|"
            "początek przekazywanej wiadomości"
        ),
        mobile=words(
            "wysłane z|wysłano z|wysłane za pomocą|pobierz outlook|uzyskaj outlook|"
            "pobierz aplikację outlook|uzyskaj aplikację outlook"
        ),
    ),
    Language(
        code="cs",
        wrote=words("napsal|napsala|napsal(a)|napsal/a"),
        leads=words("dne|v"),
        weekdays=words("po|út|st|čt|pá|so|ne"),
        sender=words("od|odesílatel"),
        sent=words("odesláno|datum|odesláno dne"),
        to=words("komu|pro|příjemce"),
        subject=words("předmět"),
        copies=words("kopie"),
        original=words("původní zpráva|původní e-mail"),
        forwarded=words("přeposlaná zpráva|přeposlána zpráva|začátek přeposlané zprávy"),
        mobile=words("odesláno z|odesláno ze|odesláno pomocí|získejte outlook|stáhnout outlook"),
    ),
    Language(
        code="sk",
        wrote=words("napísal|napísala|napísal(a)|napísal/a"),
        leads=words("dňa|dna"),
        weekdays=words("po|ut|st|št|pi|so|ne"),
        sender=words("od|odosielateľ"),
        sent=words("odoslané|dátum|odoslaná"),
        to=words("komu|pre"),
        subject=words("predmet"),
        original=words("pôvodná správa"),
        forwarded=words("preposlaná správa"),
        mobile=words("odoslané z|odoslané zo"),
    ),
    Language(
        code="ru",
        wrote=words("написал|написала|пишет|написал(а)|написал(-а)|написали|писал|писал(а)|писали"),
        leads=words("от|в"),
        weekdays=words("пн|вт|ср|чт|пт|сб|вс|понед|втор|сред|четв|пятн|субб|воскр"),
        sender=words("от|от кого|отправитель"),
        sent=words("отправлено|дата|отправлен|послано"),
        to=words("кому"),
        subject=words("тема"),
        copies=words("копия"),
        original=words("исходное сообщение|оригинальное сообщение|исходное письмо"),
        forwarded=words(
            "перенаправленное сообщение|пересылаемое сообщение|пересланное сообщение|"
            "конец пересылаемого сообщения|"
            "начало переадресованного сообщения|пересылаемое письмо|пересланное письмо"
        ),
        mobile=words(
            "отправлено с|отправлено из|отправлено через|с уважением, отправлено|скачать outlook|"
            "загрузить outlook"
        ),
    ),
    Language(
        code="uk",
        wrote=words("написав|написала|пише|написав(-ла)|написав(ла)|пишуть|писав"),
        leads=words("в|у|о"),
        weekdays=words("пн|вт|ср|чт|пт|сб|нд|понед|вівт|серед|четв|пʼятн|п'ятн|субот|неділ"),
        sender=words("від|від кого"),
        sent=words("надіслано|дата|відправлено"),
        to=words("кому"),
        subject=words("тема"),
        copies=words("копія"),
        original=words("початкове повідомлення|оригінальне повідомлення|вихідне повідомлення"),
        forwarded=words(
            "переслане повідомлення|пересилане повідомлення|перенаправлене повідомлення"
        ),
        mobile=words("надіслано з|відправлено з|надіслано через|завантажити outlook"),
    ),
    Language(
        code="bg",
        wrote=words("написа|пише"),
        leads=words("на"),
        weekdays=words("пн|вт|ср|чт|пт|сб|нд"),
        sender=words("от"),
        sent=words("изпратено|дата|изпратен"),
        to=words("до"),
        subject=words("относно|тема"),
        original=words("оригинално съобщение|оригинален текст|оригинално писмо"),
        forwarded=words("препратено съобщение|препратено писмо"),
        mobile=words("изпратено от"),
    ),
    Language(
        code="sr",
        wrote=words("написао је|написала је|је написао|је написао/ла|је написао(ла)|je napisao/la"),
        leads=words("дана"),
        sender=words("шаље|pošiljalac|posiljalac"),
        sent=words("послато|poslato|датум|datum"),
        to=words("за|prima|коме"),
        subject=words("наслов|naslov|tema"),
        original=words("оригинална порука|originalna poruka"),
        forwarded=words("прослеђена порука|prosleđena poruka"),
        mobile=words("послато са|poslato sa"),
    ),
    Language(
        code="hr",
        wrote=words("napisao je|napisala je|je napisao|je napisala|napisao/la je|je napisao/la"),
        leads=words("dana"),
        weekdays=words("pon|uto|sri|čet|pet|sub|ned"),
        sender=words("šalje|od|pošiljatelj"),
        sent=words("poslano|datum"),
        to=words("prima|za"),
        subject=words("predmet|naslov"),
        original=words("izvorna poruka|originalna poruka"),
        forwarded=words("proslijeđena poruka"),
        mobile=words("poslano s|poslano sa"),
    ),
    Language(
        code="sl",
        wrote=words(
            "je napisal|je napisala|je napisal/-a|je napisal(a)|je oseba|napisala|napisal|"
            "napisal(a)"
        ),
        leads=words("dne|v"),
        sender=words("od|pošiljatelj"),
        sent=words("poslano|datum"),
        to=words("za"),
        subject=words("zadeva"),
        original=words("izvirno sporočilo"),
        forwarded=words("posredovano sporočilo"),
        mobile=words("poslano iz"),
    ),
)
