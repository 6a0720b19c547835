"""Names of columns: made unique where a file repeats or forgets them, and found although misspelt."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

MOST = 5  # names in a message
LONGEST = 80  # characters of one


def unique_names(given: Sequence[str], filled: Sequence[bool]) -> tuple[list[str], list[str]]:
    """Names to use, and a sentence for each kind of change; a column to be left out has an empty one.

    The first column without a name holds row labels. Others without a name are left out if they are not ``filled``,
    as after a delimiter at the end of each line.

    >>> unique_names(["", "a", "b", "a", "", ""], [True, True, True, True, True, False])[0]
    ['', 'a', 'b', 'a (2)', 'column 5', '']
    """
    names: list[str] = []
    changed = []
    taken, seen = set(given), set()
    for place, name in enumerate(given):
        own = name
        if not name and place and filled[place]:
            own = _free(f"column {place + 1}", taken)
        elif name and name in seen:
            own = _free(name, taken)
        if own != name:
            changed.append(own)
            taken.add(own)
        names.append(own)
        seen.add(own)
    notes = [f"Columns with a repeated name or none are called {listed(changed)}."] if changed else []
    if names and not names[0] and filled[0]:
        notes.append("The first column has no name: it holds row labels, and was left out.")
    return names, notes


def _free(name: str, taken: set[str]) -> str:
    candidates = (name if count == 1 else f"{name} ({count})" for count in range(1, len(taken) + 2))
    return next(candidate for candidate in candidates if candidate not in taken)


def listed(names: Iterable[str], most: int = MOST) -> str:
    """The first names in quotes, and how many more there are; long ones are cut.

    >>> listed(["a", "b"]), listed("abcdefgh")
    ("'a', 'b'", "'a', 'b', 'c', 'd', 'e' and 3 more")
    """
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(f"'{abridged(name)}'" for name in names[:most]) + more


def abridged(text: object) -> str:
    """A text for a sentence, cut in its middle if it is long.

    >>> len(abridged("x" * 1000)), abridged("short")
    (80, 'short')
    """
    text = str(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 25]} ... {text[-20:]}"


def suggestion(name: str, names: Iterable[str]) -> str:
    """The names nearest to one that is not there, for a message; if none is near, the first ones.

    >>> suggestion("Species", ["species", "x"]), suggestion("price", ["x", "y"])
    (" (did you mean 'species'?)", '')
    """
    by_lower = {own.lower(): own for own in names}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f" (did you mean '{by_lower[close[0]]}'?)" if close else ""
