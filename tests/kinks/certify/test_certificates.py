"""Certificates: right by an independent linear program, accepted by the verifier, rejected when they are changed."""

import dataclasses
import json

import numpy as np
import pytest
from nested_kinks import holds_zero, random_program

import subgrad as sg
from subgrad import errors, nn
from subgrad.kinks.certify.certificates import load_certificate, verify_certificate
from subgrad.kinks.certify.evidence import Proven
from subgrad.kinks.certify.stationary import is_stationary

# At a point


def test_random_programs_are_judged_as_a_linear_program_judges_them():
    rng = np.random.default_rng(3)
    claims = []
    for _ in range(18):
        n = int(rng.integers(1, 4))
        program = random_program(rng, n, 3)
        found = is_stationary(program, program.point)
        claims.append(found.claim)
        directions = rng.standard_normal((500, n))
        assert found.claim == ("stationary" if holds_zero(program.gradients(directions)) else "descent")
        assert bool(found) == (found.claim == "stationary")
        assert verify_certificate(found, program)
    assert 2 < claims.count("stationary") < 16


def test_the_generators_of_a_piecewise_smooth_function_are_limits():
    def f(x):
        return sg.maximum(x[0] ** 2 + x[1], (x[1] - 1) ** 2 + x[0] - 1)

    found = is_stationary(f, [0.0, 0.0])
    assert found.claim == "descent"
    np.testing.assert_allclose(found.direction, [0.3, 0.1], atol=1e-6)  # between (0, 1) and (1, -2)
    assert verify_certificate(found, f)


@pytest.mark.parametrize("scale", [1e-140, 1e-5, 1.0, 1e5, 1e140])
def test_certificates_at_all_scales(scale):
    def f(x):
        return scale * abs(x - scale).sum() + scale * x[0] / 2

    found = is_stationary(f, [scale, scale], tolerance=scale * 1e-6)
    assert found.claim == "stationary"
    assert verify_certificate(found, f)
    assert is_stationary(f, [scale, 0.0], tolerance=scale * 1e-6).claim == "descent"


def test_unknown_says_why():
    found = is_stationary(sg.custom_vjp(lambda x: abs(x).sum(), lambda g, y, x: g * x), [0.0, 0.0])
    assert found.claim == "unknown"
    assert "by hand" in str(found)
    assert not found
    assert not verify_certificate(found, lambda x: abs(x).sum())


def test_the_norm_is_stationary_at_zero_though_its_slopes_fill_a_ball():
    for n, f in ((2, sg.norm), (5, sg.norm), (3, lambda x: sg.norm(x) + 0.5 * x[0]), (2, lambda x: sg.norm(x) ** 1.5)):
        found = is_stationary(f, np.zeros(n))
        assert found.claim == "stationary"
        assert verify_certificate(found, f)
    tilted = is_stationary(lambda x: sg.norm(x) - 2 * x[0], [0.0, 0.0])
    assert tilted.claim == "descent"
    assert verify_certificate(tilted, lambda x: sg.norm(x) - 2 * x[0])
    near = is_stationary(lambda x: sg.norm(x), [0.0, 0.0], delta=1e-3)
    assert near.claim == "stationary"
    assert verify_certificate(near, lambda x: sg.norm(x))


def test_an_inner_set_without_zero_leads_to_unknown_or_to_real_descent():
    def f(x):  # 0 is a subgradient that first-order information does not show
        return x[0] + sg.relu(-(x[0] + x[1] ** 2)) - sg.relu(-x[0]) - 2 * sg.relu(x[0] - x[1] ** 2) + 2 * sg.relu(x[0])

    found = is_stationary(f, [0.0, 0.0])
    assert found.claim != "stationary"
    assert found.claim == "unknown" or verify_certificate(found, f)


