"""What a contraction is, and what it cannot be."""

import pytest

from subgrad.compile.codegen.gemm.spec import Contraction, Loop
from subgrad.errors import ArgumentError, DTypeError


def test_a_batch_that_shares_b_becomes_rows():
    batch = (Loop(4, a=60, c=90),)
    loops = {"m": (Loop(6, a=10, c=15),), "n": (Loop(15, b=1, c=1),), "k": (Loop(10, a=1, b=15),)}
    merged = Contraction("float32", **loops, batch=batch).merged()
    assert merged.m == (Loop(24, a=10, c=15),)
    assert merged.batch == ()


def test_errors_name_what_was_given():
    loop = (Loop(3, a=1, c=1),)
    with pytest.raises(DTypeError, match="float16"):
        Contraction("float16", loop, (Loop(1),), (Loop(1),))
    with pytest.raises(ArgumentError, match="0 steps"):
        Contraction("float32", (Loop(0),), (Loop(1),), (Loop(1),))
    with pytest.raises(ArgumentError, match="moves operand b"):
        Contraction("float32", (Loop(3, b=1),), (Loop(1),), (Loop(1),))
    with pytest.raises(ArgumentError, match="at least one k loop"):
        Contraction("float32", loop, (Loop(1),), ())
