"""Functions that make, move and multiply tensors against NumPy and SciPy: values, gradients, native code."""

import re

import numpy as np
import pytest
import scipy.spatial.distance

import subgrad as sg
from subgrad.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))
CUBE = RNG.normal(size=(2, 3, 4))
V, W = RNG.normal(size=3), RNG.normal(size=3)

CASES = [
    # the same call of both, and its arrays
    (lambda m, x: m.roll(x, 2), [X]),
    (lambda m, x: m.roll(x, (1, -1), (0, 1)), [X]),
    (lambda m, x: m.roll(x, 5, 1), [X]),
    (lambda m, x: m.roll(x, 1, 1), [np.zeros((2, 0))]),
    (lambda m, x: m.tile(x, 2), [X]),
    (lambda m, x: m.tile(x, (2, 1, 3)), [X]),
    (lambda m, x: m.tile(x, (2, 0)), [X]),
    (lambda m, x: m.repeat(x, 2), [X]),
    (lambda m, x: m.repeat(x, 3, 1), [X]),
    (lambda m, x: m.repeat(x, [0, 2, 1], 0), [X]),
    (lambda m, x: m.split(x, 2, 1)[1], [X]),
    (lambda m, x: m.split(x, [1, 3], -1)[1], [X]),
    (lambda m, x: m.moveaxis(x, 0, -1), [CUBE]),
    (lambda m, x: m.moveaxis(x, (0, 2), (1, 0)), [CUBE]),
    (lambda m, x: m.tril(x), [CUBE]),
    (lambda m, x: m.tril(x, -1), [X]),
    (lambda m, x: m.triu(x, 1), [X]),
    (lambda m, x: m.diag(x), [V]),
    (lambda m, x: m.diag(x, -2), [V]),
    (lambda m, x: m.diag(x, 1), [X]),
    (lambda m, x: m.diagonal(x), [CUBE]),
    (lambda m, x: m.diagonal(x, -1, 1, 2), [CUBE]),
    (lambda m, x: m.trace(x, 1), [X]),
    (lambda m, x: m.trace(x, axis1=1, axis2=2), [CUBE]),
    (lambda m, a, b: m.dot(a, b), [V, W]),
    (lambda m, a, b: m.dot(a, b), [X, CUBE[0].T]),
    (lambda m, a, b: m.dot(a, b), [CUBE, RNG.normal(size=(2, 4, 3))]),
    (lambda m, a, b: m.inner(a, b), [CUBE, X]),
    (lambda m, a, b: m.kron(a, b), [X, V]),
    (lambda m, a, b: m.kron(a, b), [X, CUBE[0]]),
    (lambda m, a: m.kron(a, 2.0) + m.inner(a, 3.0) + m.dot(a, 2.0), [X]),
    (lambda m, a, b: m.tensordot(a, b), [CUBE, X]),
    (lambda m, a, b: m.tensordot(a, b, ([0, 2], [1, 0])), [CUBE, RNG.normal(size=(4, 2))]),
    (lambda m, a, b: m.tensordot(a, b, 0), [V, W]),
    (lambda m, a, b: m.cross(a, b), [RNG.normal(size=(5, 3)), V]),
    (lambda m, a, b: m.cross(a, b, axis=0), [X, X[::-1].copy()]),
    (lambda m, x: m.full_like(x, 3.0) + x, [X]),
    (lambda m, x, y: m.meshgrid(x, y)[1], [V, RNG.normal(size=2)]),
    (lambda m, x, y: m.meshgrid(x, y, indexing="ij")[0], [V, RNG.normal(size=2)]),
]


@pytest.mark.parametrize(("f", "xs"), CASES)
def test_values_are_numpys(f, xs):
    with sg.using_dtype("float64"):
        np.testing.assert_allclose(f(sg, *[sg.tensor(x) for x in xs]).numpy(), f(np, *xs), rtol=1e-12, atol=1e-14)


def test_native_programs_agree():
    """All of them in one program."""
    with sg.using_dtype("float64"):
        found = sg.compile(lambda *xss: [f(sg, *xs) for (f, _), xs in zip(CASES, xss, strict=True)])(
            *[[sg.tensor(x) for x in xs] for _, xs in CASES]
        )
    for (f, xs), y in zip(CASES, found, strict=True):
        np.testing.assert_allclose(y, f(np, *xs), rtol=1e-12, atol=1e-14)


SOME = [(f, xs) for f, xs in CASES if all(x.size for x in xs)][::2]


@pytest.mark.parametrize(("f", "xs"), [*SOME, (lambda m, x: m.chunk(x, 2)[1], [X])])
def test_derivatives_are_right(f, xs):
    sg.check(lambda *ts: f(sg, *ts), *xs)


