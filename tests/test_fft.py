"""Fourier transforms against NumPy's: lengths that are prime, even, odd and large, axes, gradients, native code."""

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(0)


def pairs(z):
    return np.stack([z.real, z.imag], -1)


@pytest.mark.parametrize("n", [1, 2, 5, 8, 37, 60, 128])
def test_transforms_are_numpys(n):
    x, z = RNG.normal(size=(2, n)), RNG.normal(size=(n, 2)) + 1j * RNG.normal(size=(n, 2))
    with sg.using_dtype("float64"):
        np.testing.assert_allclose(sg.fft.rfft(x).numpy(), pairs(np.fft.rfft(x)), atol=1e-12)
        np.testing.assert_allclose(sg.fft.fft(pairs(z), axis=0).numpy(), pairs(np.fft.fft(z, axis=0)), atol=1e-12)
        np.testing.assert_allclose(sg.fft.ifft(pairs(z), axis=0).numpy(), pairs(np.fft.ifft(z, axis=0)), atol=1e-12)
        np.testing.assert_allclose(sg.fft.irfft(sg.fft.rfft(x), n).numpy(), x, atol=1e-12)


def test_native_programs_and_gradients():
    x = RNG.normal(size=(3, 12))
    with sg.using_dtype("float64"):
        found = sg.compile(lambda x: (sg.fft.rfft(x), sg.fft.irfft(sg.fft.rfft(x, axis=0), 3, axis=0)))(sg.tensor(x))
    np.testing.assert_allclose(found[0], pairs(np.fft.rfft(x)), atol=1e-12)
    np.testing.assert_allclose(found[1], x, atol=1e-12)
    sg.check(sg.fft.rfft, x[0, :5])


def test_bad_arguments():
    with pytest.raises(ShapeError, match="fft takes complex numbers as a last axis of length 2, got shape"):
        sg.fft.fft([1.0, 2.0])
    with pytest.raises(ArgumentError, match="irfft of 3 numbers has the length 4 or 5, got 7"):
        sg.fft.irfft(np.zeros((3, 2)), 7)
    with pytest.raises(ShapeError, match="rfft takes an axis with elements"):
        sg.fft.rfft(np.zeros(0))