def test_a_descent_from_a_kink_at_zero_takes_few_intervals(monkeypatch):
    """There floats go on for three hundred decades, and on all of them the slope is the same."""
    counted = []
    rise = Proven.rise
    monkeypatch.setattr(Proven, "rise", lambda *args: counted.append(args) or rise(*args))
    found = is_stationary(lambda x: 3 * sg.relu(x[0]) - abs(x[0]) - sg.relu(-x[0]), [0.0])
    assert found.claim == "descent"
    assert verify_certificate(found, lambda x: 3 * sg.relu(x[0]) - abs(x[0]) - sg.relu(-x[0]))
    assert len(counted) < 20
    bent = is_stationary(lambda x: x[0] ** 2 + x[0] - sg.relu(-x[0]), [0.0])
    assert (bent.claim, len(counted) < 60) == ("descent", True)


@pytest.mark.parametrize("options", [{"delta": -1.0}, {"tolerance": 0.0}, {"budget": 0}])
def test_options_out_of_range(options):
    with pytest.raises(errors.ArgumentError, match="at least"):
        is_stationary(lambda x: abs(x), 0.0, **options)


# Within a radius


def test_goldstein_certificates_of_random_programs():
    rng = np.random.default_rng(9)
    for _ in range(10):
        program = random_program(rng, 3, 5)
        point = program.point + rng.standard_normal(3) / 64
        found = is_stationary(program, point, delta=0.25, tolerance=1e-3)
        assert found.claim in ("stationary", "descent")
        assert verify_certificate(found, program)
        assert (np.linalg.norm(found.points - point, axis=1) <= 0.25).all()


def test_a_steep_valley_far_from_its_floor_is_left_and_close_to_it_is_stationary():
    def f(x):
        return 100 * abs(x[1] - x[0] ** 2) + abs(1 - x[0])

    assert is_stationary(f, [0.9, 0.8], delta=1e-3, tolerance=1e-3).claim == "descent"
    found = is_stationary(f, [1.0 + 1e-5, 1.0], delta=1e-2, tolerance=1e-3)
    assert found
    assert verify_certificate(found, f)


X = sg.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
Y = sg.tensor([-1.0, 1.0, 1.0, -1.0])


def absolute(net):
    return nn.absolute_loss(net(X)[:, 0], Y)


def hinge(net):
    return nn.hinge_loss(net(X)[:, 0], Y) + 0.01 * sum(abs(p).sum() for p in net.parameters())


@pytest.mark.parametrize(("loss", "hidden", "delta"), [(absolute, 8, 0.02), (hinge, 50, 0.1)])
def test_a_trained_network_is_certified_over_its_parameters(loss, hidden, delta):
    """Steps along the directions of descent certificates, until there is none."""
    sg.manual_seed(1)
    net = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, 1))
    for k in range(200):
        for p, g in zip(net.parameters(), sg.grad(loss(net), list(net.parameters())), strict=True):
            p.assign(p - 3.0 / (30 + k) * g)
    found = first = is_stationary(loss, net, delta=delta, tolerance=1e-2)
    assert first.claim == "descent"
    assert verify_certificate(first, loss, net)
    while found.claim == "descent":
        value = float(loss(net))
        assign(net, found.x - found.step * found.direction)
        assert float(loss(net)) < value
        found = is_stationary(loss, net, delta=delta, tolerance=1e-2)
    assert found.claim == "stationary"
    assert found.x.size == 4 * hidden + 1
    assert len(found.points) > 1  # no single gradient near the point is small: it takes a combination
    assert np.linalg.norm(found.gradients, axis=1).min() > 0.1
    assert verify_certificate(found, loss, net)
    assert not verify_certificate(found, lambda net: 2 * loss(net), net)


def assign(net, vector):
    for p in net.parameters():
        part, vector = vector[: p.size], vector[p.size :]
        p.assign(part.reshape(p.shape))


# Changed certificates


def f_cornered(x):
    return abs(x[0]) + sg.relu(x[1]) - 0.25 * x[1] + 0.125 * x[0]


