"""Threads and barriers: few in a training step, and enough for any graph, by an element-by-element simulation."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings

import subgrad as sg
from compile.kernels.test_arena import training_program
from diff.test_random_graphs import graphs
from subgrad.compile.kernels import views
from subgrad.compile.kernels.fuse import fuse
from subgrad.compile.kernels.schedule import schedule
from subgrad.compile.pipeline import simplify
from subgrad.graph.tensor import CONST, INPUT, placeholder

steady = settings(deadline=None, derandomize=True, max_examples=25)


# What a node reads of its inputs, to compute the elements under a mask


def read_by(node, mask):
    """For each input the mask of the elements that ``node`` needs for its own elements under ``mask``."""
    name, inputs = node.op.name, node.inputs
    if name in ("reshape", "transpose", "broadcast_to", "slice", "pad", "place", "concatenate", "slide"):
        return _moved(node, mask)
    if name == "contract":
        return _contracted(node, mask)
    if name in ("sum", "max", "min", "argmax", "argmin"):
        axes = node.attrs["axis"]
        kept = mask if node.attrs.get("keepdims") else np.expand_dims(mask, axes)
        return [np.broadcast_to(kept, inputs[0].shape)]
    if name in ("gather", "scatter_add", "cumsum", "one_hot", "uniform"):  # which elements depends on values: all
        return [np.full(i.shape, mask.any()) for i in inputs]
    assert all(i.shape == node.shape for i in inputs), name
    return [mask] * len(inputs)


def _moved(node, mask):
    """By running the op on the numbers of its inputs' elements; what it fills in itself is number 0."""
    attrs = {**node.attrs, "value": 0} if node.op.name == "pad" else node.attrs
    found, start = [], 1
    for k in range(len(node.inputs)):
        numbers = [np.zeros(i.shape, np.int64) for i in node.inputs]
        numbers[k] = np.arange(start, start + node.inputs[k].size).reshape(node.inputs[k].shape)
        seen = np.zeros(1 + node.inputs[k].size, bool)
        seen[np.asarray(node.op.ref(*numbers, **attrs))[mask]] = True
        found.append(seen[1:].reshape(node.inputs[k].shape))
    return found


def _contracted(node, mask):
    terms, out = node.attrs["spec"].split("->")
    found = []
    for term, i in zip(terms.split(","), node.inputs, strict=True):
        common = "".join(c for c in term if c in out)
        needed = np.einsum(f"{out}->{common}", mask.astype(np.int64)) > 0
        index = tuple(slice(None) if c in out else None for c in term)
        order = [common.index(c) for c in term if c in out]
        found.append(np.broadcast_to(needed.transpose(order)[index], i.shape))
    return found


# What the threads of a schedule touch


