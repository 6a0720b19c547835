"""Numbers of a run are means over all samples, weighted where the loss is, wherever batches end."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, DataError
from subgrad.fit import evaluation

rng = np.random.default_rng(0)
N = 50
X = rng.normal(size=(N, 3)).astype("f4")
CLASSES = rng.integers(0, 3, N)
WEIGHT = np.where(np.arange(N) < 20, 10.0, rng.uniform(0, 0.2, N))
WEIGHT[7:14] = 0  # a whole batch
BY_CLASS = [5.0, 0.0, 0.1]
STILL = sg.SGD(1e-12)


def by_class(f, y, sample_weight=None):
    return nn.cross_entropy(f, y, class_weight=BY_CLASS, sample_weight=sample_weight)


def two_outputs(f, y, sample_weight=None):
    """Two weighted means with weights of their own, a factor, and what is no mean over samples."""
    first = nn.cross_entropy(f, y, class_weight=BY_CLASS)
    return 3 * first + nn.squared_loss(f[:, 0], y, sample_weight=sample_weight) + 0.25


def summed(f, y, sample_weight=None):
    return nn.cross_entropy(f, y, sample_weight=sample_weight, reduction="sum")


LOSSES = {"cross_entropy": "cross_entropy", "by class": by_class, "two": two_outputs, "sum": summed}


@pytest.mark.parametrize("weight", [None, WEIGHT, WEIGHT > 1])
@pytest.mark.parametrize("name", LOSSES)
def test_whatever_the_batches(name, weight, monkeypatch):
    loss, net = LOSSES[name], nn.Linear(3, 3, seed=0)
    given = {} if weight is None else {"sample_weight": weight.astype(float)}
    function = nn.cross_entropy if isinstance(loss, str) else loss
    truth = float(function(net(X), CLASSES, **given))
    monkeypatch.setattr(evaluation, "BATCH", 7)
    assert sg.evaluate(net, X, CLASSES, loss=loss, **given)["loss"] == pytest.approx(truth, rel=1e-5)
    history = sg.fit(net, X, CLASSES, loss=loss, epochs=1, batch_size=7, shuffle=False, optimizer=STILL,
                     validation=(X, CLASSES, *given.values()), **given)  # fmt: skip
    assert history["loss"] == pytest.approx([truth], rel=1e-5)
    assert history["validation_loss"] == pytest.approx([truth], rel=1e-5)


def test_members_of_an_ensemble(monkeypatch):
    nets = sg.ensemble(nn.Linear(3, 3), 3)
    monkeypatch.setattr(evaluation, "BATCH", 7)
    truth = np.mean([float(nn.cross_entropy(net(X), CLASSES, sample_weight=WEIGHT)) for net in nets])
    assert sg.evaluate(nets, X, CLASSES, loss="cross_entropy", sample_weight=WEIGHT)["loss"] == pytest.approx(
        truth, 1e-5
    )


def test_a_batch_without_weight_changes_nothing():
    net = nn.Linear(3, 3, seed=0)
    weight = np.where(np.arange(N) < 32, 0.0, 1.0)
    sg.fit(net, X, CLASSES, loss="cross_entropy", epochs=1, batch_size=32, shuffle=False, sample_weight=weight,
           optimizer=sg.SGD(0.1))  # fmt: skip
    other = nn.Linear(3, 3, seed=0)
    sg.fit(other, X[32:], CLASSES[32:], loss="cross_entropy", epochs=1, optimizer=sg.SGD(0.1), shuffle=False)
    np.testing.assert_allclose(net.weight.numpy(), other.weight.numpy(), rtol=1e-5)


def test_early_stopping_goes_by_the_weighted_mean():
    """The heavy samples are learnt, the many light ones have labels that contradict them."""
    x = np.ones((40, 1), "f4")
    y, weight = np.where(np.arange(40) < 4, 1.0, -1.0), np.where(np.arange(40) < 4, 100.0, 0.01)
    net = nn.Linear(1, 1, bias=False, init="zeros")
    history = sg.fit(net, x, y, loss="squared", sample_weight=weight, epochs=20, batch_size=4, optimizer=sg.SGD(0.01),
                     shuffle=False, validation=(x, y, weight))  # fmt: skip
    at_last = float(nn.squared_loss(net(x)[:, 0], y, sample_weight=weight))
    assert history["validation_loss"][-1] == pytest.approx(at_last, rel=1e-4)


def test_no_weight_at_all():
    net = nn.Linear(3, 3)
    with pytest.raises(DataError, match="sample_weight is 0 for all samples"):
        sg.fit(net, X, CLASSES, loss="cross_entropy", sample_weight=np.zeros(N))
    with pytest.raises(DataError, match="the loss is a weighted mean, and all samples have the weight 0"):
        sg.evaluate(net, X, np.ones(N, int), loss=by_class)
    assert float(nn.cross_entropy(net(X), CLASSES, sample_weight=np.zeros(N))) == 0


def test_a_share_to_validate_with_is_one_of_the_samples_that_have_a_weight():
    weight = np.where(np.arange(N) % 10 == 3, 1.0, 0.0)  # 5 of 50
    for seed in range(4):
        history = sg.fit(nn.Linear(3, 3, seed=0), X, CLASSES, loss="cross_entropy", sample_weight=weight, epochs=1,
                         validation=0.4, seed=seed)  # fmt: skip
        assert np.isfinite(history["validation_loss"][0])
    with pytest.raises(DataError, match="0.05 of 5 samples leaves nothing"):
        sg.fit(nn.Linear(3, 3), X, CLASSES, loss="cross_entropy", sample_weight=weight, validation=0.05)


def test_a_loss_that_takes_no_weights():
    for weights in ({"sample_weight": WEIGHT}, {"validation": (X, CLASSES, WEIGHT)}):
        with pytest.raises(ArgumentError, match="takes no argument sample_weight"):
            sg.fit(nn.Linear(3, 3), X, CLASSES, loss=lambda f, y: nn.cross_entropy(f, y), **weights)


def test_classes_that_are_ignored_count_for_nothing(monkeypatch):
    y = np.where(np.arange(N) % 3 > 0, CLASSES, -100)
    y[7:14] = -100  # a whole batch
    net, there = nn.Linear(3, 3, seed=0), y >= 0
    loss = float(nn.cross_entropy(net(X[there]), y[there]))
    right = np.mean(net(X[there]).numpy().argmax(1) == y[there])
    monkeypatch.setattr(evaluation, "BATCH", 7)

    def ignoring(f, y):
        return nn.cross_entropy(f, y, ignore_index=-100)

    found = sg.evaluate(net, X, y, loss=ignoring, metrics=["accuracy"])
    assert found == pytest.approx({"loss": loss, "accuracy": right}, rel=1e-5)
    history = sg.fit(net, X, y, loss=ignoring, metrics=["accuracy"], epochs=1, batch_size=7, shuffle=False,
                     optimizer=STILL, validation=(X, y))  # fmt: skip
    for name in ("", "validation_"):
        assert history[f"{name}loss"] == pytest.approx([loss], rel=1e-5)
        assert history[f"{name}accuracy"] == pytest.approx([right], rel=1e-5)
