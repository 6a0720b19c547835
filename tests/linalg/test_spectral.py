"""Eigenvalues and singular values against LAPACK, and their gradients against finite differences."""

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ShapeError
from subgrad.linalg.spectral import _partners

rng = np.random.default_rng(0)


def symmetric(*shape):
    a = rng.normal(size=shape)
    return a + np.swapaxes(a, -1, -2)


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_all_pairs_meet_once(n):
    met = sorted((min(i, j), max(i, j)) for round_ in _partners(n) for i, j in enumerate(round_) if i < j)
    assert met == [(i, j) for i in range(n) for j in range(i + 1, n)]


@pytest.mark.parametrize(
    "a",
    [
        symmetric(1, 1), symmetric(2, 2), symmetric(7, 7), symmetric(3, 4, 4), symmetric(24, 24),
        np.diag([2.0, 2.0, 1.0]), np.ones((5, 5)), np.zeros((3, 3)), 1e150 * symmetric(3, 3), 1e-150 * symmetric(3, 3),
    ],
)  # fmt: skip
def test_eigenvalues(a):
    w, v = (x.numpy() for x in sg.linalg.eigh(sg.tensor(a, dtype="float64")))
    size = np.abs(a).max() + 1e-300
    np.testing.assert_allclose(w / size, np.linalg.eigvalsh(a) / size, atol=1e-13)
    np.testing.assert_allclose((a / size) @ v, v * (w / size)[..., None, :], atol=1e-12)
    np.testing.assert_allclose(np.swapaxes(v, -1, -2) @ v, np.broadcast_to(np.eye(a.shape[-1]), a.shape), atol=1e-13)


@pytest.mark.parametrize(
    "a",
    [
        rng.normal(size=(1, 1)), rng.normal(size=(5, 3)), rng.normal(size=(3, 5)), rng.normal(size=(8, 8)),
        np.outer([1.0, 2, 3, 4], [1.0, 1, 2]), np.zeros((3, 2)), np.eye(4), 1e200 * rng.normal(size=(3, 2)),
        np.vander(np.linspace(0, 1, 9), 6), np.stack([rng.normal(size=(2, 4)), np.ones((2, 4)), np.zeros((2, 4))]),
    ],
)  # fmt: skip
def test_singular_values(a):
    u, s, v = (x.numpy() for x in sg.linalg.svd(sg.tensor(a, dtype="float64")))
    size = np.abs(a).max() + 1e-300
    np.testing.assert_allclose(s / size, np.linalg.svd(a, compute_uv=False) / size, atol=1e-13)
    np.testing.assert_allclose((u * (s / size)[..., None, :]) @ v, a / size, atol=1e-12)
    for basis in (u, np.swapaxes(v, -1, -2)):
        orthogonal = np.swapaxes(basis, -1, -2) @ basis
        np.testing.assert_allclose(orthogonal, np.broadcast_to(np.eye(s.shape[-1]), orthogonal.shape), atol=1e-12)


def differences(f, a, h=1e-6):
    """The gradient of a function of arrays by central differences."""
    found = np.zeros_like(a)
    for at in np.ndindex(a.shape):
        step = np.zeros_like(a)
        step[at] = h
        found[at] = (f(a + step) - f(a - step)) / (2 * h)
    return found


def by_subgrad(f, a):
    x = sg.tensor(a, dtype="float64")
    return sg.grad(f(x), x).numpy()


def test_gradients_of_eigenvalues_and_vectors():
    a, weights, other = symmetric(4, 4), rng.normal(size=4), rng.normal(size=(4, 4))

    def value(x, linalg, dot):
        w, v = linalg.eigh(x)
        return (w * weights).sum() + (((v * weights) @ v.T) * other).sum()  # the same for each choice of signs

    expected = differences(lambda x: value((x + x.T) / 2, np.linalg, None), a)
    np.testing.assert_allclose(by_subgrad(lambda x: value(x, sg.linalg, None), a), expected, atol=1e-7)


@pytest.mark.parametrize("shape", [(5, 3), (3, 4), (2, 3, 2)])
def test_gradients_of_singular_values_and_vectors(shape):
    a, k = rng.normal(size=shape), min(shape[-2:])
    weights, other = rng.normal(size=k), rng.normal(size=shape)

    def value(x, svd):
        u, s, v = svd(x)
        return (s * weights).sum() + (((u * weights) @ v) * other).sum()

    expected = differences(lambda x: value(x, lambda b: np.linalg.svd(b, full_matrices=False)), a)
    np.testing.assert_allclose(by_subgrad(lambda x: value(x, sg.linalg.svd), a), expected, atol=1e-6)


def test_gradients_at_ties_are_finite_and_right_where_equal_ones_count_alike():
    a = 2 * np.eye(3) + np.ones((3, 3))
    np.testing.assert_allclose(by_subgrad(lambda x: (sg.linalg.eigh(x)[0] ** 2).sum(), a), 2 * a, atol=1e-12)
    assert np.isfinite(by_subgrad(lambda x: sg.linalg.eigh(x)[1].sum(), a)).all()
    assert np.isfinite(by_subgrad(lambda x: sg.linalg.svd(x)[0].sum(), np.ones((3, 2)))).all()
    nuclear = by_subgrad(lambda x: sg.linalg.svd(x)[1].sum(), np.outer([1.0, 0, 0], [1.0, 0]))
    assert np.linalg.norm(nuclear - np.outer([1.0, 0, 0], [1.0, 0]), 2) <= 1 + 1e-12  # a subgradient (Watson 1992)


def test_native_code_gives_the_same():
    a = symmetric(6, 6).astype("f4")
    f = sg.compile(lambda x: sg.linalg.eigh(x)[0])
    np.testing.assert_allclose(f(a), np.linalg.eigvalsh(a.astype("f8")), atol=2e-5)
    g = sg.compile(lambda x: sg.grad(sg.linalg.svd(x)[1].sum(), x))
    u, _, v = np.linalg.svd(a.astype("f8"))
    np.testing.assert_allclose(g(a), u @ v, atol=1e-4)


@pytest.mark.parametrize("f", [sg.linalg.eigh, sg.linalg.svd])
def test_what_is_no_number_in_one_of_a_stack(f):
    stack = np.stack([symmetric(3, 1), np.full((3, 3), np.nan)])
    for found, own in zip(f(stack), f(stack[0]), strict=True):
        np.testing.assert_allclose(found[0].numpy(), own.numpy(), atol=1e-6)
        assert np.isnan(found[1].numpy()).all()


@pytest.mark.parametrize("f", [sg.linalg.eigh, sg.linalg.svd])
def test_what_is_no_matrix(f):
    with pytest.raises(ShapeError):
        f(np.zeros(3))
    with pytest.raises(ShapeError):
        f(np.zeros((2, 3, 0)))
