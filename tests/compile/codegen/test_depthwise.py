"""Contractions without rows or columns of their own are sums of products along vectors: same numbers, no tiles left."""

import numpy as np
import pytest

import subgrad as sg
from subgrad.compile.pipeline import simplify
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.order import toposort
from subgrad.graph.tensor import placeholder

RNG = np.random.default_rng(6)


def contractions(outputs):
    return [n for n in toposort(simplify(outputs)) if n.op.name == "contract"]


def block(operands, stride=1, dilation=1):
    """A 1x1 convolution, relu, a depthwise convolution: channels lie last in memory between them."""
    x, mix, w = operands
    return sg.convolve(sg.relu(sg.convolve(x, mix)), w, stride, 1, dilation, groups=mix.shape[0])


def block_operands(axes=2, channels=12):
    ones = (1,) * axes
    shapes = [(3, 5, *(6, 7)[:axes]), (channels, 5, *ones), (channels, 1, *(3, 2)[:axes])]
    inputs = [placeholder(s, "float64") for s in shapes]
    return inputs, [RNG.standard_normal(s) for s in shapes]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("axes", "stride", "dilation"), [(1, 1, 1), (1, 2, 2), (2, 1, 1), (2, 2, 1), (2, 1, 2)])
def test_a_block_and_its_gradients_have_the_numbers_of_the_references(axes, stride, dilation, threads):
    inputs, arrays = block_operands(axes)
    y = block(inputs, stride, dilation)
    outputs = [y, *sg.grad((y * y).sum(), inputs)]
    expected = Interpreter(inputs, outputs)(arrays)
    for native, reference in zip(Program(inputs, outputs, n_threads=threads)(arrays), expected, strict=True):
        np.testing.assert_allclose(native, reference, rtol=1e-12, atol=1e-12)


def test_native_gradients_agree_with_finite_differences():
    inputs, arrays = block_operands()
    loss = (block(inputs) ** 2).sum()
    program = Program(inputs, [loss, *sg.grad(loss, inputs)], n_threads=1)
    slopes = program(arrays)[1:]
    for i, slope in enumerate(slopes):
        step = 1e-6 * RNG.standard_normal(arrays[i].shape)
        up, down = (program([a + s * step if j == i else a for j, a in enumerate(arrays)])[0] for s in (1, -1))
        np.testing.assert_allclose((up - down) / 2, (slope * step).sum(), rtol=1e-7)


def test_only_the_1x1_convolution_of_a_block_is_a_matrix_product():
    inputs, _ = block_operands()
    y = block(inputs)
    assert len(contractions([y])) == 1
    assert len(contractions(sg.grad((y * y).sum(), inputs))) == 3


def test_vectors_run_along_pixels_of_images_that_have_channels_first():
    x, w = placeholder((2, 3, 4, 40), "float64"), placeholder((3, 1, 3, 3), "float64")
    y = sg.convolve(x, w, padding=1, groups=3)
    assert not contractions([y])
    arrays = [RNG.standard_normal(i.shape) for i in (x, w)]
    expected = Interpreter([x, w], [y])(arrays)[0]
    np.testing.assert_allclose(Program([x, w], [y], n_threads=1)(arrays)[0], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("spec", "shapes", "left"),
    [
        ("kb,kb->b", [(5, 20), (5, 20)], 0),
        ("kib,kb->ib", [(5, 4, 20), (5, 20)], 0),
        ("kb,kib->ib", [(5, 20), (5, 4, 20)], 0),
        ("ib,bk->ib", [(4, 20), (20, 1)], 0),
        ("bij,bj->bi", [(20, 40, 30), (20, 30)], 1),  # the sum runs along memory
        ("ij,j->i", [(20, 30), (30,)], 1),  # no batch
        ("kib,kjb->ijb", [(5, 4, 600), (5, 3, 600)], 1),  # rows and columns
        ("kib,kb->ib", [(5, 4, 3), (5, 3)], 1),  # too short for vectors
    ],
)
def test_which_contractions_are_sums_of_products(spec, shapes, left):
    inputs = [placeholder(s, "float64") for s in shapes]
    outputs = [sg.einsum(spec, *inputs)]
    assert len(contractions(outputs)) == left
    arrays = [RNG.standard_normal(s) for s in shapes]
    expected = np.einsum(spec, *arrays)
    np.testing.assert_allclose(Program(inputs, outputs, n_threads=1)(arrays)[0], expected, rtol=1e-13, atol=1e-13)
