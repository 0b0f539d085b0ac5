"""Names of months in the languages of mail programs, by their beginnings."""

_BEGINNINGS = (
    "jan janv ene gen ian oca sty led tammi янв січ ян ιαν ينا ינו जन",
    "feb fév fev févr şub lut úno helmi фев лют φεβ فبر פבר फ़र फर",
    "mar mär mars márc már mrt bře maalis мар бер μαρ μάρ مارس מרץ मार्च",
    "apr avr abr ápr nis kwi dub huhti апр кві απρ أبر ابر אפר अप्रैल",
    "may mai maj máj mei mag kvě touko мая май трав μαϊ μαΐ μάι ماي מאי मई",
    "jun juin jún giu iun haz cze čer červen kesä июн черв юни ιουν ιούν يوني יוני जून",
    "jul juil júl lug iul tem lip července červenec heinä июл лип юли ιουλ ιούλ يولي יולי जुल",
    "aug aoû aou ago août agu ağu sie srp elo авг серп αυγ αύγ أغس اغس אוג अग",
    "sep set szep eyl wrz zář syys сен вер σεπ سبت ספט सित",
    "oct okt out ott eki paź říj loka окт жов οκτ أكت اكت אוק अक्तू",
    "nov noi kas lis marras ноя лис ное νοε νοέ نوف נוב नव",
    "dec dez dic déc des ara gru pro joulu дек груд δεκ ديس דצמ दिस",
)
_MONTHS = {
    beginning: month
    for month, beginnings in enumerate(_BEGINNINGS, start=1)
    for beginning in beginnings.split()
}
_LONGEST = max(map(len, _MONTHS))
_SHORTEST = min(map(len, _MONTHS))


def find_month(word: str) -> int:
    """1 to 12 by the longest beginning of `word`, in lower case; 0 for other words."""
    for length in range(min(_LONGEST, len(word)), _SHORTEST - 1, -1):
        month = _MONTHS.get(word[:length])
        if month:
            return month
    return 0
