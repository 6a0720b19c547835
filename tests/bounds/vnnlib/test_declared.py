"""VNN-LIB 2.0: networks with tensors, all comparisons, and what is outside of the part that is known."""

import math
from fractions import Fraction

import numpy as np
import pytest

import subgrad as sg
from subgrad import errors
from subgrad.bounds.vnnlib.property_file import from_text

NETWORK = """(vnnlib-version <2.0>)
(declare-network acc
    (declare-input X float32 [1, 2])
    (declare-output Y float32 [3]))
"""
BOX = "(assert (and (>= X[0,0] -1.0) (<= X[0,0] 1.0)))\n(assert (and (>= X[0,1] 0.0) (<= X[0,1] 0.5)))\n"


def test_it_says_the_same_as_the_older_format():
    formulas = BOX + "(assert (or (and (<= Y[2] Y[0]) (>= (+ Y[1] (* 2.0 Y[2])) -2.5)) (>= 3.0 Y[1])))"
    older = "".join(f"(declare-const {name} Real)" for name in ("X_0", "X_1", "Y_0", "Y_1", "Y_2"))
    renamed = formulas
    for new, old in (("X[0,0]", "X_0"), ("X[0,1]", "X_1"), ("Y[0]", "Y_0"), ("Y[1]", "Y_1"), ("Y[2]", "Y_2")):
        renamed = renamed.replace(new, old)
    for found, wanted in zip(from_text(NETWORK + formulas).cases, from_text(older + renamed).cases, strict=True):
        for name in ("box", "matrix", "limits", "inside"):
            np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))


def test_elements_count_in_c_order_and_names_are_free():
    text = """(vnnlib-version <2.1>) ; a comment
        (declare-network N (declare-input image Real [2,3]) (declare-output score real []))
        (assert (and (>= image[0,0] 0.0) (>= image [0 , 1] 1.0) (>= image[0,2] 2.0)))
        (assert (and (>= image[1,0] 3.0) (>= image[1,1] 4.0) (>= image[1,2] 5.0)))
        (assert (and (<= image[0,0] 9.0) (<= image[0,1] 9.0) (<= image[0,2] 9.0)))
        (assert (and (<= image[1,0] 9.0) (<= image[1,1] 9.0) (<= image[1,2] 9.0)))
        (assert (<= score (* 2.0 3.0 -1.0)))"""
    (case,) = from_text(text).cases
    assert case.box[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert (case.matrix.tolist(), case.limits.tolist()) == ([[1]], [[-6, -6]])


def test_strict_comparisons_exclude_their_ends():
    """Proven is that nothing is beyond the limit; a counter-example is a float further."""
    text = NETWORK + "(assert (and (> X[0,0] 0.0) (< X[0,0] 1.0) (>= X[0,1] 0.0) (<= X[0,1] 0.5) (< Y[0] 2.0)))"
    (case,) = from_text(text).cases
    assert case.box[0].tolist() == [0, 1]
    assert case.inside[0].tolist() == [math.nextafter(0, 1), math.nextafter(1, 0)]
    assert case.limits[0].tolist() == [math.nextafter(2, 0), 2]
    assert from_text(text.replace("(> X[0,0] 0.0)", "(> X[0,0] 1.0)")).cases == ()
    tenth = from_text(text.replace("(< Y[0] 2.0)", "(< Y[0] 0.1)")).cases[0].limits[0]
    assert [Fraction(v) < Fraction(1, 10) for v in tenth] == [True, False]


def test_a_strict_limit_that_is_just_reached_is_not_refuted():
    line = "(vnnlib-version <2.0>)(declare-network N (declare-input X Real [1])(declare-output Y Real [1]))"
    box = "(assert (and (>= X[0] 1.0) (<= X[0] 2.0)))"
    double = lambda x: 2.0 * x  # noqa: E731
    assert sg.verify(double, from_text(f"{line}{box}(assert (< Y[0] 2.1))")).status == "refuted"
    assert sg.verify(double, from_text(f"{line}{box}(assert (< Y[0] 2.0))"), budget=50).status == "unknown"
    assert sg.verify(double, from_text(f"{line}{box}(assert (< Y[0] 1.9))")).status == "proven"


def test_equal_and_not_equal():
    (case,) = from_text(NETWORK + BOX + "(assert (== Y[0] 1.0))").cases
    assert case.matrix.tolist() == [[1, 0, 0], [-1, 0, 0]]
    below, above = from_text(NETWORK + BOX + "(assert (!= Y[0] 1.0))").cases
    assert (below.limits[0, 1], above.limits[0, 1]) == (1, -1)
    assert below.limits[0, 0] < 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(vnnlib-version <3.0>)", "line 1 .*: known are VNN-LIB 1.0, which says no version, and 2"),
        ("(vnnlib-version 2.0)", "line 1 .*: known are VNN-LIB 1.0"),
        (NETWORK + NETWORK.split("\n", 1)[1], "line 5 .*: a property is known of one network, this is one more"),
        (NETWORK.replace("acc", "acc (equal-to other)"), r"line 2 .*: a network has .*, got \(equal-to other\)"),
        (NETWORK.replace("[3])", '[3]) (declare-hidden Z float32 [2] "z")'), "got .declare-hidden Z float32"),
        (NETWORK.replace("[3])", "[3]) (declare-output Z float32 [2])"), "one input and one output, this is one more"),
        (NETWORK.replace("Y float32", "Y int8"), "line 4 .*: known are floats and real numbers, got the type int8"),
        (NETWORK.replace("[3]", ""), "takes a name, a type and a shape"),
        (NETWORK.replace("[1, 2]", "[1, 2] initialized"), "line 3 .*: declare-input takes a name, a type and a shape"),
        (NETWORK.replace("[3]", "[3 1]"), "takes a name, a type and a shape"),
        (NETWORK.replace("[3]", "[0]"), "a tensor has 1 to 10,000,000 elements"),
        (NETWORK.replace("[3]", "[3,]"), "integers with commas between them"),
        ("(declare-network N (declare-input X Real [1]))", "this network has no declare-output"),
        ("(declare-network)", "declare-network takes a name"),
        (NETWORK + "(declare-const X_0 Real)", "declared are the elements of a network"),
        (NETWORK + BOX + "(assert (<= Y[3] 1.0))", r"there is no Y\[3\] in a tensor of the shape \[3\]"),
        (NETWORK + BOX + "(assert (<= Y[0,0] 1.0))", r"there is no Y\[0,0\] in a tensor"),
        (NETWORK + BOX + "(assert (<= Y 1.0))", "there is no Y in a tensor"),
        (NETWORK + BOX + "(assert (<= Z[0] 1.0))", r"Z\[0\] is not declared"),
        (NETWORK + "(assert (<= Y[0] 1.0))", r"X\[0,0\] has no lower end"),
        (NETWORK + BOX + "(assert (<= (* Y[0] Y[1]) 1.0))", "a term is linear"),
        (NETWORK + BOX + "(assert (not (<= Y[0] 1.0)))", "a formula is made of and, or, and <= >= < > == = !="),
    ],
)
def test_what_is_outside_is_said_with_its_line(text, message):
    with pytest.raises(errors.FileError, match=message) as raised:
        from_text(text)
    assert len(str(raised.value)) < 250
