"""Which line an error names: one of the user's, and never one of a library that calls."""

import functools
import threading

import pytest

import subgrad as sg
from subgrad import errors
from subgrad.graph.source_location import NOWHERE, user_site

LIBRARY = "/opt/lib/python3/site-packages/framework/main.py"
FAILS = """
try:
    fail()
except Exception as error:
    found = str(error)
"""


def in_a_thread(text, file=LIBRARY, **names):
    """What a module of a library calls ``found``, where none of our lines is above it."""
    thread = threading.Thread(target=functools.partial(exec, compile(text, file, "exec"), names))
    thread.start()
    thread.join()
    return names["found"]


def test_libraries_in_between_are_left_out():
    names = {}
    exec(compile("def call(f): return f()", LIBRARY, "exec"), names)
    assert names["call"](user_site).file == __file__
    with pytest.raises(errors.ShapeError, match=r"\(at test_source_location.py:\d+\)"):
        names["call"](lambda: sg.zeros(2) + sg.zeros(3))


def test_an_installed_program_that_uses_us_is_the_users():
    text = "import subgrad as sg\ndef fail(): sg.zeros(2) + sg.zeros(3)" + FAILS
    assert in_a_thread(text, LIBRARY.replace("main", "program")).endswith(" (at program.py:2)")


def test_where_nobodys_code_runs_no_line_is_named():
    assert in_a_thread("found = site()", site=functools.partial(user_site)) == NOWHERE
    found = in_a_thread(FAILS, fail=functools.partial(sg.zeros, -1))
    assert found
    assert "(at " not in found
    assert errors.message_of(errors.ShapeError("one (two)")) == "one (two)"
