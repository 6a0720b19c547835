"""Every op and every transform: a rule, the rule of its kind, an expansion, or a reason; and the page made of that."""

import numpy as np
import pytest
from op_table import PAGE, TRANSFORMS, page, reasons

import subgrad as sg
from samples import SMOOTH
from subgrad.graph.op import TABLE, Kind, Op
from subgrad.graph.order import toposort
from subgrad.graph.transform import Transform

OPS = [op for op in TABLE.values() if op.ref.__module__.startswith("subgrad.")]


def nodes(op: Op):
    """A node of each sample of the op."""
    with sg.using_dtype("float64"):
        for f, *xs in SMOOTH[op.name]:
            order = toposort([f(*[sg.tensor(x) for x in xs])])
            yield from [n for n in order if n.op is op][:1]


@pytest.mark.parametrize("op", [op for op in OPS if op.linear and op.name in SMOOTH], ids=lambda op: op.name)
def test_an_op_is_linear_where_it_says_so(op: Op):
    """Steps of the same size change it by as much, whatever the place."""
    for node in nodes(op):
        xs = [i.numpy() for i in node.inputs]
        floats = [k for k, x in enumerate(xs) if x.dtype.kind == "f"]
        together = {"jointly": [floats], "each": [[k] for k in floats]}.get(op.linear, [list(op.linear)])
        for moving in together:
            assert op.is_linear_in([k in moving for k in range(len(xs))])
            step = [np.cos(np.arange(x.size)).reshape(x.shape) if k in moving else 0 for k, x in enumerate(xs)]
            near, far = (op.ref(*(x + t * s for x, s in zip(xs, step, strict=True)), **node.attrs) for t in (1, 3))
            here = op.ref(*xs, **node.attrs)
            moves = np.isfinite(here)  # what is put around by `windows` may be infinite
            small = 16 * np.finfo(here.dtype).eps
            change = far[moves] - here[moves], 3 * (near[moves] - here[moves])
            np.testing.assert_allclose(*change, rtol=small, atol=small * np.abs(far[moves]).max(initial=1))


@pytest.mark.parametrize(
    "op", [op for op in OPS if op.kind in (Kind.VIEW, Kind.MOVEMENT)], ids=lambda op: op.name
)  # fmt: skip
def test_elements_that_move_are_those_that_came(op: Op):
    for node in nodes(op):
        xs = [i.numpy() for i in node.inputs]
        numbered = [
            np.arange(x.size).reshape(x.shape) + 1e3 * k if x.dtype.kind == "f" else x for k, x in enumerate(xs)
        ]
        came = {0.0, float(node.attrs.get("value", 0)), *np.concatenate([x.ravel() for x in numbered]).tolist()}
        assert set(np.asarray(op.ref(*numbered, **node.attrs)).ravel().tolist()) <= came


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_each_op_has_a_way_or_a_reason(op: Op, transform: Transform):
    assert (transform.way(op) == "none") == (op in transform.unsupported)
    assert all(len(why) > 5 for why in transform.unsupported.values())


def test_the_page_is_the_table():
    """``python tests/ops/op_table.py`` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
    assert all(op.name in reasons() for op in OPS if any(op in t.unsupported for t in TRANSFORMS.values()))


def test_an_op_of_a_user_goes_by_its_expansion_everywhere():
    twice = sg.defop(name="twice_over", vjp=lambda g, y, x: (2 * g,), expand=lambda x: x + x)(lambda x: x + x)
    try:
        assert {t.way(twice) for t in TRANSFORMS.values()} <= {"kind", "expand"}
        found = sg.enclosure(lambda x: abs(twice(x)).sum(), np.array([0.0]), 0.5)
        np.testing.assert_allclose([found.low, found.high], [[-2], [2]], atol=1e-9)
        assert sg.certify(lambda x: abs(twice(x) - 2 * x), lambda x: 0 * x, [(0, 1)], 1e-6)
        assert sg.compile(twice)(np.ones(3, np.float32)).tolist() == [2, 2, 2]
        assert sg.vmap(lambda x: twice(x).sum())(np.ones((2, 3))).tolist() == [6, 6]
        assert sg.subdifferential(lambda x: abs(twice(x)).sum(), [0.0]).gradients.ravel().tolist() == [-2, 2]
    finally:
        del TABLE["twice_over"]
