"""Which nodes become one kernel, and that the kernels of any graph find what they read."""

import numpy as np
import pytest
from hypothesis import given, settings

import subgrad as sg
from diff.test_random_graphs import graphs
from subgrad.compile.codegen.lower import Role, role
from subgrad.compile.kernels.fuse import LARGEST, fuse, unsupported
from subgrad.compile.kernels.views import read_by
from subgrad.compile.pipeline import simplify
from subgrad.errors import ArgumentError
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, placeholder

steady = settings(deadline=None, derandomize=True, max_examples=25)


def x(*shape):
    return placeholder(shape, "float32")


def kernels(*outputs):
    return fuse(simplify(outputs))


def names(kernel):
    return [n.op.name for n in (kernel.seed, *kernel.body)]


def test_a_dense_layer_is_one_kernel():
    (kernel,) = kernels(sg.relu(x(8, 5) @ x(5, 4) + x(4)))
    assert kernel.kind == "contract"
    assert names(kernel) == ["contract", "add", "relu"]
    assert [n.op.name for n in kernel.stores] == ["relu"]


def test_the_update_of_a_weight_joins_the_contraction_of_its_gradient():
    data, w, target = x(8, 5), x(5, 4), x(8, 4)
    loss = ((data @ w - target) ** 2).sum()
    new = w - 0.1 * sg.grad(loss, [w])[0]
    update = next(k for k in kernels(loss, new) if k.kind == "contract" and k.domain == w.shape)
    assert [n.shape for n in update.stores] == [w.shape]
    assert "sub" in names(update)


@pytest.mark.parametrize("optimizer", [sg.SGD(0.1, momentum=0.9), sg.Adam(0.1)])
def test_momenta_are_updated_with_the_weight(optimizer):
    data, w, target = x(8, 5), x(5, 4), x(8, 4)
    loss = ((data @ w - target) ** 2).sum()
    updates, state = optimizer.update(sg.grad(loss, [w]), optimizer.init([w]), [w], loss=loss)
    outputs = [w + updates[0], *[s for s in toposort(sg.graph.tree.leaves(state)) if s.shape == w.shape][-1:]]
    updating = [k for k in kernels(*outputs) if k.domain == w.shape]
    assert len(updating) == 1


def test_softmax_is_two_reductions_and_a_map():
    found = kernels(sg.softmax(x(8, 5)))
    assert [(k.kind, k.domain) for k in found] == [("max", (8, 1)), ("sum", (8, 1)), ("map", (8, 5))]


def test_an_elementwise_chain_is_one_kernel_that_stores_its_end():
    a, b = x(100), x(100)
    (kernel,) = kernels(sg.tanh(sg.exp(a) * b) - a)
    assert len(kernel.stores) == 1


def test_a_dear_value_with_two_distant_readers_is_stored_and_a_cheap_one_is_not():
    a = x(30, 40)
    assert any(n.op.name == "tanh" for k in kernels(sg.tanh(a).sum(0), sg.tanh(a).sum(1)) for n in k.stores)
    assert not any(n.op.name == "add" for k in kernels((a + 1).sum(0), (a + 1).sum(1)) for n in k.stores)


def test_a_reduction_takes_the_ops_before_and_after_it():
    (kernel,) = kernels(sg.sqrt((x(6, 9) * 2).sum(1)))
    assert (kernel.kind, names(kernel)) == ("sum", ["sum", "sqrt"])


def test_an_op_that_nobody_lowered_is_named():
    with sg.using_dtype("float32"):
        y = sg.custom_vjp(lambda a: a * 2, lambda g, y, a: (g * 2,))(x(3))
    assert unsupported([y]) == "custom"
    with pytest.raises(ArgumentError, match="'custom'"):
        fuse([y])
    assert unsupported([y.inputs[0] + 1]) is None


def read_in_memory(kernel, stored):
    """The nodes that a kernel must find in memory: found by going back from what it makes."""
    made = {kernel.seed, *kernel.body}
    pending, found = [i for n in made for i in read_by(n)], set()
    while pending:
        node = pending.pop()
        if node in made:
            continue
        if node in stored or node.op in (CONST, INPUT):
            found.add(node)
        else:
            pending.extend(read_by(node))
    return found


def check(found, outputs):
    stored = {n for k in found for n in k.stores}
    assert sum(len(k.stores) for k in found) == len(stored), "a node is written twice"
    assert {o for o in outputs if o.op not in (CONST, INPUT)} <= stored
    written = set()
    for kernel in found:
        assert set(kernel.stores) <= {kernel.seed, *kernel.body}
        assert all(n.shape == kernel.domain for n in (kernel.seed, *kernel.body))
        late = {n for n in read_in_memory(kernel, stored) if n.op not in (CONST, INPUT)} - written
        assert not late, f"{kernel} reads {late} before it is written"
        written |= set(kernel.stores)
    heavy = {n for n in toposort(outputs) if role(n.op) in (Role.CONTRACT, Role.REDUCE)}
    assert heavy <= {k.seed for k in found}


@steady
@given(graphs())
def test_kernels_of_random_graphs_find_what_they_read(case):
    f, shapes = case
    inputs = [placeholder(s, "float32") for s in shapes]
    loss = f(*inputs)
    gradients = sg.grad(loss, inputs)
    outputs = simplify([loss, *gradients, *[i - np.float32(0.1) * g for i, g in zip(inputs, gradients, strict=True)]])
    check(fuse(outputs), outputs)


def test_what_is_computed_again_where_it_is_read_is_no_part_of_a_kernel():
    """The mask of a relu is, by the kernel that has its gradient."""
    data, w, v = x(8, 5), x(5, 4), x(4, 3)
    loss = (sg.relu(data @ w) @ v).sum()
    found = kernels(loss, *sg.grad(loss, [data, v]))
    first, second = (k for k in found if k.domain == (8, 4))
    assert names(first) == ["contract", "relu"]
    assert "less" in names(second) or "less" in [i.op.name for n in second.body for i in n.inputs]


def test_a_long_chain_is_cut_into_kernels():
    start = x(8)
    y = start
    for _ in range(200):
        y = y + 0.01 * (1 - y * y)  # each y is read twice
    for _ in range(200):
        y = sg.tanh(y[::-1])  # each is read once, at another place
    found = kernels(y)
    assert 1200 / LARGEST < len(found) < 400
    assert max(len(k.body) for k in found) <= LARGEST


@pytest.mark.parametrize("step", [lambda y: y + 0.01 * (1 - y * y), lambda y: sg.tanh(y[::-1])])
def test_a_long_chain_is_computed(step):
    pytest.importorskip("llvmlite")

    def chain(y):
        for _ in range(500):
            y = step(y)
        return y

    start = np.linspace(-0.5, 0.5, 8, dtype=np.float32)
    np.testing.assert_allclose(sg.compile(chain)(start), chain(sg.tensor(start)).numpy(), rtol=1e-5)
