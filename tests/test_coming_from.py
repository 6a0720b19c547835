"""The page for those who come from other libraries has all names of the table of hints."""

from coming_from import LIBRARIES, PAGE, of, page
from subgrad.hints import NAMES


def test_the_page_is_of_today():
    """``python tests/coming_from.py`` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_name_belongs_to_one_library():
    shown = [name for starts in LIBRARIES.values() for names in of(starts).values() for name in names]
    assert sorted(shown) == sorted(name for names in NAMES.values() for name in names.split())
