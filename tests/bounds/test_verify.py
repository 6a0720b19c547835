"""`verify` and `output_bounds` against dense samples of small networks."""

from collections import Counter

import numpy as np
import pytest

import subgrad as sg
from subgrad import errors, nn
from subgrad.bounds import Monotone, Robust, Within, ball, output_bounds

SQUARE = [(-1, 1), (-1, 1)]


@pytest.fixture
def net():
    with sg.using_dtype("float64"):
        return nn.Sequential(nn.Linear(2, 8, seed=0), nn.ReLU(), nn.Linear(8, 3, seed=1))


def samples(net, box, count=20_000):
    low, high = np.array(box, float).T
    x = np.random.default_rng(0).uniform(low, high, (count, 2))
    return x, net(sg.tensor(x, "float64")).numpy()


def test_output_bounds_hold_and_are_near(net):
    low, high = output_bounds(net, SQUARE)
    _, y = samples(net, SQUARE)
    assert (low <= y.min(0)).all()
    assert (y.max(0) <= high).all()
    assert np.allclose(low, y.min(0), atol=0.03)
    assert np.allclose(high, y.max(0), atol=0.03)


def test_limits_are_proven_or_refuted(net):
    _, y = samples(net, SQUARE)
    assert sg.verify(net, SQUARE, Within(y.min(0) - 0.05, y.max(0) + 0.05))
    found = sg.verify(net, SQUARE, Within(high=y.max() - 0.01))
    assert found.status == "refuted"
    assert net(sg.tensor(found.counterexample[None], "float64")).numpy().max() > y.max() - 0.01


def test_classification_is_robust_as_far_as_no_sample_differs(net):
    box = ball([0.5, -0.5], 0.2)
    _, y = samples(net, box)
    (label,) = set(y.argmax(1).tolist())
    found = sg.verify(net, box, Robust(label))
    assert found
    assert found.bound < 0
    wrong = sg.verify(net, box, Robust((label + 1) % 3))
    assert wrong.status == "refuted"
    assert net(sg.tensor(wrong.counterexample[None], "float64")).numpy().argmax() != (label + 1) % 3


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid])
def test_network_with_positive_weights_rises(activation):
    net = nn.Sequential(nn.Linear(2, 6, seed=0), activation(), nn.Linear(6, 1, seed=1))
    for p in (net[0].weight, net[2].weight):
        p.assign(np.abs(p.numpy()))
    assert sg.verify(net, SQUARE, Monotone(0))
    found = sg.verify(net, SQUARE, Monotone(1, increasing=False))
    assert found.status == "refuted"
    x = found.counterexample
    step = np.array([0, 1e-3])
    ahead, behind = np.clip(x + step, -1, 1), np.clip(x - step, -1, 1)
    assert float(net(sg.tensor(ahead[None], "float32"))[0, 0]) > float(net(sg.tensor(behind[None], "float32"))[0, 0])


def test_slope_of_a_network_with_kinks_everywhere(net):
    x, _ = samples(net, SQUARE)
    weight, bias, out = (p.numpy() for p in (net[0].weight, net[0].bias, net[2].weight))
    slopes = ((x @ weight.T + bias > 0) * weight[:, 0]) @ out.T
    found = sg.verify(net, SQUARE, Monotone(0, tolerance=-slopes.min() + 0.01))
    assert found.status == "proven"
    assert sg.verify(net, SQUARE, Monotone(0, tolerance=-slopes.min() - 0.01)).status == "refuted"


