"""Names of months and days of the week in the languages of many files, and short names of time zones."""

from __future__ import annotations

_ENGLISH = "january february march april may june july august september october november december"
_GERMAN = "januar februar märz april mai juni juli august september oktober november dezember"
_FRENCH = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
_SPANISH = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
_ITALIAN = "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
_PORTUGUESE = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"
_DUTCH = "januari februari maart april mei juni juli augustus september oktober november december"
_SWEDISH = "januari februari mars april maj juni juli augusti september oktober november december"
_DANISH = "januar februar marts april maj juni juli august september oktober november december"
_NORWEGIAN = "januar februar mars april mai juni juli august september oktober november desember"
_POLISH = "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia"
_SHORT = "jan feb mar apr may jun jul aug sep oct nov dec"
_OTHER_SHORT = {
    "mär": 3, "mrz": 3, "mai": 5, "mei": 5, "okt": 10, "dez": 12, "sept": 9, "fév": 2, "févr": 2, "janv": 1, "avr": 4,
    "juil": 7, "août": 8, "déc": 12, "ene": 1, "abr": 4, "ago": 8, "dic": 12, "gen": 1, "mag": 5, "giu": 6, "lug": 7,
    "maj": 5, "set": 9, "ott": 10, "fev": 2, "out": 10, "mrt": 3,
}  # fmt: skip

MONTHS = {
    name: number
    for names in (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN, _PORTUGUESE, _DUTCH, _SWEDISH,
                  _DANISH, _NORWEGIAN, _POLISH, _SHORT)
    for number, name in enumerate(names.split(), start=1)
} | _OTHER_SHORT
"""The number of each month by its name or a short form of it, in lower case."""

_ENGLISH_DAYS, _GERMAN_DAYS = "mon tue wed thu fri sat sun", "mo di mi do fr sa so"
_ROMANCE_DAYS = "lun mar mer jeu ven sam dim mié jue vie sáb dom"
WEEKDAYS = f"{_ENGLISH_DAYS} {_GERMAN_DAYS} {_ROMANCE_DAYS}".split()
"""What the names of days begin with."""

ZONES = {
    "utc": 0, "gmt": 0, "z": 0, "cet": 1, "cest": 2, "bst": 1, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7,
    "mdt": -6, "pst": -8, "pdt": -7, "jst": 9,
}  # fmt: skip
"""Hours that zones are ahead of UTC."""
