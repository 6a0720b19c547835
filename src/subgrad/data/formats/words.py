"""Words that stand for no value, and for true and false."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


MISSING = frozenset(["", "?", "NA", "N/A", "n/a", "<NA>", "#N/A", "NaN", "nan", "NULL", "null", "None", "NaT", r"\N"])
"""Missing in any column."""

_SIGNS = _words("- -- --- – — . .. ... * **")
_SHORT = _words("n.a. n.a n/a na #na nd n.d. n.d k.a. s/d nc unk nil null nan void tbd")
_LONG = _words("unknown missing none empty inconnu unbekannt fehlt error err (null) (blank) (missing) [null] <null>")
_SPREADSHEET = _words("#value! #div/0! #ref! #name? #num! #null! #error! #wert! #bezug! #zahl!")
_PHRASES = ["not available", "not applicable", "no data", "not recorded", "keine angabe"]
PLACEHOLDERS = frozenset([*_SIGNS, *_SHORT, *_LONG, *_SPREADSHEET, *_PHRASES])
"""Missing in a column of numbers or dates, in lower case, however many of them there are."""


def stands_for_none(text: str) -> bool:
    """Whether a word means that there is no value.

    >>> [stands_for_none(word) for word in ("NA", "N.D.", "kg")]
    [True, True, False]
    """
    return text in MISSING or text.lower() in PLACEHOLDERS


_PAIRS = _words(
    "true/false t/f yes/no y/n ja/nein j/n oui/non o/n vrai/faux wahr/falsch si/no sí/no s/n sim/não verdadero/falso "
    "tak/nie on/off 1/0 1.0/0.0"
)
TRUTH = {word: place == 0 for pair in _PAIRS for place, word in enumerate(pair.split("/"))}
"""Words for true and false, in lower case."""

ALONE = frozenset(_words("1 0 1.0 0.0"))
"""Those that are numbers where no other word for truth is beside them."""
