"""What kernels keep for later ones: never dearer than any other choice, and few arrays for a derivative."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subgrad as sg
from subgrad.compile.kernels.fuse import fuse
from subgrad.compile.kernels.saved import FAR, LARGE, NEAR, cheapest, keeping
from subgrad.compile.pipeline import simplify
from subgrad.graph.tensor import placeholder

steady = settings(deadline=None, derandomize=True, max_examples=60)


@st.composite
def pieces(draw):
    """Nodes one after the other, each of one or two earlier ones, with costs; which are wanted, which kept anyway."""
    nodes = [placeholder((4,), "float32") * 1.5]
    for _ in range(draw(st.integers(1, 6))):
        left, right = (nodes[draw(st.integers(0, len(nodes) - 1))].node for _ in range(2))
        nodes.append(left + right if draw(st.booleans()) else sg.exp(left))
    nodes = [n.node for n in nodes]
    costs = [math.inf, *(draw(st.integers(0, 12)) for _ in nodes[1:])]
    chosen = [draw(st.integers(0, 3)) for _ in nodes]
    wanted = [n for n, c in zip(nodes, chosen, strict=True) if c]
    kept = {n for n, c in zip(nodes, chosen, strict=True) if c == 3}
    return nodes, wanted, kept, dict(zip(nodes, costs, strict=True))


def price(stored, wanted, kept, costs):
    """Of keeping the stored ones, and of computing again whatever else is needed."""
    pending, again = [n for n in wanted if n not in stored], set()
    while pending:
        node = pending.pop()
        if node not in again:
            again.add(node)
            pending += [i for i in node.inputs if i in costs and i not in stored]
    return sum(keeping(n) for n in stored if n not in kept) + sum(costs[n] for n in again)


@given(pieces())
@steady
def test_no_other_choice_costs_less(given):
    nodes, wanted, kept, costs = given
    found = cheapest(nodes, wanted, kept, costs.__getitem__) | kept
    sets = (set(c) | kept for k in range(len(nodes) + 1) for c in itertools.combinations(nodes, k))
    assert price(found, wanted, kept, costs) == min(price(s, wanted, kept, costs) for s in sets)


def test_a_large_array_is_dearer_and_a_mask_is_a_quarter():
    many = LARGE // 4 + 1
    assert NEAR < keeping(placeholder((many,), "bool")) < keeping(placeholder((many - 1,), "float32")) < NEAR + 0.01
    assert keeping(placeholder((many,), "float32")) == FAR
    assert keeping(placeholder((4 * many,), "bool")) == FAR / 4


def hidden(rows, activation):
    """How many arrays the forward pass of a hidden layer stores for the gradients of its weights and its input."""
    x, w, v = (placeholder(s, "float32") for s in ((rows, 8), (8, 256), (256, 8)))
    loss = ((activation(x @ w) @ v) ** 2).sum()
    found = fuse(simplify([loss, *sg.grad(loss, [x, w, v])]))
    return len(next(k for k in found if k.domain == (rows, 256)).stores)


@pytest.mark.parametrize(
    ("activation", "arrays"),
    [(sg.gelu, 2), (lambda h: h * sg.sigmoid(h), 2), (sg.tanh, 1), (sg.relu, 1), (lambda h: sg.exp(-h * h), 2)],
    ids=["gelu", "silu", "tanh", "relu", "bell"],
)
def test_a_derivative_needs_few_arrays(activation, arrays):
    """The result, which the next product reads, and what all of the derivative can be computed from."""
    assert hidden(1024, activation) == arrays


def test_what_is_near_is_not_computed_again_if_it_is_dear():
    assert hidden(16, sg.gelu) > 2
