"""Contractions against `numpy.einsum` and `numpy.matmul`, values and gradients."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subgrad as sg
from subgrad.errors import ArgumentError, ShapeError

steady = settings(deadline=None, derandomize=True, max_examples=150)
SIZES = {"a": 2, "b": 3, "c": 1, "d": 2, "e": 3}


def numbers(shape, seed):
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(float)


@st.composite
def specs(draw):
    """An einsum of one to four operands, with ellipses, repeated subscripts and left-out results, and the shapes."""
    terms = draw(st.lists(st.text("abcde", max_size=4), min_size=1, max_size=4))
    lead = draw(st.sampled_from([None, (), (2,), (3, 2)]))
    shapes = [tuple(SIZES[c] for c in t) for t in terms]
    if lead is not None:
        for k, t in enumerate(terms):
            own = lead[draw(st.integers(0, len(lead))) :]
            own = tuple(draw(st.sampled_from([n, n, 1])) for n in own)
            at = draw(st.integers(0, len(t)))
            terms[k] = f"{t[:at]}...{t[at:]}"
            shapes[k] = (*shapes[k][:at], *own, *shapes[k][at:])
    spec = ",".join(terms)
    if draw(st.booleans()):
        there = sorted({c for c in spec if c.isalpha()})
        kept = draw(st.permutations(there))[: draw(st.integers(0, len(there)))]
        at = draw(st.integers(0, len(kept)))
        spec += "->" + "".join(kept[:at]) + ("..." if lead is not None else "") + "".join(kept[at:])
    return spec, shapes


@steady
@given(specs())
def test_einsum_is_numpys(case):
    spec, shapes = case
    arrays = [numbers(s, i) for i, s in enumerate(shapes)]
    expected = np.einsum(spec, *arrays)
    tensors = [sg.tensor(a, "float64") for a in arrays]
    found = sg.einsum(spec, *tensors)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-9)

    # It is linear in each operand: along a direction d in the place of an operand it changes by einsum(..., d, ...).
    g = numbers(expected.shape, 9)
    for k, by_k in enumerate(sg.grad(found, tensors, cotangent=g)):
        d = numbers(shapes[k], 20 + k)
        moved = np.einsum(spec, *arrays[:k], d, *arrays[k + 1 :])
        np.testing.assert_allclose(np.sum(by_k.numpy() * d), np.sum(g * moved), atol=1e-8)


@pytest.mark.parametrize(
    ("spec", "shapes"),
    [
        ("ii", [(3, 3)]), ("iii->i", [(3, 3, 3)]), ("iji->j", [(3, 2, 3)]), ("ij->", [(2, 3)]), ("ij->ji", [(2, 3)]),
        ("i,j,k,l->lkji", [(2,), (3,), (2,), (4,)]), ("ij,jk,kl,li", [(2, 3), (3, 4), (4, 5), (5, 2)]),
        ("...ij,...jk", [(5, 1, 2, 3), (4, 3, 2)]), ("...,...->...", [(2, 3), (3,)]),
        ("bhqd,bhkd->bhqk", [(2, 3, 4, 5)] * 2),
        (",i", [(), (3,)]), (" i j , j k -> i k ", [(2, 3), (3, 4)]), ("Ab,bA", [(2, 3), (3, 2)]),
        ("i,i,i", [(3,)] * 3), ("ij,jk", [(2, 0), (0, 3)]), ("ij,ij->i", [(0, 3), (0, 3)]),
    ],
)  # fmt: skip
def test_einsum_of_every_kind(spec, shapes):
    arrays = [numbers(s, i) for i, s in enumerate(shapes)]
    np.testing.assert_allclose(sg.einsum(spec, *arrays).numpy(), np.einsum(spec, *arrays), atol=1e-5)


@pytest.mark.parametrize(
    ("spec", "shapes", "error", "message"),
    [
        ("ij,jk->ik", [(2, 3)], ArgumentError, "has 2 terms for 1 operands"),
        ("ij", [(2, 3), (2, 3)], ArgumentError, "has 1 terms for 2 operands"),
        ("", [], ArgumentError, "has 1 terms for 0 operands"),
        ("ij->ii", [(2, 3)], ArgumentError, "repeats a subscript in the result"),
        ("ij->k", [(2, 3)], ArgumentError, "subscripts are letters, and those of the result stand in a term"),
        ("i1->i", [(2, 3)], ArgumentError, "subscripts are letters"),
        ("i..->i", [(2, 3)], ArgumentError, "subscripts are letters"),
        ("ij->i->j", [(2, 3)], ArgumentError, "subscripts are letters"),
        ("ijk->i", [(2, 3)], ShapeError, "the term 'ijk' does not fit the shape (2, 3)"),
        ("...ijk->i", [(2, 3)], ShapeError, "does not fit the shape (2, 3)"),
        ("ij,jk", [(2, 3), (4, 5)], ShapeError, "the subscript 'j' has the lengths 3 and 4"),
        ("ij,jk", [(2, 3), (1, 5)], ShapeError, "the subscript 'j' has the lengths 3 and 1"),
        ("ii", [(2, 3)], ShapeError, "the subscript 'i' has the lengths 2 and 3"),
        ("...,...", [(2,), (3,)], ShapeError, "has the lengths 2 and 3"),
    ],
)
def test_bad_einsums(spec, shapes, error, message):
    with pytest.raises(error, match=re.escape(message)):
        sg.einsum(spec, *[sg.zeros(s) for s in shapes])


# Matrix products

SHAPES = [
    ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
    ((3,), (5, 3, 4)), ((5, 2, 3), (3,)), ((5, 2, 3), (5, 3, 4)), ((6, 1, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)),
    ((6, 5, 2, 3), (1, 3, 1)), ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((0, 2, 3), (3, 4)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_matmul_is_numpys(left, right):
    a, b = numbers(left, 0), numbers(right, 1)
    x, y = sg.tensor(a, "float64"), sg.tensor(b, "float64")
    found, expected = x @ y, a @ b
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected)
    g = numbers(expected.shape, 2)
    by_x, by_y = sg.grad(found, [x, y], cotangent=g)
    d, e = numbers(left, 3), numbers(right, 4)
    np.testing.assert_allclose(np.sum(by_x.numpy() * d), np.sum(g * (d @ b)))
    np.testing.assert_allclose(np.sum(by_y.numpy() * e), np.sum(g * (a @ e)))


def test_a_batch_axis_that_one_side_lacks_is_not_copied():
    product = sg.zeros((5, 2, 3)) @ sg.zeros((3, 4))
    assert [x.shape for x in product.inputs] == [(5, 2, 3), (3, 4)]


MISFITS = [((2, 3), (2, 3)), ((3,), (4,)), ((), (3,)), ((3,), ()), ((2, 3), (4,)), ((3,), (4, 3))]


@pytest.mark.parametrize(("a", "b"), MISFITS)
def test_shapes_that_do_not_multiply(a, b):
    with pytest.raises(ShapeError, match=re.escape(f"shapes {a} and {b} do not multiply as matrices")):
        sg.zeros(a) @ sg.zeros(b)


def test_leading_axes_that_do_not_broadcast():
    with pytest.raises(ShapeError, match=re.escape("(2, 3, 4) and (5, 4, 3) do not multiply: their leading axes")):
        sg.zeros((2, 3, 4)) @ sg.zeros((5, 4, 3))


def test_outer():
    np.testing.assert_array_equal(sg.outer([1.0, 2.0], [3.0, 4.0, 5.0]).numpy(), np.outer([1, 2], [3, 4, 5]))
