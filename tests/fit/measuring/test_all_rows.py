"""Metrics of all samples in runs, against scikit-learn's of the outputs."""

import numpy as np
import pytest
from sklearn import metrics as expected

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, DataError, ShapeError

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3))
CLASSES = (X[:, 0] + rng.normal(0, 0.5, 80) > 0).astype(int) + (X[:, 1] > 0.8)
NUMBERS = X @ [1.0, -2, 0.5] + rng.normal(0, 0.3, 80)


def softmax(f):
    powers = np.exp(f - f.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def test_metrics_of_several_classes():
    net = nn.Linear(3, 3, seed=0)
    names = ["precision", "recall", "f1", "roc_auc", "log_loss", "accuracy", "top_2_accuracy", "balanced_accuracy"]
    found = sg.evaluate(net, X, CLASSES, loss="cross_entropy", metrics=names)
    f = sg.predict(net, X)
    said, chances = f.argmax(1), softmax(f.astype(float))
    assert found["f1"] == pytest.approx(expected.f1_score(CLASSES, said, average="macro"))
    assert found["precision"] == pytest.approx(expected.precision_score(CLASSES, said, average="macro"))
    assert found["recall"] == pytest.approx(expected.recall_score(CLASSES, said, average="macro"))
    assert found["roc_auc"] == pytest.approx(expected.roc_auc_score(CLASSES, chances, multi_class="ovr"))
    assert found["log_loss"] == pytest.approx(expected.log_loss(CLASSES, chances))
    assert found["top_2_accuracy"] == pytest.approx(expected.top_k_accuracy_score(CLASSES, chances, k=2))
    assert found["accuracy"] == pytest.approx(expected.accuracy_score(CLASSES, said))


@pytest.mark.parametrize(
    ("loss", "labels", "limit"),
    [("binary_cross_entropy", (0, 1), 0), ("binomial", (-1, 1), 0), ("squared", (0, 1), 0.5), ("hinge", (-1, 1), 0)],
)
def test_metrics_of_single_scores(loss, labels, limit):
    net, places = nn.Linear(3, 1, seed=1), (CLASSES > 0).astype(int)
    y = np.array(labels)[places]
    names = ["accuracy", "precision", "f1", "roc_auc", "average_precision"]
    found = sg.evaluate(net, X, y, loss=loss, metrics=names)
    f = sg.predict(net, X)[:, 0]
    assert found["accuracy"] == pytest.approx(np.mean((f > limit) == places))
    assert found["precision"] == pytest.approx(expected.precision_score(places, f > limit))
    assert found["f1"] == pytest.approx(expected.f1_score(places, f > limit))
    assert found["roc_auc"] == pytest.approx(expected.roc_auc_score(places, f))
    assert found["average_precision"] == pytest.approx(expected.average_precision_score(places, f))


def test_metrics_of_numbers_in_a_run():
    net = nn.Linear(3, 1, seed=0)
    history = sg.fit(
        net, X, NUMBERS, loss="mse", epochs=2, optimizer=sg.SGD(0.05), validation=(X[:30], NUMBERS[:30]),
        metrics=["rmse", "mae", "r2"],
    )  # fmt: skip
    f = sg.predict(net, X)[:, 0]
    assert history["rmse"][-1] == pytest.approx(np.sqrt(np.mean((f - NUMBERS) ** 2)), rel=1e-5)
    assert history["r2"][-1] == pytest.approx(expected.r2_score(NUMBERS, f), rel=1e-5)
    assert history["validation_r2"][-1] == pytest.approx(expected.r2_score(NUMBERS[:30], f[:30]), rel=1e-5)
    assert history["validation_mae"][-1] == pytest.approx(np.abs(f[:30] - NUMBERS[:30]).mean(), rel=1e-5)


def test_metrics_of_one_of_several_outputs_and_of_members():
    class Two(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(3, 1, seed=0), nn.Linear(3, 3, seed=1)

        def forward(self, x):
            return {"number": self.a(x), "class": self.b(x)}

    y, loss = {"number": NUMBERS, "class": CLASSES}, {"number": "mse", "class": "cross_entropy"}
    metrics = {"number": ["rmse"], "class": ["f1", "top_1_accuracy", "accuracy"]}
    nets = sg.ensemble(Two(), 2, seed=4)
    found = sg.evaluate(nets, X, y, loss=loss, metrics=metrics)
    alone = [sg.evaluate(net, X, y, loss=loss, metrics=metrics) for net in nets]
    for name in ("number_rmse", "class_f1", "class_accuracy"):
        assert found[name] == pytest.approx(np.mean([one[name] for one in alone]), rel=1e-5)
    assert found["class_top_1_accuracy"] == pytest.approx(found["class_accuracy"])


def test_labels_that_are_ignored_do_not_count():
    y = np.where(np.arange(80) % 4 == 0, -100, CLASSES)
    net = nn.Linear(3, 3, seed=0)
    found = sg.evaluate(
        net, X, y, loss=lambda f, t: nn.cross_entropy(f, t, ignore_index=-100), metrics=["f1", "accuracy"]
    )
    f, there = sg.predict(net, X), y >= 0
    assert found["f1"] == pytest.approx(expected.f1_score(y[there], f[there].argmax(1), average="macro"))


def test_beside_batches_they_are_those_of_the_validation():
    batches = [(X[:40], CLASSES[:40]), (X[40:], CLASSES[40:])]
    net = nn.Linear(3, 3, seed=0)
    history = sg.fit(net, batches, loss="cross_entropy", epochs=1, metrics="f1", validation=(X, CLASSES))
    assert history.names == ["loss", "validation_loss", "validation_f1", "seconds"]
    with pytest.raises(ArgumentError, match="f1 is measured of all samples at once: beside batches, of a validation"):
        sg.fit(net, batches, loss="cross_entropy", metrics="f1")


def test_equal_scores_are_in_the_order_of_accuracy():
    from subgrad.fit.metrics import top_k_accuracy

    f, y = np.round(np.random.default_rng(0).standard_normal((40, 4))), np.arange(40) % 4  # many ties
    first = np.argsort(-f, axis=1, kind="stable")
    for k in (1, 2, 3):
        expected_share = (first[:, :k] == y[:, None]).any(1).mean()
        assert float(top_k_accuracy(sg.tensor(f), sg.tensor(y), k=k)) == pytest.approx(expected_share)
    f[:, 2] = np.nan  # what is not known is no answer
    assert float(top_k_accuracy(sg.tensor(f), sg.tensor(y), k=1)) == 0


def test_what_does_not_fit():
    with pytest.raises(ArgumentError, match="unknown metric 'auc': expected a function or one of accuracy, .*roc_auc"):
        sg.evaluate(nn.Linear(3, 3), X, CLASSES, loss="cross_entropy", metrics="auc")
    with pytest.raises(ShapeError, match=r"r2 takes a number for each sample, got outputs \(80, 3\)"):
        sg.evaluate(nn.Linear(3, 3), X, np.zeros((80, 3)), loss="mse", metrics="r2")
    with pytest.raises(ShapeError, match="top_k_accuracy compares classes"):
        sg.evaluate(nn.Linear(3, 1), X, NUMBERS, loss="mse", metrics="top_2_accuracy")
    with pytest.raises(ArgumentError, match="there are 3 classes, of which every one is among the 5 largest"):
        sg.evaluate(nn.Linear(3, 3), X, CLASSES, loss="cross_entropy", metrics="top_5_accuracy")
    with pytest.raises(DataError, match="f1 takes labels -1 and .1, or 0 and 1"):  # and not "accuracy takes"
        sg.evaluate(nn.Linear(3, 1), X, NUMBERS, loss="mse", metrics="f1")


@pytest.mark.parametrize(("name", "meant"), [("f1_score", "f1"), ("auc", "roc_auc"), ("recal", "recall")])
def test_names_of_other_libraries_lead_to_ours(name, meant):
    with pytest.raises(ArgumentError, match=f"did you mean '{meant}'"):
        sg.evaluate(nn.Linear(3, 3), X, CLASSES, loss="cross_entropy", metrics=name)