ISSUED = [
    is_stationary(f_cornered, [0.0, 0.0]),
    is_stationary(f_cornered, [0.01, -0.01], delta=0.1),
    is_stationary(f_cornered, [0.0, 1.0]),
    is_stationary(f_cornered, [1.0, 1.0], delta=0.1),
]


def mutants(c):
    for i in range(len(c.points)):
        for name, change in (("gradients", 1e-3), ("weights", 1e-3), ("weights", -2.0)):
            array = getattr(c, name).copy()
            array[i] += change
            yield dataclasses.replace(c, **{name: array})
        moved = c.points.copy()
        moved[i] = 2 * c.x - moved[i] if c.delta == 0 else moved[i] + 3 * c.delta
        yield dataclasses.replace(c, points=moved)
    shifted = c.weights + np.where(np.arange(len(c.weights)) == 0, 0.01, 0)
    if len(c.weights) > 1 and c.claim == "stationary":
        yield dataclasses.replace(c, weights=shifted / shifted.sum())
    yield dataclasses.replace(c, claim="descent" if c.claim == "stationary" else "stationary")
    yield dataclasses.replace(c, x=c.x + 0.5)


@pytest.mark.parametrize("issued", ISSUED, ids=str)
def test_changed_certificates_are_rejected(issued):
    assert verify_certificate(issued, f_cornered)
    for mutant in mutants(issued):
        assert not verify_certificate(mutant, f_cornered)
    assert not verify_certificate(issued, lambda x: f_cornered(x) + 0.01 * x.sum())


@pytest.mark.parametrize("issued", [c for c in ISSUED if c.claim == "descent"], ids=str)
def test_changed_directions_are_rejected(issued):
    assert not verify_certificate(dataclasses.replace(issued, direction=-issued.direction), f_cornered)
    assert not verify_certificate(dataclasses.replace(issued, direction=1.1 * issued.direction), f_cornered)
    assert not verify_certificate(dataclasses.replace(issued, direction=0 * issued.direction), f_cornered)
    assert not verify_certificate(dataclasses.replace(issued, step=-issued.step), f_cornered)
    assert not verify_certificate(dataclasses.replace(issued, step=1e3 * issued.step), f_cornered)


def test_a_point_on_a_kink_proves_nothing():
    """At 0 backprop says 0 for relu(x) - relu(-x), which is x."""

    def f(x):
        return (sg.relu(x) - sg.relu(-x)).sum()

    c = is_stationary(lambda x: 0 * x.sum(), [0.0], delta=0.1)
    forged = dataclasses.replace(c, points=np.zeros((1, 1)), gradients=np.zeros((1, 1)), weights=np.ones(1))
    assert float(sg.grad(f)([0.0])[0]) == 0.0
    assert not verify_certificate(forged, f)


# Files


@pytest.mark.parametrize("issued", ISSUED, ids=str)
def test_a_saved_certificate_comes_back_the_same(issued, tmp_path):
    issued.save(tmp_path / "c.json")
    back = load_certificate(tmp_path / "c.json")
    for field in dataclasses.fields(issued):
        np.testing.assert_array_equal(getattr(back, field.name), getattr(issued, field.name))
    assert verify_certificate(back, f_cornered)


def test_damaged_files_raise(tmp_path):
    path = tmp_path / "c.json"
    with pytest.raises(errors.FileError, match="cannot read"):
        load_certificate(path)
    ISSUED[0].save(path)
    good = json.loads(path.read_text())
    damaged = [
        "", "[]", "{}", path.read_text()[:-5], json.dumps({**good, "format": "else"}),
        json.dumps({k: v for k, v in good.items() if k != "points"}), json.dumps({**good, "weights": [1.0]}),
        json.dumps({**good, "points": [["a", "b"]]}), json.dumps({**good, "x": [1.0, 2.0, 3.0]}),
    ]  # fmt: skip
    for text in damaged:
        path.write_text(text)
        with pytest.raises(errors.FileError, match="no certificate"):
            load_certificate(path)
