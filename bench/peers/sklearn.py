"""scikit-learn's MLPClassifier and MLPRegressor, for plain networks. Variants: fit; predict.

They would draw their own weights and shuffle by themselves. To take the steps that the others take, the common weights
are written into the estimator's own, and the rows of a run are gathered beforehand, which is timed.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from bench.peers import Call, Run
from bench.work import arrays
from bench.work.workloads import BETAS, EPSILON, MOMENTUM, Workload

warnings.simplefilter("ignore")


def train(workload: Workload, variant: str) -> Run:
    X, Y = arrays.data(workload)
    Y = Y.ravel() if workload.loss == "bce" else Y
    model, order = estimator(workload, X, Y), {}

    def run(steps: int) -> float:
        if steps not in order:
            order[steps] = arrays.batches(workload, steps).ravel()
        model.partial_fit(X[order[steps]], Y[order[steps]])
        return float(model.loss_) * (2 if workload.loss == "mse" else 1)  # its squared loss has a factor of 1/2

    return run


def estimator(workload: Workload, X: np.ndarray, Y: np.ndarray) -> Any:
    """The workload's network with its initial weights and a fresh optimiser."""
    name, rate = workload.optimizer
    scale = 2 / Y.shape[-1] if workload.loss == "mse" else 1  # its gradient is of half the sum over the outputs
    kind: Any = MLPRegressor if workload.loss == "mse" else MLPClassifier
    model = kind(
        hidden_layer_sizes=_hidden(workload), activation=workload.layers[1][0],
        solver="adam" if name == "adam" else "sgd", alpha=0, batch_size=workload.batch,
        learning_rate_init=rate if name == "adam" else rate * scale, shuffle=False, random_state=0,
        momentum=MOMENTUM if name == "momentum" else 0, nesterovs_momentum=False, beta_1=BETAS[0], beta_2=BETAS[1],
        epsilon=EPSILON,
    )  # fmt: skip
    _prepare(model, workload, X, Y)
    return model


def _prepare(model: Any, workload: Workload, X: np.ndarray, Y: np.ndarray) -> None:
    """Let the estimator make its arrays in a step on one batch, then fill them and forget the step."""
    classes = {"classes": np.unique(Y)} if workload.loss != "mse" else {}
    model.partial_fit(X[: workload.batch], Y[: workload.batch], **classes)
    for own, value in zip([*model.coefs_, *model.intercepts_], _by_kind(workload), strict=True):
        own[...] = value
    optimizer = model._optimizer
    for name in ("velocities", "ms", "vs"):
        for array in getattr(optimizer, name, []):
            array[...] = 0
    optimizer.t = 0


def _by_kind(workload: Workload) -> list[np.ndarray]:
    parameters = arrays.initial(workload)
    return [*(w.T for w in parameters[::2]), *parameters[1::2]]


def _hidden(workload: Workload) -> list[int]:
    unknown = {kind for kind, *_ in workload.layers} - {"linear", "relu", "tanh"}
    if unknown:
        raise NotImplementedError(f"no layer {', '.join(unknown)}")
    return [sizes[0] for kind, *sizes in workload.layers if kind == "linear"][:-1]


def infer(workload: Workload, variant: str) -> Call:
    """Probabilities, which is what its users get; the logarithm would be one more pass."""
    model = estimator(workload, *arrays.data(workload))
    return model.predict_proba
