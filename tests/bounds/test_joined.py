"""Properties that are joined by & and |: against dense samples, and what cannot be joined."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import errors, nn
from subgrad.bounds import And, Monotone, Or, Robust, Within

SQUARE = [(-1, 1), (-1, 1)]


@pytest.fixture(scope="module")
def net():
    with sg.using_dtype("float64"):
        return nn.Sequential(nn.Linear(2, 8, seed=0), nn.ReLU(), nn.Linear(8, 3, seed=1))


@pytest.fixture(scope="module")
def outputs(net):
    x = np.stack(np.meshgrid(*[np.linspace(-1, 1, 101)] * 2), axis=-1).reshape(-1, 2)
    return sg.predict(net, x)


def test_both_hold_if_each_does(net, outputs):
    wide = Within(outputs.min(0) - 0.05, outputs.max(0) + 0.05)
    tight = Within(high=outputs.max(0) - 0.05)
    first = Within(low=[outputs[:, 0].min() - 0.01, -np.inf, -np.inf])
    assert sg.verify(net, SQUARE, wide & first).status == "proven"
    found = sg.verify(net, SQUARE, wide & tight)
    assert found.status == "refuted"
    assert (found.outputs > outputs.max(0) - 0.05).any()
    np.testing.assert_allclose(sg.predict(net, found.counterexample[None])[0], found.outputs, rtol=1e-9)


def test_one_of_two_may_hold_here_and_the_other_there(net, outputs):
    """The largest of two numbers is never below a limit that the first misses somewhere."""
    least = np.maximum(outputs[:, 0], outputs[:, 1]).min()
    limit = float(least - 0.02)
    one, other = Within([limit, -np.inf, -np.inf]), Within([-np.inf, limit, -np.inf])
    assert sg.verify(net, SQUARE, one).status == "refuted"
    found = sg.verify(net, SQUARE, one | other)
    assert found.status == "proven"
    assert str(found).startswith("proven: Within(low=[")
    above = float(least + 0.02)
    found = sg.verify(net, SQUARE, Within([above, -np.inf, -np.inf]) | Within([-np.inf, above, -np.inf]))
    assert found.status == "refuted"
    assert (found.outputs[:2] < above).all()


def test_they_can_be_nested(net, outputs):
    labels = outputs.argmax(1)
    classes = sorted(set(labels.tolist()))
    some_class = Or([Robust(k) for k in range(3)])
    assert sg.verify(net, SQUARE, some_class & Within(high=outputs.max() + 0.1), budget=100).status != "refuted"
    if len(classes) > 1:
        assert sg.verify(net, SQUARE, And([Robust(k) for k in classes])).status == "refuted"


def test_proofs_pass_the_checker(net, outputs, tmp_path):
    checker = pytest.importorskip("subgrad.bounds.checker")
    prop = Within(high=outputs.max() + 0.1) & (Within(low=outputs.min() - 0.1) | Robust(0))
    sg.verify(net, SQUARE, prop).save(tmp_path / "proof.safetensors")
    assert checker.check(tmp_path / "proof.safetensors").startswith("none of 9 polytopes of outputs is reached")


def test_a_tolerance_and_a_limit_that_is_just_kept():
    double = lambda x: 2.0 * x  # noqa: E731
    both = Within(high=2.0, tolerance=0.1) & Within(low=0.0)
    assert sg.verify(double, [(0, 1.04)], both & Within(low=-0.5), budget=50).status != "refuted"
    assert sg.verify(double, [(0, 1)], both, budget=50).status != "refuted"  # 2 itself is allowed
    assert sg.verify(double, [(0.5, 1.04)], both).status == "proven"
    assert sg.verify(double, [(0.5, 1.06)], both).status == "refuted"
    for kind in (np.float32, np.float16, np.int64):
        assert sg.verify(double, [(0.5, 1.06)], Within(high=2.0, tolerance=kind(1)) & Within(low=0.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Within(0, 1) & Monotone(0), "& and | join Within and Robust"),
        (lambda: Monotone(0) | Robust(1), "& and | join Within and Robust"),
        (lambda: Robust(1) and Within(0, 1), "joined by & and |"),
        (lambda: Robust(3) & Within(0, 1), "the network has 3 outputs, a class 3 needs more"),
        (lambda: Within() | Robust(1), "Within needs a lower or an upper limit"),
        (lambda: Within(0, 1, tolerance=np.nan) | Robust(1), "a tolerance is a finite number"),
        (lambda: Within(0, 1, tolerance=1j) | Robust(1), "a tolerance is a finite number"),
        (lambda: Within(0, 1, tolerance=np.complex64(1)), "a tolerance is a finite number"),
        (lambda: Or([Robust(0)] * 15), "more than 20,000 ways"),
        (lambda: And([Robust(0), "x"]), "& and | join Within and Robust"),
    ],
)
def test_what_cannot_be_joined(net, make, message):
    with pytest.raises(errors.ArgumentError, match=message.replace("|", r"\|")):
        sg.verify(net, SQUARE, make())
