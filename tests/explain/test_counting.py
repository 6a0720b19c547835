"""The counts of multiplications, against costs written down by hand and paths walked one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subgrad as sg
from subgrad.explain import explain

N = 2
SIZE = N * N
# What passing back through one input costs for N by N matrices, worked out on paper. tanh: y·y, then times g.
# div: by the numerator 1/b and its product with g, by the denominator y/b and its product with g. square: 2·x, times g.
COST = {"add": 0, "sub": 0, "neg": 0, "relu": 0, "sum": 0, "mul": SIZE, "tanh": 2 * SIZE, "div": 2 * SIZE,
        "square": 2 * SIZE, "contract": N**3}  # fmt: skip
BINARY = [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a @ b]
UNARY = [lambda a: -a, sg.relu, sg.tanh, sg.square]


def random_graph(data, steps):
    leaves = [sg.tensor(np.eye(N) + i) for i in range(2)]
    nodes = list(leaves)
    for _ in range(steps):
        pick = lambda: nodes[data.draw(st.integers(0, len(nodes) - 1))]  # noqa: E731
        if data.draw(st.booleans()):
            nodes.append(data.draw(st.sampled_from(BINARY))(pick(), pick()))
        else:
            nodes.append(data.draw(st.sampled_from(UNARY))(pick()))
    return nodes[-1].sum(), leaves


def walk(node, ends, so_far=()):
    """Every path from ``node`` to one of ``ends``, as the list of what its edges cost."""
    if any(node is end for end in ends):
        yield so_far
    for source in node.inputs:
        yield from walk(source, ends, (*so_far, COST[node.op.name]))


def distinct_edges(node, ends, seen):
    """The cost of each edge on a way to one of ``ends``, once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    for source in node.inputs:
        if any(True for _ in walk(source, ends)):
            yield COST[node.op.name]
            yield from distinct_edges(source, ends, seen)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 7), st.booleans())
def test_counts_equal_those_of_walking_each_path(data, steps, by_both):
    output, leaves = random_graph(data, steps)
    wrt = leaves if by_both else leaves[:1]
    paths = list(walk(output, wrt))
    if not paths:
        with pytest.raises(sg.errors.GradientError):
            explain(output, wrt)
        return
    story = explain(output, wrt)
    assert story.paths == len(paths)
    assert story.multiplications_without_reuse == sum(map(sum, paths))
    assert story.multiplications == sum(distinct_edges(output, wrt, set()))


def test_an_inner_node_can_be_differentiated_by_and_passed_through():
    x = sg.tensor(3.0)
    y = x * x
    story = explain(y * 5, [x, y])
    # The paths end at y (one factor: 1), at x through the left and through the right factor (two each: 2 + 2).
    assert (story.paths, story.multiplications, story.multiplications_without_reuse) == (3, 3, 5)


def test_a_ladder_of_two_to_the_200_paths_is_counted_exactly():
    x = y = sg.tensor(1.0)
    for _ in range(200):
        y = y * y
    story = explain(y, x)
    assert story.paths == 2**200
    assert story.multiplications == 400
    assert story.multiplications_without_reuse == 200 * 2**200
    assert story.backward[-1].paths == 2**200
    assert "1.61e+60" in str(story)


def test_counts_beyond_the_digits_that_python_prints():
    x = y = sg.tensor(1.0)
    for _ in range(14_400):
        y = y + y
    story = explain(y, x)
    assert story.paths == 2**14_400
    assert "6.79e+4334" in story.count()  # math.log10(2**14_400) = 4334.8319..., and 10**0.8319 = 6.79


def test_forward_multiplications_of_a_layer():
    x, w, b = sg.zeros((4, 2)), sg.Parameter(np.ones((2, 8))), sg.Parameter(np.ones(8))
    story = explain((sg.tensor(x) @ w + b).mean(), [w, b])
    assert story.forward_multiplications == 4 * 2 * 8 + 1  # the matrix product, and the division of the mean
    assert story.multiplications == 1 + 4 * 2 * 8  # the division, and the matrix product for w; none for b


def test_what_is_made_of_constants_alone_costs_nothing():
    w = sg.Parameter([1.0, 2.0])
    story = explain((w * (sg.ones((2,)) * sg.full((2,), 3.0))).sum(), w)
    assert story.forward_multiplications == 2
    assert story.multiplications == 2


def test_a_users_op_is_counted_by_what_its_vjp_makes():
    cube = sg.defop(lambda x: x**3, name="cube_to_explain", vjp=lambda g, y, x: (3 * x * x * g,))
    x = sg.tensor([1.0, 2.0])
    assert explain(cube(x).sum(), x).multiplications == 6  # three products of two elements each
