"""Dates of forwards, in the forms and languages of mail programs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.parsing.replies.shown_dates import parse_shown_date
from incoming_email.parsing.text.months import find_month

BERLIN = timezone(timedelta(hours=2))
MOMENT = datetime(2024, 6, 3, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "shown",
    [
        "Mon, Jun 3, 2024 at 10:00 AM",
        "Monday, June 3, 2024 10:00 AM",
        "Mon, 3 Jun 2024 at 10:00",
        "03 June 2024 10:00",
        "June 3, 2024 at 10:00:00 AM GMT+2",
        "June 3, 2024 at 10:00:00\u202fAM CEST",
        "Mon, 3 Jun 2024 10:00:00 +0200",
        "Mon, 3 Jun 2024 08:00:00 GMT",
        "2024-06-03 10:00",
        "2024-06-03T08:00:00Z",
        "6/3/2024 10:00 AM",
        "03.06.2024 10:00",
        "03/06/2024 10:00",
        "Mo., 3. Juni 2024 um 10:00 Uhr",
        "Montag, 3. Juni 2024 10:00",
        "lun. 3 juin 2024 à 10:00",
        "lundi 3 juin 2024 10:00",
        "El lun, 3 jun 2024 a las 10:00",
        "lunes, 3 de junio de 2024 10:00",
        "segunda-feira, 3 de junho de 2024 10:00",
        "lunedì 3 giugno 2024 10:00",
        "maandag 3 juni 2024 10:00",
        "pon., 3 cze 2024 o 10:00",
        "pondělí 3. června 2024 10:00",
        "понедельник, 3 июня 2024 г. 10:00",
        "понеділок, 3 червня 2024 р. 10:00",
        "3 Haziran 2024 Pazartesi 10:00",
        "maanantai 3. kesäkuuta 2024 klo 10.00",
        "2024. június 3., hétfő 10:00",
        "luni, 3 iunie 2024 10:00",
        "Δευτέρα, 3 Ιουνίου 2024 10:00",
        "2024年6月3日(月) 10:00",
        "2024年6月3日 10:00",
        "2024년 6월 3일 (월) 오전 10:00",
        "Vào Th 2, 3 thg 6, 2024 lúc 10:00",
        "الاثنين، 3 يونيو 2024 10:00",
        "יום ב׳, 3 ביוני 2024 10:00".replace("ביוני", "יוני"),
    ],
)
def test_one_moment_in_many_forms(shown):
    assert parse_shown_date(shown, BERLIN) == MOMENT


@pytest.mark.parametrize(
    ("shown", "hour", "minute"),
    [
        ("Jun 3, 2024 at 12:05 AM", 0, 5),
        ("Jun 3, 2024 at 12:05 PM", 12, 5),
        ("2024년 6월 3일 오후 2:30", 14, 30),
        ("2024年6月3日 下午2:30", 14, 30),
        ("3 June 2024 5pm", 17, 0),
        ("3 June 2024", 0, 0),
    ],
)
def test_halves_of_the_day(shown, hour, minute):
    assert parse_shown_date(shown, UTC) == datetime(2024, 6, 3, hour, minute, tzinfo=UTC)


def test_a_weekday_is_no_month():
    assert parse_shown_date("mar. 5 mars 2024 10:00", UTC) == datetime(2024, 3, 5, 10, tzinfo=UTC)
    assert parse_shown_date("mar. 4 juin 2024 10:00", UTC) == datetime(2024, 6, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "shown", ["", "soon", "yesterday 10:00", "2024", "99.99.2024", "June 2024", "3 Foo 2024"]
)
def test_what_is_no_date(shown):
    assert parse_shown_date(shown, UTC) is None


def test_without_any_zone_it_is_no_moment():
    assert parse_shown_date("3 June 2024 10:00", None) is None


@pytest.mark.parametrize(
    ("word", "month"),
    [("july", 7), ("junio", 6), ("červenec", 7), ("červen", 6), ("marraskuuta", 11), ("xyz", 0)],
)
def test_months_by_their_longest_beginning(word, month):
    assert find_month(word) == month


@given(st.text(alphabet="0123456789 .:/-+年月日apmgtjun,", max_size=60))
def test_no_text_raises(text):
    parse_shown_date(text, UTC)
