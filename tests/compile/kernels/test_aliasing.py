"""Results lie inside of the arrays that would copy them; values stay the same."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile.kernels.aliasing import Aliasing
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.op import apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import placeholder
from subgrad.ops.indexing import place

RNG = np.random.default_rng(0)


def named(outputs, *names):
    return [n for n in toposort(outputs) if n.op.name in names]


def agree(inputs, outputs, arrays, variables=None, threads=(1, 2)):
    """The interpreter's values are those of native code that finds NaN wherever nothing was written."""
    outputs = [o.node for o in outputs]
    expected = Interpreter(inputs, outputs)([a.copy() for a in arrays])
    for n in threads:
        program = Program(inputs, outputs, variables=variables, n_threads=n)
        program([a.copy() for a in arrays])  # the first call takes the room
        program.room[0][:] = 255
        found = program([a.copy() for a in arrays])
        for native, e in zip(found, expected, strict=True):
            np.testing.assert_allclose(native, e, rtol=1e-12, atol=1e-12 * (1 + np.abs(e).max(initial=0)))


def test_a_producer_writes_into_the_array_that_would_copy_it():
    x = placeholder((4, 3, 5), "float64")
    a, b = sg.cumsum(sg.exp(x), 1), sg.sum(x, 2, keepdims=True)
    y = sg.pad(sg.concatenate([a, b], 2), [(0, 0), (1, 1), (0, 2)])
    outputs = [sg.cumsum(y, 2), a.sum(), b.sum()]
    program = Program([x], outputs)
    aliasing = Aliasing(program.kernels, program.unit.outputs)
    (pad,), (join,) = named(program.unit.outputs, "pad"), named(program.unit.outputs, "concatenate")
    assert aliasing.root(join) is pad
    assert {aliasing.root(i) for i in join.inputs} == {pad}
    assert aliasing.strides(join.inputs[1]) == (40, 8, 1)
    agree([x], outputs, [RNG.standard_normal((4, 3, 5))])


def test_a_node_that_is_read_without_gaps_stays_alone():
    x = placeholder((4, 3, 5), "float64")
    a = sg.cumsum(x, 1)
    outputs = [sg.pad(a, 1).sum(2), a.reshape(12, 5)[:, 1:] * 2, a.reshape(4, 15) @ sg.ones((15, 2), "float64")]
    program = Program([x], outputs)
    (node,) = [n for n in toposort(program.unit.outputs) if n.op.name == "cumsum"]
    assert node not in Aliasing(program.kernels, program.unit.outputs)
    agree([x], outputs, [RNG.standard_normal((4, 3, 5))])


def _computed(x):
    """A result that has to be in memory."""
    return sg.cumsum(sg.sin(x), 1)


def _joined_with(x, *, axis, times):
    p = _computed(x)
    return sg.concatenate([p] * times, axis), sg.concatenate([x, p], axis), p.sum()


TWICE = {
    "a join with itself": lambda x: sg.concatenate([_computed(x)] * 2),
    "joins by either axis": lambda x: _joined_with(x, axis=0, times=3) + _joined_with(x, axis=1, times=2),
    "two pads": lambda x: (sg.pad(_computed(x), 1), sg.pad(_computed(x), ((0, 2), (1, 0)), 7.0)),
    "a join of a pad with itself": lambda x: sg.concatenate([sg.pad(_computed(x), 1)] * 2),
    "a pad of a pad, and of the same": lambda x: (sg.pad(sg.pad(_computed(x), 1), 2), sg.pad(_computed(x), 1)),
    "joins of joins": lambda x: sg.concatenate([sg.concatenate([_computed(x), x]), sg.concatenate([x, _computed(x)])]),
    "one join in two others": lambda x: [
        sg.concatenate([p, p * 3], i) for i, p in enumerate([sg.concatenate([_computed(x), x], 1)] * 2)
    ],
    "a result that is joined": lambda x: (_computed(x), sg.concatenate([x, _computed(x)]), sg.pad(_computed(x), 1)),
    "read through views": lambda x: (
        sg.pad(_computed(x), 1), sg.concatenate([_computed(x)[::-1], _computed(x)]), _computed(x).T @ x,
        _computed(x)[:, 1:].reshape(-1) * 2, _computed(x)[1],
    ),
    "a sum that is stacked": lambda x: sg.stack([x.max(0), x.sum(0), x.max(0)]),
    "a join that is sliced": lambda x: sg.concatenate([sg.concatenate([_computed(x), x], 1)[:, 1:5], _computed(x)], 1),
    "what a loop reads": lambda x: (
        sg.concatenate([_computed(x), x]), sg.scan(lambda c, r: (c + r, c * r), x[0], _computed(x))[1],
        sg.pad(_computed(x), 1),
    ),
    "what a loop begins with and gives": lambda x: (
        sg.concatenate([sg.scan(lambda c, r: (sg.sin(c + r), c), _computed(x), sg.ones((3,), "float64"))[1][1]] * 2),
        sg.pad(_computed(x), 1),
    ),
    "joins in a loop": lambda x: sg.scan(
        lambda c, r: (sg.tanh(c + r), sg.concatenate([sg.cumsum(c), sg.cumsum(c), sg.pad(sg.cumsum(c), 1)])), x[0], x
    )[1],
}  # fmt: skip


