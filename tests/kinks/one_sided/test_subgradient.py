"""One exact subgradient: on thousands of random programs with exact ties, and on what breaks careless rules."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest
from programs import fractions, in_hull, random_batch

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, GradientError
from subgrad.graph import evaluate as evaluation
from subgrad.graph.evaluate import reference
from subgrad.kinks import subgradient

BATCH, COUNT = 20, 4000


def total(batch):
    return lambda x: batch.tensor(x).sum()


def sampled_limits(rng, batch, first):
    """Gradients at many points near each program's point; those along ``first`` and close to it come first."""
    n, d = batch.x.shape
    close = first[:, None] + 1e-6 * rng.standard_normal((n, 4, d))
    return batch.limits(np.concatenate([first[:, None], close, rng.standard_normal((n, 200, d))], axis=1))


def test_thousands_of_random_programs_with_exact_ties():
    """Every element lies in the hull of limiting gradients, and is the limit along the direction it names."""
    rng = np.random.default_rng(0)
    plain, several, cases = 0, 0, 0
    for seed in range(COUNT // BATCH):
        batch = random_batch(rng, BATCH)
        x = sg.tensor(batch.x, "float64")
        found = subgradient(total(batch), x, seed=seed)
        limits = sampled_limits(rng, batch, found.direction)
        backprop = sg.grad(total(batch))(x).numpy()
        assert found.exact
        np.testing.assert_allclose(found.gradient, limits[:, 0], rtol=0, atol=1e-9)
        assert found.slope == pytest.approx(np.sum(found.gradient * found.direction), rel=1e-9, abs=1e-9)
        for g, b, near in zip(found.gradient, backprop, limits, strict=True):
            assert in_hull(g, near)
            plain += not in_hull(b, near)
            several += bool(np.ptp(near, axis=0).any())
            cases += 1
    print(f"{cases} programs, {several} with several limiting gradients; backprop left the hull in {plain}")
    assert cases == COUNT
    assert several > COUNT / 2
    assert 0.03 * COUNT < plain < 0.15 * COUNT  # the same programs can tell right from wrong


def test_lexicographic_elements_are_limits_along_powers_of_a_small_number():
    """Along (1, e, e^2, ...) with e near 0, in exact arithmetic: no float is as small as that."""
    rng = np.random.default_rng(1)
    for _ in range(40):
        batch = random_batch(rng, 5)
        found = subgradient(total(batch), sg.tensor(batch.x, "float64"), mode="lexicographic")
        n, d = batch.x.shape
        ladder = np.array([[[Fraction(1, 2**40) ** i for i in range(d)]]] * n, object)
        limit = batch.in_fractions().limits(ladder, Fraction(1, 2**400))[:, 0]
        np.testing.assert_allclose(found.gradient, limit.astype(float), rtol=0, atol=1e-9)


def test_fractions_and_floats_agree_on_a_program():
    batch = random_batch(np.random.default_rng(2), 4)
    v = np.random.default_rng(3).integers(-9, 9, (4, 1, batch.x.shape[1])) / 8 + 0.01
    exact = batch.in_fractions().limits(fractions(v), Fraction(1, 2**24))
    np.testing.assert_allclose(exact.astype(float), batch.limits(v), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_unbiased_relu_networks_at_zero(seed):
    """The case that no constant for relu'(0) gets right: every unit of two layers is on its kink."""
    rng = np.random.default_rng(seed)
    weights = [rng.integers(-3, 4, shape) / 2 for shape in [(3, 2), (3, 3), (1, 3)]]

    def net(x, relu):
        for w in weights[:-1]:
            x = relu(w @ x)
        return (weights[-1] @ x)[0]

    found = subgradient(lambda x: net(x, sg.relu), sg.tensor(np.zeros(2), "float64"), seed=seed)
    h = 1e-7 * np.eye(2)
    near = 1e-3 * found.direction
    slopes = [(net(near + e, lambda u: np.maximum(u, 0)) - net(near, lambda u: np.maximum(u, 0))) / 1e-7 for e in h]
    np.testing.assert_allclose(found.gradient, slopes, atol=1e-6)


# Where the answer is known

ZERO = np.zeros(2)
IDENTITIES = {
    # name: (function, point, its derivative: the function is smooth there, though its ops are not)
    "relu(x) - relu(-x)": (lambda x: sg.relu(x) - sg.relu(-x), 0.0, 1.0),
    "relu of relu": (lambda x: sg.relu(sg.relu(x)) - sg.relu(x), 0.0, 0.0),
    "|x| as two relus": (lambda x: sg.relu(x) + sg.relu(-x) - abs(x), 0.0, 0.0),
    "max + min": (lambda x: sg.maximum(x, 3 * x) + sg.minimum(x, 3 * x), 0.0, 4.0),
    "largest + smallest": (lambda x: x.max() + x.min(), ZERO, [1.0, 1.0]),
    "clip and the rest": (lambda x: sg.clip(x, 0, 1) + sg.relu(x - 1) - sg.relu(-x), 0.0, 1.0),
    "leaky": (lambda x: sg.leaky_relu(x, 0.5) - 0.5 * sg.leaky_relu(x, 0.0), 0.0, 0.5),
    "kinks that cancel": (lambda x: abs(x - 1) * 3 - abs(3 * x - 3), 1.0, 0.0),
    "norm of a negative": (lambda x: sg.norm(x) - sg.norm(-x) + x.sum(), ZERO, [1.0, 1.0]),
    "norm of one number": (lambda x: sg.norm(x) - abs(x[0]) + x[0], np.zeros(1), [1.0]),
    "elu": (lambda x: sg.elu(x, 2.0) - sg.relu(x) - 2 * sg.minimum(sg.expm1(x), 0), 0.0, 0.0),
    "softplus": (sg.softplus, 0.0, 0.5),
    "asinh by logarithm": (lambda x: sg.log(x + sg.sqrt(x * x + 1)), 0.0, 1.0),
    "double where": (lambda x: sg.where(x > 1, sg.sqrt(sg.where(x > 1, x, 1.0)), x), 0.0, 1.0),
    "untaken root": (lambda x: sg.where(x < 1, x, sg.sqrt(x)), 0.0, 1.0),
    "untaken logarithm": (lambda x: sg.where(x > 0, sg.log(x), 3 * x), -1.0, 3.0),
    "huber at its corner": (lambda x: sg.huber(x, 2.0), 2.0, 2.0),
    "where in two pieces": (lambda x: sg.where(x > 0, 2 * x, 2 * sg.sin(x)), 0.0, 2.0),
    "all zero weights": (lambda x: sg.relu(0.0 * x).sum(), ZERO, [0.0, 0.0]),
    "not of x": (lambda x: sg.tensor(5.0).astype(x.dtype), ZERO, [0.0, 0.0]),
}


@pytest.mark.parametrize("mode", ["random", "lexicographic"])
@pytest.mark.parametrize("name", IDENTITIES)
def test_kinks_of_the_ops_that_the_function_does_not_have(name, mode):
    f, x, expected = IDENTITIES[name]
    for seed in range(4):
        found = subgradient(f, sg.tensor(x, "float64"), mode, seed)
        np.testing.assert_allclose(found.gradient, expected, rtol=1e-12, atol=1e-15)


def test_both_sides_of_a_kink_are_found():
    slopes = {float(subgradient(sg.relu, 0.0, seed=s).gradient) for s in range(20)}
    assert slopes == {0.0, 1.0}
    assert float(subgradient(sg.relu, 0.0, "lexicographic").gradient) == 1.0


def test_a_norm_at_zero_has_the_unit_vector_of_the_direction():
    found = subgradient(sg.norm, sg.tensor(np.zeros(3), "float64"))
    np.testing.assert_allclose(found.gradient, found.direction / np.linalg.norm(found.direction), rtol=1e-12)
    assert subgradient(sg.norm, np.zeros(3), "lexicographic").gradient.tolist() == [1.0, 0.0, 0.0]


def test_off_the_kinks_it_is_the_gradient():
    x = sg.tensor(np.random.default_rng(0).standard_normal((4, 3)), "float64")

    def f(x):
        return (sg.log_softmax(abs(x) + x.max(1, keepdims=True)) ** 2).mean() + sg.norm(sg.tanh(x) @ x.T)

    found = subgradient(f, x)
    np.testing.assert_allclose(found.gradient, sg.grad(f)(x).numpy(), rtol=1e-12)
    assert found.exact
    assert found.decided == ()


# The form of x, and the report


def test_loss_of_a_network_with_dead_and_equal_units():
    """The hidden units tie pairwise and sit on their kinks; the element is a limit along the direction it names."""
    X = np.array([[1.0, -1.0], [0.0, 2.0], [-1.0, 0.5]])
    with sg.using_dtype("float64"):
        net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
        for name, p in net.named_parameters():
            p.assign(np.ones(p.shape) if name.endswith("2.weight") else np.zeros(p.shape))

        def loss(net):
            return abs(net(X)[:, 0] - np.array([0.0, 1.0, -1.0])).mean()

        found = subgradient(loss, net, seed=3)
        start = {name: p.numpy() for name, p in net.named_parameters()}
        net.load_state_dict({name: v + 1e-9 * found.direction[name] for name, v in start.items()})
        nearby = sg.grad(loss(net), net)
    assert {s.op for s in found.decided} == {"relu", "abs"}
    assert next(s for s in found.decided if s.op == "relu").scope == "1"
    assert found.gradient.keys() == nearby.keys()
    for name, g in nearby.items():
        np.testing.assert_allclose(found.gradient[name], g.numpy(), atol=1e-7)


def test_a_list_of_tensors():
    found = subgradient(lambda x: sg.maximum(*x).sum(), [sg.tensor([0.0, 1.0]), sg.tensor([0.0, 2.0])])
    a, b = found.gradient
    np.testing.assert_array_equal(a + b, [1.0, 1.0])
    assert (a[1], b[1]) == (0.0, 1.0)
    assert {float(a[0]), float(b[0])} == {0.0, 1.0}


def test_a_graph_that_exists_already():
    w = sg.Parameter([0.0, 0.0])
    found = subgradient(abs(w).sum(), [w], "lexicographic")
    assert found.gradient[0].tolist() == [1.0, 1.0]


def test_what_was_decided_is_counted_at_its_line():
    found = subgradient(lambda x: sg.relu(x).sum() + sg.max(x), [0.0, 0.0, -1.0])
    relu, largest = found.decided
    assert (relu.op, relu.count, relu.size, relu.site.file) == ("relu", 2, 3, __file__)
    assert (largest.op, largest.count, largest.size) == ("max", 1, 1)
    assert found.exact
    assert found.value == 0.0


@pytest.mark.parametrize("wrap", [lambda f: f, sg.compile])
def test_copies_and_pickles_say_what_was_decided(wrap):
    found = subgradient(wrap(lambda x: abs(x).sum()), [0.0, 1.0])
    for other in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert other.gradient.tolist() == found.gradient.tolist()
        assert other.decided == found.decided


def test_the_same_seed_gives_the_same_element():
    x = np.zeros(5)
    once, again, other = (subgradient(lambda x: abs(x).sum(), x, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(once.gradient, again.gradient)
    np.testing.assert_array_equal(once.direction, again.direction)
    assert not np.array_equal(once.direction, other.direction)


def test_tau_takes_in_ties_that_rounding_has_pulled_apart():
    def f(x):
        (x,) = x
        return abs(x[0] - x[1]) + sg.maximum(x[0], x[1]) + x.min() + sg.clip(x[1] - 1, 0, 1) + sg.norm(x - 1)

    x = sg.tensor([1.0, 1.0 + 1e-9], "float64")
    tied = subgradient(f, [sg.tensor([1.0, 1.0], "float64")], "lexicographic")
    near = subgradient(f, [x], "lexicographic", tau=1e-6)
    np.testing.assert_allclose(near.gradient[0], tied.gradient[0])
    assert tied.exact
    assert not near.exact
    assert len(near.assumed) == 5
    assert "up to 1e-09 away count as on the kink" in near.assumed[0]
    assert subgradient(f, [x]).exact


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1.0, 1e150, 1e300])
def test_scales(scale):
    x = sg.tensor(np.zeros(3), "float64")
    found = subgradient(lambda x: scale * abs(x).sum() + sg.relu(scale * x).max() - sg.norm(scale * x), x, seed=1)
    v = found.direction
    first = np.argmax(v) == np.arange(3)
    expected = scale * (np.sign(v) + first - v / np.linalg.norm(v))
    np.testing.assert_allclose(found.gradient, expected, rtol=1e-12)
    shifted = subgradient(lambda x: abs(x - scale).sum(), sg.tensor([scale], "float64"), "lexicographic")
    assert shifted.gradient.tolist() == [1.0]
    assert subgradient(lambda x: abs(x).sum(), sg.tensor([scale], "float64")).decided == ()


def test_empty_points():
    for mode in ("random", "lexicographic"):
        found = subgradient(lambda x: abs(x).sum(), np.zeros(0), mode)
        assert found.gradient.shape == (0,)
        assert found.exact


def test_a_derivative_by_hand_is_trusted_and_said():
    straight = sg.custom_vjp(lambda x: sg.sqrt(x), lambda g, y, x: g)
    found = subgradient(lambda x: straight(x), 0.0)
    assert float(found.gradient) == 1.0
    assert not found.exact
    assert "written by hand" in found.assumed[0]


def test_an_op_of_ones_own():
    @sg.defop(
        name="test_hat",
        vjp=lambda g, y, x: (sg.where(x > 0, -g, sg.where(x < 0, g, 0)),),
        one_sided_jvp=lambda y, xs, ts: sg.where(xs[0] == 0, -abs(ts[0]), -sg.sign(xs[0]) * ts[0]),
        kink=sg.Kink(lambda x: x == 0, lambda x: [(-np.ones_like(x), np.ones_like(x))]),
    )
    def hat(x):
        return -np.abs(x)

    for mode in ("random", "lexicographic"):
        found = subgradient(lambda x: hat(x) + abs(x), 0.0, mode)
        assert float(found.gradient) == 0.0
        assert [s.op for s in found.decided] == ["test_hat", "abs"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: subgradient(sg.relu, 0.0, mode="best"), ArgumentError, "unknown mode 'best'"),
        (lambda: subgradient(sg.relu, 0.0, tau=-1.0), ArgumentError, "tau"),
        (lambda: subgradient(sg.relu, float("nan")), ArgumentError, "NaN"),
        (lambda: subgradient(sg.relu, [0.0, 0.0]), GradientError, "of a scalar"),
        (lambda: subgradient(lambda x: 3.0, 0.0), GradientError, "returned float"),
        (lambda: subgradient(lambda x: x > 0, 0.0), GradientError, "only floats"),
        (lambda: subgradient(3.0, 0.0), ArgumentError, "expected a function"),
        (lambda: subgradient(lambda x: 1e308 * x + 1e308 * x, 0.0), GradientError, "slope is not finite|overflows"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


# What it costs


def test_it_costs_at_most_five_gradients(monkeypatch):
    """All that is computed for it, against all that a plain gradient computes: ops, elements, multiply-adds."""
    for on_kinks in (False, True):
        loss, net = _loss(on_kinks)
        plain = _work(monkeypatch, lambda loss=loss, net=net: [g.numpy() for g in sg.grad(loss(net), net).values()])
        ours = _work(monkeypatch, lambda loss=loss, net=net: subgradient(loss, net))
        assert (ours <= 5 * plain).all(), (plain, ours)


def _loss(on_kinks):
    X = np.random.default_rng(0).standard_normal((16, 8))
    with sg.using_dtype("float64"):
        net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    for _, p in net.named_parameters():
        p.assign(np.zeros(p.shape) if on_kinks else p.numpy())
    return lambda net: nn.absolute_loss(net(X)[:, 0], X[:, 0]), net


def _work(monkeypatch, run):
    """Ops, elements and multiply-adds of what is evaluated while ``run`` runs."""
    counts = np.zeros(3)

    def counted(node, inputs):
        adds = inputs[0].size * node.shape[-1] if node.op.name == "contract" and node.ndim else 0
        counts[:] += 1, node.size, adds
        return reference(node, inputs)

    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "reference", counted)
        run()
    return counts