def test_numbers_in_a_row():
    for args in ((5,), (2, 8), (2, 9, 3), (5, 0, -2), (3, 3), (4, 1)):
        assert sg.arange(*args).tolist() == np.arange(*args).tolist()
        assert sg.arange(*args).dtype == sg.int64
    np.testing.assert_allclose(sg.arange(0, 1, 0.1).numpy(), np.arange(0, 1, 0.1, np.float32), rtol=1e-6)
    assert sg.arange(3, dtype="float64").dtype == sg.float64
    np.testing.assert_array_equal(sg.linspace(-1, 2, 7, dtype="float64").numpy(), np.linspace(-1, 2, 7))
    np.testing.assert_allclose(sg.linspace(0, 1, 4, endpoint=False).numpy(), [0, 0.25, 0.5, 0.75])
    assert sg.linspace(0, 1, 1).tolist() == [0.0]
    end = sg.tensor(2.0)
    assert float(sg.grad(sg.linspace(0.0, end, 3).sum(), end)) == 1.5
    np.testing.assert_array_equal(sg.eye(2, 4, 1).numpy(), np.eye(2, 4, 1))
    np.testing.assert_array_equal(sg.eye(3, dtype="int64").numpy(), np.eye(3))


def test_chunks_are_pytorchs():
    assert [c.tolist() for c in sg.chunk(sg.arange(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [c.tolist() for c in sg.chunk(sg.arange(5), 4)] == [[0, 1], [2, 3], [4]]
    assert [c.shape for c in sg.chunk(sg.zeros((2, 0)), 3, 1)] == [(2, 0)]


def test_distances_and_angles():
    a, b = RNG.normal(size=(4, 3)), RNG.normal(size=(5, 3))
    with sg.using_dtype("float64"):
        np.testing.assert_allclose(sg.cdist(a, b).numpy(), scipy.spatial.distance.cdist(a, b), rtol=1e-12)
        np.testing.assert_allclose(
            sg.cosine_similarity(a[:, None], b).numpy(), 1 - scipy.spatial.distance.cdist(a, b, "cosine"), rtol=1e-12
        )
        np.testing.assert_allclose(sg.norm(sg.normalize(a, 0), 0).numpy(), 1)
        assert sg.check(sg.cdist, a, b).kinks == 0
        assert sg.check(sg.cdist, a[:1], a[:1]).kinks == 1
    x = sg.tensor([0.0, 0.0])
    assert sg.normalize(x).tolist() == [0, 0]
    assert np.isfinite(sg.grad(sg.normalize(x).sum(), x).numpy()).all()


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: sg.arange(3, "int32"), ArgumentError, "takes finite numbers, and dtype= by its name, got 'int32'"),
        (lambda: sg.arange(0, 3, 0), ArgumentError, "arange needs a step that is not 0"),
        (lambda: sg.linspace([0.0], 1.0), ShapeError, "linspace takes scalars, got the shapes (1,) and ()"),
        (lambda: sg.meshgrid([[1.0]]), ShapeError, "meshgrid takes vectors, got shape (1, 1)"),
        (lambda: sg.meshgrid([1.0], indexing="yx"), ArgumentError, 'meshgrid takes indexing "xy" or "ij"'),
        (lambda: sg.roll(X, (1, 2), 0), ArgumentError, "roll needs a shift for each axis, got 2 shifts and 1 axes"),
        (lambda: sg.tile(X, -1), ArgumentError, "tile takes numbers of repetitions of 0 or more, got -1"),
        (lambda: sg.repeat(X, [1, 2], 0), ArgumentError, "repeat needs 3 numbers of 0 or more, or one, got [1, 2]"),
        (lambda: sg.split(X, 3, 1), ShapeError, "an axis of length 4 has no 3 equal parts: chunk makes parts"),
        (lambda: sg.chunk(X, 0), ArgumentError, "chunk needs a number of parts, got 0"),
        (lambda: sg.moveaxis(X, (0, 1), 0), ArgumentError, "moveaxis needs as many places as axes"),
        (lambda: sg.tril(V), ShapeError, "tril takes a matrix or a stack of them, got shape (3,)"),
        (lambda: sg.diagonal(X, 0, 1, 1), ArgumentError, "diagonal needs two axes that differ, got 1 and 1"),
        (lambda: sg.diag(CUBE), ShapeError, "diag takes a vector or a matrix, got shape (2, 3, 4)"),
        (lambda: sg.tensordot(X, X, ([0], [0, 1])), ArgumentError, "tensordot needs as many axes of one"),
        (lambda: sg.cross(X, X), ShapeError, "cross takes vectors of length 3, got shape (3, 4) and axis 1"),
        (lambda: sg.cdist(X, V), ShapeError, "cdist takes rows of one length, got the shapes (3, 4) and (3,)"),
    ],
)
def test_bad_arguments(wrong, error, message):
    with pytest.raises(error, match=re.escape(message)):
        wrong()