STEPS = {
    "where": lambda x: sg.where(x < 0.3, 1.0, 0.0),
    "sign": lambda x: -sg.sign(x - 0.3),
    "cast": lambda x: -(x > 0.3).astype("float64"),
    "rising in between": lambda x: sg.where(x < 0.3, x, x - 1.0),
    "integers": lambda x: x - 2 * x.astype("int64").astype("float64"),
    "floor": lambda x: x - 2 * sg.floor(x),
    "remainder": lambda x: x % 1.5,
    "layer": nn.Sequential(nn.Linear(1, 3, seed=0), nn.Step(), nn.Linear(3, 1, seed=1)),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("increasing", [True, False])
def test_what_jumps_is_not_proven_to_be_monotone(name, increasing):
    """Its derivatives are 0 or positive on both sides of a jump downwards."""
    assert sg.verify(STEPS[name], (-3, 3), Monotone(0, increasing)).status != "proven"


def test_random_networks_are_as_monotone_as_samples_say():
    found = Counter(judged(seed) for seed in range(24))
    assert min(found["proven"], found["refuted"]) > 5


def judged(seed):
    """A small network, most of whose weights are positive; what is proven or refuted is looked at along lines."""
    rng = np.random.default_rng(seed)
    activation = [nn.ReLU, nn.Tanh, nn.Step, nn.LeakyReLU, nn.ELU, nn.GELU][seed % 6]
    with sg.using_dtype("float64"):
        net = nn.Sequential(nn.Linear(2, 3, seed=seed), activation(), nn.Linear(3, 1, seed=seed + 1))
    for p in (net[0].weight, net[2].weight):
        p.assign(np.abs(p.numpy()) * rng.choice([1, 1, 1, 1, -1], p.shape))
    f = lambda x: net(sg.tensor(x, "float64")).numpy()[:, 0]  # noqa: E731
    found = sg.verify(net, SQUARE, Monotone(0), budget=4000)
    if found.status == "proven":
        lines = np.stack(np.meshgrid(np.linspace(-1, 1, 400), rng.uniform(-1, 1, 50)), axis=-1)
        assert np.diff(f(lines.reshape(-1, 2)).reshape(50, 400)).min() > -1e-9, seed
    elif found.status == "refuted":
        beside = found.counterexample + np.array([[-1e-9, 0], [1e-9, 0]])
        assert np.diff(f(beside))[0] < 0, seed
    return found.status


def test_a_jump_outside_of_the_box_does_no_harm(tmp_path):
    checker = pytest.importorskip("subgrad.bounds.checker")
    found = sg.verify(STEPS["rising in between"], (0.5, 3), Monotone(0))
    found.save(tmp_path / "proof.safetensors")
    assert checker.check(tmp_path / "proof.safetensors")
    assert sg.verify(STEPS["rising in between"], (0.5, 3), Monotone(0, increasing=False)).status == "refuted"


@pytest.mark.parametrize("f", [
    lambda x: x - 2 * sg.stop_gradient(x), sg.custom_vjp(lambda x: -x, lambda g, y, x: g),
    lambda x: sg.custom_vjp(lambda x: -x, lambda g, y, x: g)(x) ** 3,
])  # fmt: skip
def test_derivatives_are_those_of_the_function(f):
    assert sg.verify(f, (0.5, 1), Monotone(0)).status == "refuted"
    assert sg.verify(f, (0.5, 1), Monotone(0, increasing=False)).status == "proven"


def test_a_derivative_at_a_kink_refutes_nothing():
    """The function is the identity; a kink's 0 for relu's slope makes -1 of its slope there."""
    identity = lambda x: 2 * sg.relu(x - 0.5) - 2 * sg.relu(0.5 - x) - x + 2  # noqa: E731
    assert sg.verify(identity, (0, 1), Monotone(0), budget=5000).status == "unknown"


def test_proof_of_a_property_passes_the_checker(net, tmp_path):
    checker = pytest.importorskip("subgrad.bounds.checker")
    found = sg.verify(net, ball([0.5, -0.5], 0.1), Robust(1))
    found.save(tmp_path / "robust.safetensors")
    assert checker.check(tmp_path / "robust.safetensors").startswith("the most by which the score of another class")


def test_balls_are_clipped():
    assert ball([0.0, 1.0], 0.5, 0, 1).tolist() == [[0, 0.5], [0.5, 1]]
    for wrong in (("a", 1), ([0], "a"), ([0], -1), ([0], [1, 2]), ([0], 1, [0, 1, 2]), ([1j], 1)):
        with pytest.raises(errors.ArgumentError):
            ball(*wrong)


@pytest.mark.parametrize(
    ("prop", "message"),
    [
        (Robust(3), "the network has 3 outputs, a class 3 needs more"),
        (Monotone(2), "the network has 2 inputs, there is no variable 2"),
        (Within(), "Within needs a lower or an upper limit"),
        (Within([1, 2]), "limits are a number, or one for each of 3 outputs"),
        ("robust", "a property is Within, Robust or Monotone of subgrad.bounds, got 'robust'"),
    ],
)
def test_bad_properties(net, prop, message):
    with pytest.raises(errors.ArgumentError, match=message):
        sg.verify(net, SQUARE, prop)


def test_a_deep_network_is_proven_by_going_backward(tmp_path):
    """Forward models need very many boxes of it."""
    checker = pytest.importorskip("subgrad.bounds.checker")
    with sg.using_dtype("float64"):
        layers = [layer for k in range(6) for layer in (nn.Linear(12, 12, seed=k), nn.ReLU())]
        net = nn.Sequential(*layers, nn.Linear(12, 3, seed=9))
    for p in net.parameters():
        p.assign(2.0 * p.numpy())
    box = ball(np.linspace(-1, 1, 12), 0.05)
    x = np.random.default_rng(0).uniform(*box.T, (2000, 12))
    y = net(sg.tensor(x, "float64")).numpy()
    (label,) = set(y.argmax(1).tolist())
    found = sg.verify(net, box, Robust(label), budget=10)
    assert found.status == "proven"
    assert found.bound >= max((np.delete(y, label, 1) - y[:, label : label + 1]).max(), found.value)
    found.save(tmp_path / "proof.safetensors")
    assert checker.check(tmp_path / "proof.safetensors").startswith("the most by which the score of another class")


@pytest.mark.parametrize(
    ("f", "box", "true", "false"),
    [
        (sg.sign, (0, 1), (-0.5, 1.5), (-0.5, 0.5)), (sg.sign, (-1, 0), (-1.5, 0.5), (-0.5, 0.5)),
        (sg.sign, (-1, 1), (-1.5, 1.5), (-0.5, 1.5)), (lambda x: sg.sign(x) - x, (0, 1), (-0.1, 1.1), (0.1, 1.1)),
    ],
)  # fmt: skip
def test_a_sign_of_what_ends_at_0(f, box, true, false):
    assert sg.verify(f, box, Within(*true)).status == "proven"
    assert sg.verify(f, box, Within(*false)).status == "refuted"


def test_the_checker_knows_the_sign_of_what_is_never_negative(tmp_path):
    pytest.importorskip("flint")
    from subgrad.bounds.checker import check

    found = sg.verify(lambda x: sg.sign(x) - x, (0, 1), Within(-0.1, 1.1))
    found.save(tmp_path / "proof.safetensors")
    assert "leaves its limits" in check(str(tmp_path / "proof.safetensors"))
