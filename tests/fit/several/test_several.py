"""Models of several inputs and outputs: steps against NumPy, by position and by name, and what is refused."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, DataError, ShapeError

rng = np.random.default_rng(0)
A, B = rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
NUMBER, CLASS = rng.normal(size=60), rng.integers(0, 4, 60)


class Two(nn.Module):
    """A number of a, and scores of classes of b."""

    def __init__(self, named=False):
        self.named = named
        self.left, self.right = nn.Linear(3, 1, bias=False, seed=0), nn.Linear(2, 4, bias=False, seed=1)

    def forward(self, a, b):
        number, scores = self.left(a), self.right(b)
        return {"number": number, "class": scores, "hidden": a} if self.named else (number, scores)


def by_hand(factors=(1.0, 1.0), weight=None):
    """The parameters after one step of 0.1, and the two losses before it."""
    u, v = (p.numpy().astype(float) for p in Two().parameters())
    w = np.full(60, 1 / 60) if weight is None else weight / weight.sum()
    error = A @ u[0] - NUMBER
    scores = B @ v.T
    chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    losses = w @ error**2, -w @ np.log(chances[np.arange(60), CLASS])
    du, dv = 2 * (w * error) @ A, (w[:, None] * (chances - np.eye(4)[CLASS])).T @ B
    return u - 0.1 * factors[0] * du, v - 0.1 * factors[1] * dv, losses


STEP = {"optimizer": sg.SGD(0.1), "epochs": 1, "batch_size": 60}


@pytest.mark.parametrize("weight", [None, rng.random(60)])
def test_a_step_with_dicts_and_weights(weight):
    net = Two(named=True)
    history = sg.fit(
        net, {"b": B, "a": A}, {"class": CLASS, "number": NUMBER}, loss={"number": "mse", "class": nn.cross_entropy},
        loss_weights={"class": 3.0}, metrics={"class": "accuracy", "number": ["mae"]}, sample_weight=weight, **STEP,
    )  # fmt: skip
    u, v, losses = by_hand((1.0, 3.0), weight)
    np.testing.assert_allclose(net.left.weight.numpy(), u, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(net.right.weight.numpy(), v, rtol=1e-5, atol=1e-6)
    assert history["number_loss"] == pytest.approx([losses[0]], rel=1e-5)
    assert history["class_loss"] == pytest.approx([losses[1]], rel=1e-5)
    assert history["loss"] == pytest.approx([losses[0] + 3 * losses[1]], rel=1e-5)
    before = Two()
    assert history["class_accuracy"] == pytest.approx([np.mean(before(A, B)[1].numpy().argmax(1) == CLASS)])
    assert history["number_mae"] == pytest.approx([np.abs(before(A, B)[0].numpy()[:, 0] - NUMBER).mean()], rel=1e-5)


@pytest.mark.parametrize("loss", [("mse", "cross_entropy"), [nn.squared_loss, nn.cross_entropy]])
def test_a_step_by_position(loss):
    net = Two()
    history = sg.fit(net, (A, B), (NUMBER, CLASS), loss=loss, loss_weights=(1, 2), metrics={1: "accuracy"}, **STEP)
    u, v, losses = by_hand((1.0, 2.0))
    np.testing.assert_allclose(net.left.weight.numpy(), u, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(net.right.weight.numpy(), v, rtol=1e-5, atol=1e-6)
    assert history.names == ["loss", "0_loss", "1_loss", "1_accuracy", "seconds"]
    assert history["0_loss"] == pytest.approx([losses[0]], rel=1e-5)


def test_the_trainer_takes_the_same_step():
    net = Two(named=True)
    trainer = sg.Trainer(net, loss={"number": "mse", "class": "cross_entropy"}, optimizer=sg.SGD(0.1))
    found = trainer.partial_fit({"a": A, "b": B}, {"number": NUMBER, "class": CLASS})
    _, v, losses = by_hand()
    np.testing.assert_allclose(net.right.weight.numpy(), v, rtol=1e-5, atol=1e-6)
    assert found == pytest.approx(sum(losses), rel=1e-5)


def test_validation_predictions_and_evaluation():
    net = Two(named=True)
    given, truth = {"a": A, "b": B}, {"number": NUMBER, "class": CLASS}
    loss = {"number": "mse", "class": "cross_entropy"}
    other_order = {"b": B, "a": A}, {"class": CLASS, "number": NUMBER}
    history = sg.fit(net, given, truth, loss=loss, epochs=2, validation=other_order, metrics={"class": "accuracy"})
    found = sg.evaluate(net, given, truth, loss=loss, metrics={"class": "accuracy"})
    assert {f"validation_{name}": value for name, value in found.items()} == pytest.approx(
        {name: values for name, values in history.epochs[-1].items() if name.startswith("validation_")}
    )
    answers = sg.predict(net, given, batch_size=16)
    expected = net(a=sg.tensor(A), b=sg.tensor(B))
    for key in ("number", "class", "hidden"):
        np.testing.assert_allclose(answers[key], expected[key].numpy(), rtol=1e-5, atol=1e-6)
    assert isinstance(sg.predict(Two(), (A, B)), tuple)
    for at_once in (net.predict({"b": B[:5], "a": A[:5]}), net.predict((A[:5], B[:5])), net.predict(A[:5], b=B[:5])):
        for key in ("number", "class", "hidden"):
            np.testing.assert_allclose(at_once[key], answers[key][:5], rtol=1e-5, atol=1e-6)
    assert len(sg.fit(net, given, truth, loss=loss, epochs=1, validation=0.25)["validation_class_loss"]) == 1


def test_a_loss_of_ones_own_gets_outputs_and_targets_as_they_are():
    """A loss of three outputs and one array of targets, such as that of a variational autoencoder."""
    net = Two(named=True)
    history = sg.fit(
        net, (A, B), NUMBER, loss=lambda out, y: nn.squared_loss(out["number"][:, 0], y) + (out["class"] ** 2).mean(),
        **STEP,
    )  # fmt: skip
    assert history["loss"] == pytest.approx([by_hand()[2][0] + ((B @ Two().right.weight.numpy().T) ** 2).mean()], 1e-5)
    u, _, _ = by_hand()
    np.testing.assert_allclose(net.left.weight.numpy(), u, rtol=1e-5, atol=1e-6)


def test_members_of_an_ensemble_train_on_several_inputs():
    members = sg.ensemble(Two(named=True), 2, seed=3)
    alone = members[1]
    loss = {"number": "mse", "class": "cross_entropy"}
    for net in (members, alone):
        sg.fit(net, {"a": A, "b": B}, {"number": NUMBER, "class": CLASS}, loss=loss, **STEP)
    np.testing.assert_allclose(members[1].left.weight.numpy(), alone.left.weight.numpy(), rtol=1e-5, atol=1e-6)
    assert sg.predict(members, (A, B))["class"].shape == (2, 60, 4)


def test_a_run_on_several_inputs_goes_on_from_its_checkpoint(tmp_path):
    options = {"loss": {"number": "mse", "class": "cross_entropy"}, "batch_size": 16}
    data = {"a": A, "b": B}, {"number": NUMBER, "class": CLASS}
    whole, parted = Two(named=True), Two(named=True)
    sg.fit(whole, *data, epochs=3, **options)
    sg.fit(parted, *data, epochs=2, checkpoint=tmp_path / "run", **options)
    sg.fit(parted, *data, epochs=3, resume=tmp_path / "run", **options)
    assert all((whole.state_dict()[name] == value).all() for name, value in parted.state_dict().items())


LOSS = {"number": "mse", "class": "cross_entropy"}
X, Y = {"a": A, "b": B}, {"number": NUMBER, "class": CLASS}


@pytest.mark.parametrize(
    ("X", "y", "options", "error", "message"),
    [
        ({"a": A, "c": B}, Y, {}, ArgumentError, r"forward\(a, b\) does not take X, .* 'a', 'c'.*argument: 'b'"),
        (A, Y, {}, ArgumentError, r"does not take X, which holds one array: missing a required argument: 'b'"),
        ({"a": A, "b": B[:5]}, Y, {}, ShapeError, r"X\['a'\] of shape \(60, 3\), X\['b'\] of shape \(5, 2\), y\['nu"),
        ((A, [["x"]] * 60), Y, {}, DataError, r"X\[1\] must hold numbers"),
        ({}, Y, {}, ArgumentError, "X holds no array: it is an empty dict"),
        (X, {"number": NUMBER}, {}, ArgumentError, "'number', 'class', and y is a dict of 'number'"),
        (X, {**Y, "class": CLASS + 3}, {}, DataError, "output 'class': cross_entropy has 4 classes, 0..3, got 3..6"),
        (X, {**Y, "number": B}, {}, ShapeError, r"output 'number': squared_loss .* \(60, 1\), \(60, 2\)"),
        (X, {"odd": NUMBER}, {"loss": {"odd": "mse"}}, ArgumentError, "output 'odd': the model gives no such output"),
        (X, (NUMBER, CLASS), {"loss": ("mse", "cross_entropy")}, ArgumentError, "output 0: the model gives no such"),
        (X, (NUMBER, CLASS), {}, ArgumentError, "the losses are a dict of 'number', 'class', and y is a tuple of 2"),
        (X, Y, {"loss_weights": {"clas": 1}}, ArgumentError, "loss_weights names 'clas', and the losses are a dict"),
        (X, Y, {"loss_weights": (1,)}, ArgumentError, "loss_weights holds 1 numbers for 2 losses"),
        (X, Y, {"loss_weights": {"class": -1}}, ArgumentError, r"loss_weights\['class'\] needs to be a number"),
        (X, Y, {"metrics": ["mae"]}, ArgumentError, r"name it, as in metrics=\{'number': \['mae'\]\}"),
        (X, Y, {"metrics": {"n": "mae"}}, ArgumentError, "metrics of the output 'n', and y holds a dict of 'number'"),
        (X, Y, {"validation": ((A, B), Y)}, ArgumentError, "X holds a tuple of 2, expected a dict of 'a', 'b'"),
        (X, Y, {"loss": {"number": "mse", "class": "cros"}}, ArgumentError, "unknown loss 'cros'"),
        (X, NUMBER, {"loss": nn.squared_loss}, ArgumentError, "the model gives several outputs"),
    ],
)
def test_what_does_not_fit_is_named(X, y, options, error, message):
    with pytest.raises(error, match=message):
        sg.fit(Two(named=True), X, y, **{"loss": LOSS, "epochs": 1, **options})


def test_a_list_of_arrays_is_no_tuple():
    several = [np.ones((4, 3)), np.ones((4, 2))]
    with pytest.raises(DataError, match=r"shapes \(4, 3\), \(4, 2\); several inputs .* go into a tuple"):
        sg.fit(nn.Linear(3, 1), several, np.ones(4), loss="mse")


def test_each_output_has_a_loss():
    with pytest.raises(ArgumentError, match="the model gives 2 outputs, and the losses are a tuple of 1: one for each"):
        sg.fit(Two(), (A, B), (NUMBER,), loss=["mse"])
