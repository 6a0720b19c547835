"""Native sums of many terms against exact ones: their errors do not grow with the number of terms."""

import numpy as np
import pytest

import subgrad as sg
from subgrad.compile.codegen.sums import BLOCK
from subgrad.compile.runtime.cpu import host
from subgrad.compile.runtime.program import Program
from subgrad.graph.tensor import placeholder

pytest.importorskip("llvmlite")

ROUNDING = {"float32": 2.0**-24, "float64": 2.0**-53}


def native(f, *arrays, threads=1, cpu=None):
    inputs = [placeholder(a.shape, a.dtype) for a in arrays]
    return Program(inputs, [f(*inputs).node], n_threads=threads, cpu=cpu)(arrays)[0]


def bound(n):
    """The roundings on the longest way from a term to its sum."""
    levels = int(np.ceil(np.log(max(2, n)) / np.log(BLOCK)))
    return BLOCK * levels + 8


@pytest.fixture(params=["sse2", "host"])
def cpu(request, monkeypatch):
    if request.param != "host":
        if "x86" not in host().triple:
            pytest.skip("another processor")
        monkeypatch.setenv("SUBGRAD_CPU", request.param)
    return host()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((300_001,), (0,)), ((3, 100_003), (1,)), ((100_003, 3), (0,)), ((100_003, 17), (0,)),
        ((70, 31, 67), (0, 1, 2)),
        ((500, 3, 201), (0, 2)), ((20, 2000, 9), (0, 1)), ((BLOCK + 1, 2), (0,)), ((1, 5), (0,)),
        ((8 * BLOCK, 1), (0, 1)),
    ],
)  # fmt: skip
def test_equal_terms(shape, axes, dtype, cpu):
    x = placeholder(shape, dtype)
    total = sg.sum(x, axes)
    program, n = Program([x], [total.node], n_threads=1, cpu=cpu), x.size // total.size
    for term in np.array([0.1, 0.7], dtype):
        (got,) = program([np.full(shape, term)])
        np.testing.assert_allclose(got, n * float(term), rtol=bound(n) * ROUNDING[dtype])


def test_terms_of_a_view_a_mask_and_a_product(cpu):
    rng = np.random.default_rng(0)
    a = rng.random((2001, 90), np.float32)
    exact = a.astype(np.float64)
    for f, wanted in [
        (lambda a: a[::-2, 3:80].sum(), exact[::-2, 3:80].sum()),
        (lambda a: a.transpose()[1:].sum(1), exact.T[1:].sum(1)),
        (lambda a: sg.where(a > 0.5, a, 0).sum(), np.where(exact > 0.5, exact, 0).sum()),
        (lambda a: (a > 0.5).astype("float32").mean(), (exact > 0.5).mean()),
        (lambda a: (a * a).mean(0), (exact**2).mean(0)),
        (lambda a: a.var(0), exact.var(0)),
    ]:
        np.testing.assert_allclose(native(f, a, cpu=cpu), wanted, rtol=3e-6)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_sums_of_integers_are_exact(dtype, cpu):
    a = np.random.default_rng(0).integers(-9, 9, (300, 701)).astype(dtype)
    np.testing.assert_array_equal(native(lambda a: a.sum(), a, cpu=cpu), a.sum())
    np.testing.assert_array_equal(native(lambda a: a.max(1), a, cpu=cpu), a.max(1))


PRODUCTS = {
    "a weight's gradient": (lambda a, b: a.T @ b, (50_000, 3), (50_000, 5)),
    "a product of vectors": (lambda a, b: a @ b, (100_003,), (100_003,)),
    "rows by rows": (lambda a, b: a @ b.T, (2, 40_001), (3, 40_001)),
    "over two axes": (lambda a, b: sg.einsum("abi,abj->ij", a[:, 1:], b), (300, 101, 3), (300, 100, 9)),
    "a batch of products": (lambda a, b: sg.einsum("gki,gkj->gij", a, b), (2, 20_001, 3), (2, 20_001, 4)),
    "many columns": (lambda a, b: a @ b, (3, 6000), (6000, 200)),
}


@pytest.mark.parametrize(("f", "left", "right"), PRODUCTS.values(), ids=PRODUCTS)
@pytest.mark.parametrize("threads", [1, 2])
def test_sums_of_equal_products(f, left, right, threads, cpu):
    a, b = np.full(left, 0.1, np.float32), np.full(right, 0.7, np.float32)
    wanted = f(sg.tensor(a, "float64"), sg.tensor(b, "float64")).numpy()
    np.testing.assert_allclose(native(f, a, b, threads=threads, cpu=cpu), wanted, rtol=1200 * ROUNDING["float32"])


@pytest.mark.parametrize("reverse", [False, True])
def test_running_totals(reverse, cpu):
    a = np.full((100_000, 2), 0.1, np.float32)
    wanted = np.cumsum(a.astype(np.float64), 0)
    got = native(lambda a: sg.cumsum(a, 0, reverse=reverse), a, cpu=cpu)
    np.testing.assert_allclose(got, wanted[::-1] if reverse else wanted, rtol=700 * ROUNDING["float32"])
    steps = np.diff(got[::-1] if reverse else got, axis=0)
    assert (steps > 0).all()  # as the exact ones


def test_a_training_step_on_a_large_batch():
    """The loss and the gradients of a linear model, whose exact values are known."""
    n = 200_000
    x, y, w = np.full((n, 4), 0.1, np.float32), np.full((n, 1), 0.3, np.float32), np.full((4, 1), 0.5, np.float32)

    @sg.compile
    def step(x, y, w, b):
        loss = ((x @ w + b - y) ** 2).mean()
        return loss, sg.grad(loss, [w, b])

    loss, (dw, db) = step(x, y, w, np.zeros(1, np.float32))
    r = 4 * 0.5 * np.float64(x[0, 0]) - np.float64(y[0, 0])
    np.testing.assert_allclose(loss, r**2, rtol=2e-5)
    np.testing.assert_allclose(dw, np.full((4, 1), 2 * r * x[0, 0]), rtol=2e-5)
    np.testing.assert_allclose(db, [2 * r], rtol=2e-5)


def test_the_same_threads_give_the_same_bits():
    a = np.random.default_rng(0).random((1000, 700), np.float32)
    x = placeholder(a.shape, a.dtype)
    program = Program([x], [x.sum().node, (x.T @ x).node, sg.cumsum(x, 0).node], n_threads=2)
    first, second = program([a]), program([a])
    for p, q in zip(first, second, strict=True):
        np.testing.assert_array_equal(p, q)
    alone = Program([x], [x.sum().node], n_threads=1)([a])
    np.testing.assert_array_equal(alone[0], first[0])