@pytest.mark.parametrize("name", TWICE)
def test_a_result_is_copied_to_all_places_but_its_own(name):
    x = placeholder((3, 4), "float64")
    found = TWICE[name](x)
    agree([x], [found] if isinstance(found, sg.Tensor) else list(found), [RNG.standard_normal((3, 4))])


def test_skips_of_networks_and_their_gradients():
    stem, mid, wide = (nn.Conv2d(*c, padding=p, seed=0) for c, p in (((2, 3, 3), 1), ((3, 3, 3), 1), ((6, 2, 5), 2)))
    x = placeholder((2, 2, 5, 5), "float32")
    h = sg.relu(stem(x))
    y = wide(sg.concatenate([h, sg.relu(mid(h))], 1))
    parameters = [p.node for layer in (stem, mid, wide) for p in layer.parameters()]
    image = RNG.standard_normal((2, 2, 5, 5)).astype(np.float32)
    outputs = [y, *sg.grad((y**2).mean(), [x, *parameters])]
    for native, e in zip(Program([x], outputs)([image]), Interpreter([x], outputs)([image]), strict=True):
        np.testing.assert_allclose(native, e, rtol=1e-4, atol=1e-5)


def test_random_numbers_and_counts_go_by_the_element_and_not_by_its_place():
    x = placeholder((4, 3), "float64")
    with sg.using_dtype("float64"):
        drawn = sg.random.uniform(np.array([4, 3]), (4, 3), 3)
    counted = sg.cumsum(sg.arange(12, dtype="float64").reshape(4, 3), 1)
    agree([x], [sg.pad(drawn, 1), sg.concatenate([x, drawn, drawn * 2], 1), x.T @ drawn, sg.pad(counted, 1)],
          [RNG.standard_normal((4, 3))])  # fmt: skip


@pytest.mark.parametrize("name", ["join", "pad"])
def test_a_constant_is_written_with_the_gaps_of_its_array(name):
    """A constant lies in memory where a matrix product reads it."""
    x, ones = placeholder((5, 3), "float64"), sg.ones((5, 2), "float64")
    host = sg.concatenate([x, ones], 1) if name == "join" else sg.pad(ones, 1)
    agree([x], [host, x.T @ ones, ones.T @ x], [RNG.standard_normal((5, 3))])


def test_the_gradient_of_a_convolution_whose_cotangent_is_constant():
    x, w = placeholder((2, 2, 4, 5), "float64"), placeholder((3, 2, 2, 3), "float64")
    y = sg.convolve(sg.tanh(sg.convolve(x, w)), sg.ones((1, 3, 2, 2), "float64")).mean()
    agree([x, w], [y, *sg.grad(y, [x, w])], [RNG.standard_normal(i.shape) for i in (x, w)])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: sg.concatenate([_computed(x[2:]), _computed(x[:2])]),
        lambda x: sg.concatenate([x.max(0, keepdims=True), x.sum(0, keepdims=True), _computed(x[:2])]),
        lambda x: sg.pad(_computed(x)[:2], ((1, 1), (0, 0))) + sg.pad(_computed(x[1:3]), ((0, 2), (0, 0))),
        lambda x: sg.pad(_computed(x[2:] + x[:2]), ((2, 0), (0, 0))),
    ],
)
def test_an_array_in_the_place_of_an_old_value_hosts_nothing(f):
    """Its parts are computed while others still read the old value."""
    x = placeholder((4, 3), "float64")
    agree([x], [f(x), f(x).sum()], [RNG.standard_normal((4, 3))], variables={0: 0})


def test_gaps_do_not_change_what_a_reshape_is_a_view_of():
    """Every second row of three, under another, is even in memory only where a column of a pad lies between."""
    x = placeholder((5, 3), "float64")
    p = _computed(x)
    seen = sg.ops.windows(p, (1,), (2,)).reshape(-1)
    agree([x], [sg.pad(p, ((0, 0), (0, 1))), seen * 2], [RNG.standard_normal((5, 3))])


def test_no_border_is_filled_where_there_is_none():
    """Of a first axis of length 1, which several threads do not share."""
    x = placeholder((7, 17), "float32")
    spread = apply(place, (x.reshape((1, 7, 17)),), {"steps": ((0, 1, 1), (0, 7, 1), (0, 33, 2)), "shape": (1, 7, 33)})
    agree([x], [sg.pad(spread, ((0, 0), (0, 0), (2, 2)))], [np.ones((7, 17), np.float32)])
