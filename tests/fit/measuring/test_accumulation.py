"""Steps over several batches against steps over one batch of all their samples."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError
from subgrad.fit import engine

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(50, 4)), rng.integers(0, 3, 50)
WEIGHT = rng.random(50)


def trained(accumulate, loss="cross_entropy", epochs=2, net=None, **options):
    with sg.using_dtype("float64"):
        net = net or nn.Sequential(nn.Linear(4, 6, seed=0), nn.Tanh(), nn.Linear(6, 3, seed=1))
    options = {"loss": loss, "epochs": epochs, "batch_size": 24 // accumulate, "shuffle": False, **options}
    return net, sg.fit(net, X, Y, accumulate=accumulate, **options)


def difference(a, b):
    return max(np.abs(v - b.state_dict()[name]).max() for name, v in a.state_dict().items())


@pytest.mark.parametrize(
    ("optimizer", "loss", "weight"),
    [
        (sg.Adam(0.05), "cross_entropy", None),
        (sg.SGD(sg.step.Cosine(0.5, steps=5), momentum=0.9), "cross_entropy", WEIGHT),
        (sg.SGD(0.01), lambda f, y: nn.cross_entropy(f, y, reduction="sum"), None),
        (sg.SGD(0.5), lambda f, y: nn.cross_entropy(f, y, ignore_index=0), None),
    ],
)
def test_two_batches_are_one_of_twice_the_length(optimizer, loss, weight):
    """50 samples: two batches of 12 and 12, then 2 of an epoch that ends."""
    one, expected = trained(1, loss, optimizer=optimizer, sample_weight=weight)
    two, found = trained(2, loss, optimizer=optimizer, sample_weight=weight)
    assert difference(one, two) < 1e-12
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-12)


def test_members_of_an_ensemble_accumulate():
    nets = [sg.ensemble(nn.Linear(4, 3), 2, seed=1) for _ in range(2)]
    one, two = (trained(k, optimizer=sg.Adam(0.05), net=net)[0] for k, net in zip((1, 4), nets, strict=True))
    assert difference(one, two) < 1e-6


def test_the_interpreter_accumulates(monkeypatch):
    monkeypatch.setattr(engine, "can_compile", lambda: False)
    one, two = (trained(k, optimizer=sg.Adam(0.05), epochs=1)[0] for k in (1, 2))
    assert difference(one, two) < 1e-12


def test_a_resumed_run_accumulates_as_before(tmp_path):
    whole, _ = trained(2, epochs=3)
    parted, _ = trained(2, epochs=2, checkpoint=tmp_path / "run")
    trained(2, epochs=3, net=parted, resume=tmp_path / "run")
    assert difference(whole, parted) == 0
    with pytest.raises(ArgumentError, match="accumulate 2, now 1"):
        sg.fit(parted, X, Y, loss="cross_entropy", batch_size=12, shuffle=False, resume=tmp_path / "run")


def test_a_trainer_accumulates_batches_of_many_lengths():
    def network():
        with sg.using_dtype("float64"):
            return nn.Sequential(nn.Linear(4, 6, seed=0), nn.Tanh(), nn.Linear(6, 3, seed=1))

    one, three = (
        sg.Trainer(network(), loss="cross_entropy", optimizer=sg.Adam(0.05), accumulate=k) for k in (1, 3)
    )
    start = network()
    for batches in ([slice(0, 12), slice(12, 17), slice(17, 20)], [slice(20, 30), slice(30, 49), slice(49, 50)]):
        for batch in batches[:-1]:
            three.partial_fit(X[batch], Y[batch], WEIGHT[batch])
            assert difference(three.model, start) == 0  # nothing moves before the third
        three.partial_fit(X[batches[-1]], Y[batches[-1]], WEIGHT[batches[-1]])
        whole = slice(batches[0].start, batches[-1].stop)
        one.partial_fit(X[whole], Y[whole], WEIGHT[whole])
        assert difference(one.model, three.model) < 1e-12
        start.load_state_dict(three.model.state_dict())
    assert (three.steps, three.state["inner"]["step"].item()) == (6, 2)


def test_what_accumulate_cannot_be():
    with pytest.raises(ArgumentError, match="accumulate must be an integer of 1 or more, got 2.5"):
        sg.Trainer(nn.Linear(4, 3), loss="cross_entropy", accumulate=2.5)
    with pytest.raises(ArgumentError, match="accumulate must be an integer of 1 or more, got 0"):
        sg.fit(nn.Linear(4, 3), X, Y, loss="cross_entropy", accumulate=0)
    with pytest.raises(ArgumentError, match="lbfgs takes no checkpoint, resume, accumulate"):
        sg.fit(nn.Linear(4, 3), X, Y, loss="cross_entropy", optimizer="lbfgs", accumulate=2)
