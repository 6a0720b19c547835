"""All optimisers on one table of problems: against PyTorch's iterates, for progress, for purity, for bad inputs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from optimizer_problems import OPTIMIZERS, PROBLEMS, STEPS

import subgrad as sg
from subgrad import optim
from subgrad.errors import ArgumentError, DTypeError, ShapeError
from subgrad.graph.tensor import placeholder
from subgrad.graph.tree import leaves, tree_map

REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text(encoding="utf-8"))
TABLE = {name: getattr(optim, kind)(**settings) for name, (kind, settings) in OPTIMIZERS.items()}
EVERY = {
    **TABLE,
    "subgradient": optim.Subgradient("inverse_sqrt(0.002)"),
    "lion": optim.Lion(2e-3),
    "adan": optim.Adan(0.01, weight_decay=0.01),
    "muon": optim.Muon(0.01),
    "ema": optim.EMA(optim.Adam(0.01), 0.9),
    "swa": optim.SWA(optim.SGD(2e-3), 3, 2),
    "lookahead": optim.Lookahead(optim.Adam(0.02), 4),
    "groups": optim.groups({"0": optim.Adam(0.01), "*": optim.SGD(2e-3)}),
    "chain": optim.chain(optim.clip_by_norm(1.0), optim.weight_decay(0.01), optim.Adam(0.01)),
}


def run(problem, optimizer, steps, dtype="float64"):
    """The loss before each step, the rows of all parameters after each step, and the state at the end."""
    params = [sg.Parameter(p, dtype) for p in problem.start]
    data = [sg.tensor(d, dtype) for d in problem.data]
    state, losses, rows = optimizer.init(params), [], []
    for _ in range(steps):
        loss = problem.f(sg, data, *params)
        state = optim.update(params, sg.grad(loss, params), optimizer, state, loss)
        losses.append(float(loss))
        rows.append(np.concatenate([p.numpy().ravel() for p in params]))
    return losses, np.array(rows), state


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", TABLE)
def test_the_first_iterates_are_those_of_pytorch(name, problem):
    _, rows, state = run(PROBLEMS[problem], TABLE[name], STEPS)
    np.testing.assert_allclose(rows, REFERENCE[f"{name} on {problem}"], rtol=1e-6, atol=1e-6)
    assert int(state["step"]) == STEPS


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", EVERY)
def test_every_optimiser_makes_progress_and_keeps_float32(name, problem):
    losses, rows, state = run(PROBLEMS[problem], EVERY[name], 40, "float32")
    assert min(losses[-5:]) < losses[0]
    assert rows.dtype == np.float32
    assert {leaf.dtype.name for key, part in state.items() if key != "step" for leaf in leaves(part)} <= {"float32"}
    assert state["step"].dtype == sg.int64


@pytest.mark.parametrize("name", EVERY)
def test_optimisers_are_functions_of_nodes_that_need_no_value(name):
    optimizer = EVERY[name]
    params, grads = ([placeholder((2, 3), "float32"), placeholder((), "float32")] for _ in range(2))
    like = optimizer.init([sg.zeros((2, 3)), sg.zeros(())])
    state = tree_map(lambda leaf: placeholder(leaf.shape, leaf.dtype), like)
    updates, new = optimizer.update(grads, state, params, placeholder((), "float32"))
    assert all(u.is_symbolic() for u in updates)
    assert [u.shape for u in updates] == [(2, 3), ()]
    form = [(leaf.shape, leaf.dtype) for leaf in leaves(like)]
    assert [(leaf.shape, leaf.dtype) for leaf in leaves(new)] == form
    assert new.keys() == like.keys()


@pytest.mark.parametrize("name", ["adam", "rmsprop", "adagrad"])
def test_a_gradient_of_zero_is_no_step(name):
    x = sg.Parameter([1.0, 2.0])
    optimizer = TABLE[name]
    optim.update([x], [sg.zeros(2)], optimizer, optimizer.init([x]))
    assert x.tolist() == [1.0, 2.0]


def test_adam_in_float32_has_no_error_of_the_bias_correction():
    x = sg.Parameter([0.0])
    adam = optim.Adam(1.0, betas=(0.9999, 0.99999))
    optim.update([x], [sg.tensor([1.0])], adam, adam.init([x]))
    assert x.item() == pytest.approx(-1, rel=1e-6)  # 1 - beta**k in float32 would be off by 1e-4


def test_adam_without_memory_is_sign_descent():
    x = sg.Parameter([0.0, 0.0])
    adam = optim.Adam(0.5, betas=(0.0, 0.0))
    optim.update([x], [sg.tensor([3.0, -1e-3])], adam, adam.init([x]))
    np.testing.assert_allclose(x.numpy(), [-0.5, 0.5], rtol=1e-4)


def test_a_step_rule_takes_the_place_of_the_learning_rate():
    x = sg.Parameter([0.0], "float64")
    sgd = optim.SGD(optim.step.SquareSummable(1.0, 1.0))
    state = sgd.init([x])
    for _ in range(4):
        state = optim.update([x], [sg.tensor([1.0], "float64")], sgd, state)
    assert x.item() == pytest.approx(-(1 / 2 + 1 / 3 + 1 / 4 + 1 / 5), rel=1e-14)


def test_constant_length_moves_all_parameters_together_by_that_length():
    a, b = sg.Parameter([0.0, 0.0]), sg.Parameter(0.0)
    sgd = optim.SGD("constant_length(2)")
    optim.update([a, b], [sg.tensor([1e20, -2e20]), sg.tensor(2e20)], sgd, sgd.init([a, b]))
    np.testing.assert_allclose([*a.tolist(), b.item()], [-2 / 3, 4 / 3, -4 / 3], rtol=1e-6)


def test_polyak_reaches_the_optimum_of_a_norm_in_one_step():
    x = sg.Parameter([3.0, -4.0])
    method = optim.SGD(optim.step.Polyak(0.0))
    state = method.init([x])
    for _ in range(2):  # the second step starts at the kink, where the gradient is 0
        loss = sg.norm(x)
        state = optim.update([x], sg.grad(loss, [x]), method, state, loss)
    np.testing.assert_allclose(x.numpy(), [0, 0], atol=1e-6)


@pytest.mark.parametrize("optimizer", EVERY.values(), ids=EVERY)
def test_settings_survive_json(optimizer):
    assert optim.from_config(json.loads(json.dumps(optimizer.config()))) == optimizer


def test_by_name():
    assert optim.get("adam") == optim.Adam()
    assert optim.get("SGD", lr=np.float32(0.5), momentum=0.9) == optim.SGD(0.5, momentum=0.9)
    assert optim.get("adamw", lr="cosine(0.1, 10)") == optim.AdamW(optim.step.Cosine(0.1, 10))
    assert optim.get(TABLE["adam"]) is TABLE["adam"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.SGD(-0.1), "lr of SGD: a of Constant needs to be a positive number, got -0.1"),
        (lambda: optim.SGD(float("nan")), "needs to be a positive number, got nan"),
        (lambda: optim.SGD("adam"), "cannot read the step rule 'adam'"),
        (lambda: optim.SGD(None), "a step rule is a number, a rule, or its name with arguments, got None"),
        (lambda: optim.SGD(0.1, momentum=1.0), "momentum of SGD needs to be a number from 0 to below 1, got 1.0"),
        (lambda: optim.SGD(0.1, nesterov=True), "nesterov=True needs a momentum above 0"),
        (lambda: optim.SGD(0.1, weight_decay=-1), "weight_decay of SGD needs to be a number of 0 or more, got -1"),
        (lambda: optim.Adam(betas=0.9), "betas of Adam needs to be a pair of numbers, got 0.9"),
        (lambda: optim.Adam(betas=(0.9, 1.5)), "betas of Adam needs to be a number from 0 to below 1, got 1.5"),
        (lambda: optim.Adam(eps=0), "eps of Adam needs to be a positive number, got 0"),
        (lambda: optim.Subgradient(0.1, R=-1), "R of Subgradient needs to be a positive number, got -1"),
        (lambda: optim.clip_by_norm(0), "max_norm of ClipByNorm needs to be a positive number, got 0"),
        (lambda: optim.chain(), "a chain ends with an optimiser, got None"),
        (lambda: optim.chain(optim.clip_by_norm(1)), "a chain ends with an optimiser, got ClipByNorm"),
        (lambda: optim.chain(optim.Adam(), optim.Adam()), "has transformations before its last part, got Adam"),
        (lambda: optim.get("adamm"), "no optimiser 'adamm': expected one of sgd, .*adam, adamw, .*rmsprop, adagrad"),
        (lambda: optim.get("adam", momentum=0.9), "adam has no setting 'momentum': it has lr, betas, eps"),
        (lambda: optim.get("subgradient"), "subgradient needs the setting 'lr'"),
        (lambda: optim.get(3), "expected an optimiser, or its name and settings, got 3"),
        (lambda: optim.from_config({"lr": 0.1}), "there is no optimiser None"),
        (lambda: optim.from_config({"name": "clip_by_norm", "max_norm": 1}), "not the config of an optimiser"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_bad_parameters_and_gradients():
    sgd, x = optim.SGD(0.1), sg.tensor([1.0, 2.0])
    state = sgd.init([x])
    with pytest.raises(ArgumentError, match="at least one parameter, got none"):
        sgd.init([])
    with pytest.raises(DTypeError, match="need one float dtype, got float32, float64"):
        sgd.init([x, sg.tensor([1.0], "float64")])
    with pytest.raises(DTypeError, match="need one float dtype, got int64"):
        sgd.init([sg.tensor([1])])
    with pytest.raises(ArgumentError, match="1 parameters need as many gradients, got 2"):
        sgd.update([x, x], state, [x])
    with pytest.raises(ShapeError, match=r"parameter 0 has the shape \(2,\), its gradient \(\)"):
        sgd.update([x.sum()], state, [x])
    with pytest.raises(DTypeError, match="parameter 0 is float32, its gradient float64"):
        sgd.update([x.astype("float64")], state, [x])
    with pytest.raises(ShapeError, match=r"takes a scalar loss, got shape \(2,\)"):
        sgd.update([x], state, [x], loss=x)
    with pytest.raises(DTypeError, match="the parameters are float32, the loss is float64"):
        sgd.update([x], state, [x], loss=sg.tensor(1.0, "float64"))
    with pytest.raises(ArgumentError, match=r"polyak\(0\) needs loss at each step, got None"):
        optim.SGD("polyak(0)").update([x], state, [x])
