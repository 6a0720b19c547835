"""Ensembles: each member is a network of its own, and runs and trains exactly as it would alone."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError
from subgrad.fit.step import initial_state, trace_step
from subgrad.graph.order import toposort

X = np.random.default_rng(0).normal(size=(12, 3))
Y = np.arange(12) % 2


def mlp():
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


def values(module):
    return np.concatenate([p.numpy().ravel() for _, p in module.named_state()])


# Members


def test_parameters_are_those_of_the_model_with_an_axis_of_members():
    nets = sg.ensemble(mlp(), 4)
    assert [p.shape for p in nets.parameters()] == [(4, 5, 3), (4, 5), (4, 2, 5), (4, 2)]
    assert list(nets[0].state_dict()) == list(mlp().state_dict())
    assert len(nets) == len(nets.members()) == len(list(nets)) == 4
    for i, net in enumerate(nets):
        assert isinstance(net, nn.Sequential)
        assert np.array_equal(net[0].weight.numpy(), nets.stacked[0].weight.numpy()[i])
    assert np.array_equal(values(nets[-1]), values(nets[3]))
    with pytest.raises(IndexError):
        nets[4]


def test_a_member_is_a_copy():
    nets = sg.ensemble(nn.Linear(2, 1), 2)
    before = nets.stacked.weight.numpy().copy()
    nets[0].weight.assign([[7.0, 7.0]])
    assert np.array_equal(nets.stacked.weight.numpy(), before)


def seeded_mlp():
    return nn.Sequential(nn.Linear(3, 5, seed=0), nn.Tanh(), nn.Linear(5, 2, seed=0))


@pytest.mark.parametrize("model", [mlp, seeded_mlp])
def test_members_differ_and_repeat_with_the_seed(model):
    first, again, other = (sg.ensemble(model(), 3, seed=s) for s in (1, 1, 2))
    assert np.array_equal(values(first), values(again))
    rows = [tuple(values(net)) for nets in (first, other) for net in nets]
    assert len(set(rows)) == 6
    for weight in first.parameters():
        assert len({tuple(w.ravel()) for w in weight.numpy()}) == 3


def test_the_model_and_the_default_stream_are_left_alone():
    model = mlp()
    before = values(model)
    sg.manual_seed(5)
    expected = [sg.random.draw(3).tolist() for _ in range(2)]
    sg.manual_seed(5)
    found = [sg.random.draw(3).tolist()]
    sg.ensemble(model, 2)
    found.append(sg.random.draw(3).tolist())
    assert found == expected
    assert np.array_equal(values(model), before)


def test_initial_values_have_the_initialisers_distribution():
    weights = sg.ensemble(nn.Linear(4, 4, init="he_normal"), 2000).stacked.weight.numpy()
    assert abs(weights.std() - np.sqrt(2 / 4)) < 0.01
    assert abs(np.corrcoef(weights[:-1].ravel(), weights[1:].ravel())[0, 1]) < 0.02


def test_a_module_that_stands_in_two_places_is_one_in_each_member():
    layer = nn.Linear(3, 3)
    nets = sg.ensemble(nn.Sequential(layer, nn.Tanh(), layer), 2)
    assert [name for name, _ in nets.named_parameters()] == ["stacked.0.weight", "stacked.0.bias"]
    np.testing.assert_allclose(nets(X).numpy()[1], nets[1](X).numpy(), rtol=1e-6)


def test_frozen_parameters_stay_frozen():
    model = nn.Linear(3, 1)
    model.bias.requires_grad = False
    nets = sg.ensemble(model, 3)
    bias = nets.stacked.bias.numpy()
    sg.fit(nets, X, Y.astype(float), loss="squared", epochs=2)
    assert np.array_equal(nets.stacked.bias.numpy(), bias)
    assert [name for name, _ in nets[0].named_parameters()] == ["weight"]


# Running

MODELS = {
    "mlp": mlp,
    "residual": lambda: nn.Residual(nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3), nn.GELU())),
    "branches": lambda: nn.Branches(nn.Linear(3, 2), nn.Sequential(nn.Linear(3, 4), nn.Softmax())),
    "dropout at rest": lambda: nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)).eval(),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("run", [lambda f, x: f(x), lambda f, x: sg.compile(f)(x)], ids=["eager", "compiled"])
def test_the_output_of_each_member_is_its_own(model, run):
    nets = sg.ensemble(model(), 3)
    x = X.astype(np.float32)
    expected = np.stack([net(x).numpy() for net in nets])
    np.testing.assert_allclose(np.asarray(run(nets, x)), expected, rtol=1e-5, atol=1e-6)


def test_integers_as_inputs():
    nets = sg.ensemble(nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 2)), 3)
    indices = np.array([[0, 4], [2, 2]])
    np.testing.assert_allclose(nets(indices).numpy(), np.stack([n(indices).numpy() for n in nets]), rtol=1e-6)


def test_gradients_of_each_member_are_its_own():
    nets = sg.ensemble(mlp(), 3)
    slopes = sg.grad((nets(X) ** 2).sum(), nets)
    for i, net in enumerate(nets):
        for name, g in sg.grad((net(X) ** 2).sum(), net).items():
            np.testing.assert_allclose(slopes[f"stacked.{name}"].numpy()[i], g.numpy(), rtol=1e-4, atol=1e-6)


def test_dropout_differs_between_members():
    nets = sg.ensemble(nn.Sequential(nn.Linear(1, 50, init="zeros"), nn.Dropout(0.5)), 2)
    for p in nets.parameters():
        p.assign(np.ones(p.shape))
    first, second = nets(np.ones((4, 1))).numpy()
    assert set(np.unique(first)) == {0, 4}
    assert not np.array_equal(first == 0, second == 0)


def test_predictions_come_with_the_members_first_whatever_the_batches():
    nets = sg.ensemble(nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)), 3)
    found = sg.predict(nets, X, batch_size=5)
    assert found.shape == (3, 12, 2)
    np.testing.assert_allclose(found, np.stack([sg.predict(net, X) for net in nets]), rtol=1e-5)
    np.testing.assert_allclose(nets.predict(X.astype(np.float32)), found, rtol=1e-5)
    assert nets.training
    assert nets.stacked[1].training


def test_saved_and_loaded(tmp_path):
    nets = sg.ensemble(mlp(), 3, seed=4)
    sg.fit(nets, X, Y, loss="cross_entropy", epochs=1)
    sg.save(nets, tmp_path / "nets.safetensors")
    assert np.array_equal(sg.load(tmp_path / "nets.safetensors")(X).numpy(), nets(X).numpy())


# Training

OPTIMIZERS = {
    "sgd": sg.SGD(0.1),
    "momentum": sg.SGD(0.1, momentum=0.9, weight_decay=0.01),
    "decreasing": sg.SGD(sg.step.SquareSummable(1.0, 10.0)),
    "adam": sg.Adam(0.05),
    "clipped": sg.chain(sg.clip_by_norm(0.01), sg.SGD(0.5)),  # by the norm of all gradients of one member
    "constant length": sg.SGD(sg.step.ConstantLength(0.05)),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_each_member_trains_as_it_does_alone(optimizer):
    options = {"loss": "cross_entropy", "optimizer": optimizer, "epochs": 4, "batch_size": 5, "seed": 3,
               "metrics": ["accuracy"], "validation": (X[:7], Y[:7])}  # fmt: skip
    with sg.using_dtype("float64"):
        nets = sg.ensemble(mlp(), 3)
        alone = nets.members()
        histories = [sg.fit(net, X, Y, **options) for net in alone]
        history = sg.fit(nets, X, Y, **options)
        for net, member in zip(alone, nets, strict=True):
            np.testing.assert_allclose(values(member), values(net), rtol=1e-9, atol=1e-12)
    for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
        np.testing.assert_allclose(history[name], np.mean([h[name] for h in histories], axis=0), rtol=1e-9)


def test_columns_and_sample_weights():
    nets = sg.ensemble(nn.Linear(3, 1), 2)
    alone, weight, y = nets.members(), np.arange(12.0), X @ [1.0, 2.0, 3.0]
    options = {"loss": "squared", "optimizer": "sgd", "epochs": 3, "batch_size": 4, "sample_weight": weight}
    for net in alone:
        sg.fit(net, X, y, **options)
    sg.fit(nets, X, y, **options)
    for net, member in zip(alone, nets, strict=True):
        np.testing.assert_allclose(values(member), values(net), rtol=1e-5)
    each = [sg.evaluate(net, X, y, loss="squared", metrics=["mae"]) for net in alone]
    found = sg.evaluate(nets, X, y, loss="squared", metrics=["mae"])
    assert found == pytest.approx({name: np.mean([e[name] for e in each]) for name in found}, rel=1e-5)


def test_a_resumed_run_is_the_run_that_was_never_interrupted(tmp_path):
    options = {"loss": "cross_entropy", "optimizer": "adam", "seed": 1}
    whole, parted = sg.ensemble(mlp(), 2), sg.ensemble(mlp(), 2)
    sg.fit(whole, X, Y, epochs=4, **options)
    sg.fit(parted, X, Y, epochs=2, checkpoint=tmp_path / "run", **options)
    sg.fit(parted, X, Y, epochs=4, resume=tmp_path / "run", **options)
    assert np.array_equal(values(whole), values(parted))


def test_a_step_of_all_members_has_as_many_contractions_as_a_step_of_one():
    def contractions(model):
        batch = [((4, 3), sg.float32), ((4,), sg.int64)]
        step = trace_step(model, nn.cross_entropy, sg.Adam(), initial_state(model, sg.Adam()), batch, {})
        return sum(node.op.name == "contract" for node in toposort(step.outputs))

    assert contractions(sg.ensemble(mlp(), 64)) == contractions(mlp()) > 0


# Errors


def test_a_model_without_parameters():
    with pytest.raises(ArgumentError, match="takes a model with parameters, ReLU has none"):
        sg.ensemble(nn.ReLU(), 2)


@pytest.mark.parametrize("n", [0, -1, 2.5])
def test_no_members(n):
    with pytest.raises(ArgumentError, match="Ensemble needs n to be a positive integer"):
        sg.ensemble(mlp(), n)


def test_a_model_that_was_changed_after_it_was_made():
    model = mlp()
    model.extra = nn.Linear(2, 2)
    with pytest.raises(ArgumentError, match="was changed after .* differs in extra.bias, extra.weight"):
        sg.ensemble(model, 2)