def touched(slot, thread, threads, stored, root):
    """(memory, what is read of it, what is written) for the share of one thread."""
    kernel = slot.kernel
    share = np.zeros(kernel.domain, bool)
    if slot.axis is None:
        share[...] = thread == 0
    else:
        n = slot.extent
        index = [slice(None)] * share.ndim
        index[slot.axis] = slice(thread * n // threads, (thread + 1) * n // threads)
        share[tuple(index)] = True
    reads, writes = defaultdict(lambda: False), {root(n): share for n in kernel.stores}
    made = {kernel.seed, *kernel.body}
    pending = [pair for n in made for pair in read_from(n, share)]
    while pending:
        node, mask = pending.pop()
        if node in made:
            continue
        if stored(node) or node.op in (CONST, INPUT):
            reads[root(node)] = reads[root(node)] | mask
        else:
            pending.extend(read_from(node, mask))
    return reads, writes


def read_from(node, mask):
    """What a kernel looks at for the elements of a node: a contraction and a reshape see memory through views."""
    if views.reads_memory(node):
        return [through_views(node, mask)]
    pairs = zip(node.inputs, read_by(node, mask), strict=True)
    return [through_views(i, m) for i, m in pairs] if node.op.name == "contract" else pairs


def through_views(node, mask):
    memory = views.source(node)
    while node is not memory:
        (mask,), (node,) = read_by(node, mask), node.inputs
    return node, mask


def check_races(plan, threads, stored, root):
    """Between two barriers nobody reads or writes an element that another thread writes."""
    reads, writes = ([defaultdict(lambda: False) for _ in range(threads)] for _ in range(2))
    for slot in plan.slots:
        if slot.barrier:
            for t in range(threads):
                reads[t].clear()
                writes[t].clear()
        for t in range(threads):
            r, w = touched(slot, t, threads, stored, root)
            for node, mask in r.items():
                reads[t][node] = reads[t][node] | mask
            for node, mask in w.items():
                writes[t][node] = writes[t][node] | mask
        for t in range(threads):
            for u in range(threads):
                for node, mask in writes[t].items() if t != u else ():
                    assert not np.any(mask & (reads[u][node] | writes[u][node])), f"{slot} races over {node.op.name}"


def scheduled(outputs, threads):
    kernels = fuse([o for o in simplify(outputs) if o.op not in (CONST, INPUT)])
    stored = {n for k in kernels for n in k.stores}.__contains__
    return schedule(kernels, threads, stored, lambda n, axis: (n, axis)), stored


@pytest.mark.parametrize("threads", [2, 3])
@steady
@given(graphs())
def test_no_thread_reads_what_another_writes_without_a_barrier(threads, case):
    f, shapes = case
    inputs = [placeholder(s, "float32") for s in shapes]
    loss = f(*inputs)
    plan, stored = scheduled([loss, *sg.grad(loss, inputs)], threads)
    check_races(plan, threads, stored, lambda n: n)


def network(norm=False):
    middle = [sg.nn.LayerNorm(24)] if norm else []
    return sg.nn.Sequential(sg.nn.Linear(40, 24, seed=0), *middle, sg.nn.ReLU(), sg.nn.Linear(24, 40, seed=1))


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("optimizer", [sg.SGD(0.1), sg.Adam(0.1), sg.Subgradient(0.1)])
@pytest.mark.parametrize("norm", [False, True])
def test_updates_in_place_wait_for_those_who_read_the_old_values(norm, optimizer, threads):
    program = training_program(network(norm), optimizer, 12, threads)
    placed = program.placed
    assert placed.alias_of, "nothing is updated in place"
    check_races(program.schedule, threads, placed.stored, lambda n: placed.memory_of(n, None)[0])


def test_the_simulation_sees_a_missing_barrier():
    a = placeholder((6, 4), "float32")
    plan, stored = scheduled([sg.exp(a.sum(1)) * sg.tanh(a.sum(0)).sum()], 2)
    assert any(slot.barrier for slot in plan.slots)
    for slot in plan.slots:
        slot.barrier = False
    with pytest.raises(AssertionError, match="races"):
        check_races(plan, 2, stored, lambda n: n)


@pytest.mark.parametrize("optimizer", [sg.SGD(0.1), sg.SGD(0.1, momentum=0.9), sg.Adam(0.1)])
def test_a_dense_training_step_has_one_barrier_inside(optimizer):
    program = training_program(network(), optimizer, 64, 2)
    assert sum(slot.barrier for slot in program.schedule.slots) == 1
    forward = [s for s in program.schedule.slots if s.kernel.kind == "contract"]
    assert all(s.axis == 0 for s in forward)


def test_one_thread_never_waits():
    program = training_program(network(), sg.Adam(0.1), 64, 1)
    assert not any(slot.barrier for slot in program.schedule.slots)
    assert set(program.schedule.phases) == {0}


def test_a_schedule_reads_as_text():
    plan, _ = scheduled([sg.exp(placeholder((6, 4), "float32")).sum()], 2)
    assert "one thread" in str(plan)
    assert "sum" in str(plan)
