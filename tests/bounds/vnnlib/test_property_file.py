"""VNN-LIB files as properties, and what is wrong with others."""

import gzip
import math
from fractions import Fraction

import numpy as np
import pytest

from subgrad import errors
from subgrad.bounds import Case, Unreachable, read_vnnlib
from subgrad.bounds.vnnlib.property_file import from_text

DECLARED = """; two inputs and two outputs
(declare-const X_0 Real)
(declare-const X_1 Real)
(declare-const Y_0 Real)
(declare-const Y_1 Real)
"""
BOX = "(assert (and (>= X_0 -1) (<= X_0 1.0) (>= X_1 0.0)))\n(assert (<= X_1 2e-1))\n"


def test_a_box_and_alternatives_of_outputs():
    found = from_text(DECLARED + BOX + "(assert (or (and (<= Y_0 Y_1) (>= Y_0 -2.5)) (>= Y_1 3)))")
    assert len(found.cases) == 2
    one, other = found.cases
    assert one.box[0].tolist() == [-1, 1]
    assert one.matrix.tolist() == [[1, -1], [-1, 0]]
    assert np.abs(one.limits).tolist() == [[0, 0], [2.5, 2.5]]
    assert other.matrix.tolist() == [[0, -1]]
    assert other.limits.tolist() == [[-3, -3]]


def test_decimal_fractions_lie_between_floats():
    case = from_text(DECLARED + BOX + "(assert (<= Y_0 0.1))").cases[0]
    fifth, tenth = Fraction(1, 5), Fraction(1, 10)
    assert Fraction(case.inside[1, 1]) < fifth < Fraction(case.box[1, 1])
    assert case.inside[1, 1] == math.nextafter(case.box[1, 1], 0)
    assert Fraction(case.limits[0, 0]) < tenth < Fraction(case.limits[0, 1])


def test_several_boxes_times_several_outputs():
    text = """(assert (<= X_1 1)) (assert (>= X_1 0))
        (assert (or (and (<= X_0 1) (>= X_0 0)) (and (<= X_0 3) (>= X_0 2)) (and (<= X_0 0) (>= X_0 1))))
        (assert (or (<= Y_0 0) (<= Y_1 0)))"""
    found = from_text(DECLARED + text)  # the third box is empty
    assert sorted(c.box[0, 0] for c in found.cases) == [0, 0, 2, 2]


def test_linear_terms():
    text = BOX + "(assert (<= (+ (* 2.0 Y_0) (- Y_1) 1) (- (* Y_1 0.5) 3)))"
    case = from_text(DECLARED + text).cases[0]
    assert case.matrix.tolist() == [[2, -1.5]]
    assert case.limits.tolist() == [[-4, -4]]
    case = from_text(DECLARED + BOX + "(assert (<= (* 0.1 Y_0) Y_1))").cases[0]
    assert (case.matrix / case.matrix[0, 0]).tolist() == [[1, -10]]


def test_packed_files(tmp_path):
    path = tmp_path / "prop.vnnlib.gz"
    path.write_bytes(gzip.compress((DECLARED + BOX + "(assert (<= Y_0 0))(check-sat)").encode()))
    assert repr(read_vnnlib(path)) == "Unreachable(1 case)"
    path.write_text(DECLARED + BOX + "(assert (<= Y_0 0))", encoding="utf-8-sig")  # with a byte order mark
    assert repr(read_vnnlib(path)) == "Unreachable(1 case)"
    path.write_bytes(gzip.compress(b"(assert")[:-9])
    with pytest.raises(errors.FileError, match="cannot read"):
        read_vnnlib(path)
    packed = bytearray(gzip.compress(DECLARED.encode()))
    packed[10:30] = b"\xff" * 20
    path.write_bytes(packed)
    with pytest.raises(errors.FileError, match="cannot read"):
        read_vnnlib(path)
    with pytest.raises(errors.FileError, match="cannot read"):
        read_vnnlib(tmp_path / "none.vnnlib")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(errors.FileError, match="it is not text"):
        read_vnnlib(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(assert (<= X_0 1)", r"line 6 .*: this '\(' is never closed"),
        (")", r"line 6 .*: '\)' closes nothing"),
        ("\n(assert (<= Y_2 1))", "line 7 .*: Y_2 is not declared"),
        ("(assert (not (<= Y_0 1)))", r"line 6 .*: a formula is made of and, or, and .*, got \(not"),
        ("(assert (<= Y_0 one))", "line 6 .*: this is no number and no variable: one"),
        ("(assert (<= Y_0 (* Y_0 Y_1)))", "line 6 .*: a term is linear"),
        ("(assert (<= Y_0 (* Y_0 X_0)))", "line 6 .*: a term is linear"),
        ("(assert (<= Y_0))", "line 6 .*: <= takes two terms, got 1"),
        ("(assert)", "line 6 .*: assert takes one formula"),
        ("(check-sat)\n(assert (<= Y_0 1))", "line 7 .*: an assertion after check-sat"),
        ("(declare-const X_0 Real)", "line 6 .*: X_0 is declared on line 2 already"),
        ("(declare-const Z Real)", "line 6 .*: declared are X_i and Y_j, as Real"),
        ("(minimize Y_0)", "line 6 .*: a command is declare-network, declare-const or assert"),
        ("(declare-const X_3 Real)", "does not declare X_2"),
        ("(assert (<= Y_0 1))", "line 6 .*: X_0 has no lower end"),
        (BOX, "line 7 .*: nothing is said of outputs"),
        ("(" * 101, "deep inside"),
        (BOX + f"(assert (<= Y_0 {'9' * 400}))", "larger than any float"),
        (BOX + "(assert (or (<= Y_0 1) (<= Y_1 1)))" * 15, "more than 20,000 cases"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, message, tmp_path):
    path = tmp_path / "prop.vnnlib"
    path.write_text(DECLARED + text)
    with pytest.raises(errors.FileError, match=message) as raised:
        read_vnnlib(path)
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Case([(0, 1)], [1, 2], [0]), "a matrix of a row for each inequality"),
        (lambda: Case([(0, 1)], [[1, 2]], [0, 1]), "a limit for each row"),
        (lambda: Case([(0, 1)], [[math.nan]], [0]), "are finite"),
        (lambda: Case([(1, 0)], [[1]], [0]), "the lower one first"),
        (lambda: Case([(0, 1)], "x", [0]), "of numbers"),
        (lambda: Unreachable(["x"]), "a sequence of Case"),
        (lambda: Unreachable([Case([(0, 1)], [row], [0]) for row in ([1], [1, 1])]), "as many inputs and outputs"),
    ],
)
def test_bad_cases(make, message):
    with pytest.raises(errors.ArgumentError, match=message):
        make()
