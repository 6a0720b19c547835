"""What the estimators of networks share: parameters, the network, runs by `subgrad.fit`, steps by `subgrad.Trainer`."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from subgrad import optim
from subgrad.errors import ArgumentError
from subgrad.fit import Trainer, fit, predict
from subgrad.fit.options import count
from subgrad.graph.dtype import using_dtype
from subgrad.hints import Hinted
from subgrad.models import mlp
from subgrad.nn.module import Module
from subgrad.ops import random
from subgrad.optim.registry import optimizers
from subgrad.sklearn.callback_bridge import Told
from subgrad.sklearn.checked_data import check_target, sample_weights, validate_data
from subgrad.sklearn.input_columns import FLOATS, FrameInputs, NumberInputs, is_mixed, merged

LBFGS = optim.LBFGS.name


def takes_batches(estimator: Any) -> bool:
    """Whether ``partial_fit`` is there: raises `AttributeError` if not."""
    solver = estimator.solver
    if solver == LBFGS or isinstance(solver, optim.LBFGS):
        raise AttributeError(f"{type(estimator).__name__} has partial_fit with a solver for batches, not with 'lbfgs'")
    return True


class NeuralNetwork(Hinted, CallbackSupportMixin, BaseEstimator):
    """A network as a scikit-learn estimator; what is special to classes and numbers is in the two below it."""

    module_: Module
    _inputs: FrameInputs | NumberInputs
    n_features_in_: int

    def __init__(
        self,
        hidden=(64,),
        *,
        module=None,
        activation="relu",
        loss=None,
        solver="auto",
        learning_rate=3e-3,
        weight_decay=1e-3,
        batch_size=64,
        max_iter=100,
        validation=None,
        early_stopping=False,
        standardize=True,
        warm_start=False,
        random_state=None,
        verbose=False,
    ) -> None:
        self.hidden = hidden
        self.module = module
        self.activation = activation
        self.loss = loss
        self.solver = solver
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.validation = validation
        self.early_stopping = early_stopping
        self.standardize = standardize
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    # What classes and numbers make different

    def _learn_form(self, y: np.ndarray, classes: Any) -> None:
        """Learn from y what targets are."""
        raise NotImplementedError

    def _check_form(self, y: np.ndarray, classes: Any) -> None:
        """Raise `DataError` if the classes that are named are others than those of the first call."""

    def _learn_scale(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        """Learn from y how large targets are."""

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        """y as the network is trained on it."""
        raise NotImplementedError

    def _weighted(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
        """The weights of the samples, with those of their classes."""
        return weights

    def _outputs(self) -> int:
        raise NotImplementedError

    def _loss(self) -> Callable[..., Any]:
        raise NotImplementedError

    # Fitting

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network.

        Args:
            X: (n, features) array of numbers, or a frame of pandas or polars: columns that are not numbers, or miss
                some, are prepared by `subgrad.data`. Sparse matrices are refused: ``X.toarray()`` makes them dense.
            y: (n,) or (n, outputs).
            sample_weight: (n,) weights.

        Returns:
            The estimator.
        """
        epochs = count("max_iter", self.max_iter)
        again = self.warm_start and hasattr(self, "module_")
        rows, target, weights, solver = self._read(X, y, sample_weight, not again, self._solver)
        if not again:
            self.module_ = self._network(rows.dtype if rows.dtype.kind == "f" else np.dtype(np.float32))
            self.loss_curve_ = []
        self.__dict__.pop("_trainer", None)
        context = self._init_callback_context(max_subtasks=epochs)
        given = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        context.call_on_fit_task_begin(estimator=self, **given)
        told = Told(self, context, "epoch", epochs, self._copy, **given) if hasattr(self, "_skl_callbacks") else None
        history = fit(
            self.module_, rows, target, loss=self._loss(), optimizer=solver, epochs=epochs,
            batch_size=min(self.batch_size, len(rows)), validation=self._validation(), sample_weight=weights,
            seed=self._seed(), callbacks=told or (), early_stopping=self.early_stopping, verbose=bool(self.verbose),
        )  # fmt: skip
        if told:
            told.close()
        self.history_ = history
        self.loss_curve_ = [*self.loss_curve_, *history["loss"]]
        self.n_iter_, self.loss_ = len(self.loss_curve_), self.loss_curve_[-1]
        context.call_on_fit_task_end(estimator=self, **given, reconstruction_attributes=self._copy)
        return self

    def _copy(self) -> dict[str, Any]:
        """What another estimator needs to predict as this one does now."""
        return {"module_": copy.deepcopy(self.module_)}

    def _step(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> Self:
        """`partial_fit`: a step for each batch of X."""
        first = not hasattr(self, "module_")
        rows, target, weights, solver = self._read(X, y, sample_weight, first, self._stochastic, classes)
        if first:
            self.module_ = self._network(rows.dtype)
            self.loss_curve_, self.n_iter_ = [], 0
        if not hasattr(self, "_trainer"):
            self._trainer = Trainer(self.module_, loss=self._loss(), optimizer=solver, seed=self._seed())
        for part in np.array_split(np.arange(len(rows)), -(-len(rows) // self.batch_size)):
            of_part = None if weights is None else weights[part]
            self.loss_ = self._trainer.partial_fit(rows[part], target[part], of_part)
        self.loss_curve_.append(self.loss_)
        self.n_iter_ += 1
        return self

    def _read(
        self, X: Any, y: Any, sample_weight: Any, first: bool, solver_for: Callable[[int], Any], classes: Any = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, Any]:
        """X, y and weights as the network is trained on them, and the optimiser for so many rows.

        What they teach is kept if this is the ``first`` time.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        mixed = is_mixed(X) if first else isinstance(self._inputs, FrameInputs)
        dense = {} if mixed else {"dtype": FLOATS}
        kept = validate_data(self, X, reset=first, skip_check_array=mixed, **dense)
        target, weights = self._targets(y), sample_weights(sample_weight, len(kept))
        check_consistent_length(kept, target)
        solver = solver_for(len(kept))
        if first:
            self._learn_form(target, classes)
        elif classes is not None:
            self._check_form(target, classes)
        if mixed:
            if first:
                self._inputs = FrameInputs.fit(X, weights)
            kept = self._inputs.numbers(kept)
        if isinstance(solver, optim.LBFGS):
            kept, target, weights = merged(kept, target, weights)
        if first:
            self._learn_scale(target, weights)
        if not mixed:
            if first:
                self._inputs = NumberInputs.fit(kept, weights, bool(self.standardize))
            kept = self._inputs.numbers(kept)
        return kept, self._encoded(target), self._weighted(target, weights), solver

    def _targets(self, y: Any) -> np.ndarray:
        """y as an array, without learning from it."""
        return check_target(self, y)

    def _network(self, dtype: np.dtype) -> Module:
        """A new network with new initial values."""
        inputs, outputs = self._inputs.width, self._outputs()
        seed = self._seed()
        if self.module is None:
            with using_dtype(dtype):
                return mlp(inputs, *_units(self.hidden), outputs, activation=self.activation, seed=seed)
        if isinstance(self.module, Module):
            return copy.deepcopy(self.module)
        if not callable(self.module):
            raise ArgumentError("module is a subgrad.nn.Module, or a function (inputs, outputs) that makes one, got "
                                f"{type(self.module).__name__}")  # fmt: skip
        with using_dtype(dtype), random.stream(seed):
            made = self.module(inputs, outputs)
        if not isinstance(made, Module):
            raise ArgumentError(f"module(inputs, outputs) must return a subgrad.nn.Module, got {type(made).__name__}")
        return made

    def _solver(self, rows: int) -> Any:
        """The optimiser. "auto" takes all rows at once where they are one batch anyway and nothing else is asked."""
        solver, one_batch = self.solver, rows <= count("batch_size", self.batch_size)
        plain = self.module is None and not self.early_stopping and self.validation is None
        if solver == LBFGS or (solver == "auto" and one_batch and plain):
            return optim.LBFGS(weight_decay=self.weight_decay)
        return solver if isinstance(solver, optim.LBFGS) else self._stochastic(rows)

    def _stochastic(self, rows: int) -> Any:
        """The optimiser for batches."""
        count("batch_size", self.batch_size)
        solver = "adam" if self.solver == "auto" else self.solver
        if not isinstance(solver, str):
            return solver
        kind = optimizers().get(solver.lower())
        if kind is None:
            names = ", ".join(["auto", LBFGS, *optimizers()])
            raise ArgumentError(f"there is no solver {solver!r}: expected one of {names}")
        if not self.weight_decay:
            return optim.get(solver, lr=self.learning_rate)
        if hasattr(kind, "weight_decay"):
            return optim.get(solver, lr=self.learning_rate, weight_decay=self.weight_decay)
        return optim.chain(optim.weight_decay(self.weight_decay), optim.get(solver, lr=self.learning_rate))

    def _validation(self) -> Any:
        """What to validate with: early stopping without it holds out a tenth."""
        if isinstance(self.validation, (tuple, list)):
            if len(self.validation) not in (2, 3):
                raise ArgumentError(
                    f"validation is (X, y), (X, y, sample_weight) or a share, got {len(self.validation)} arrays"
                )
            X, y, *weights = self.validation
            return (self._inputs.of(self, X), self._encoded(self._targets(y)), *weights)
        stops = self.early_stopping is not None and self.early_stopping is not False
        return 0.1 if stops and self.validation is None else self.validation

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    # At work

    def _scores(self, X: Any) -> np.ndarray:
        """The network's outputs, (n, outputs)."""
        check_is_fitted(self)
        found = predict(self.module_, self._inputs.of(self, X))
        return found[:, None] if found.ndim == 1 else found

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.input_tags.string = tags.input_tags.categorical = True
        return tags


def _units(hidden: Any) -> list[int]:
    """The units of each hidden layer, of which there may be one, as a number."""
    sizes = hidden if isinstance(hidden, (tuple, list, np.ndarray)) else [hidden]
    try:
        return [operator.index(size) for size in sizes]
    except TypeError:
        what = f"hidden takes the units of each hidden layer, such as (64, 64), got {hidden!r}"
        raise ArgumentError(what[:200]) from None


__all__ = ["NeuralNetwork", "takes_batches"]
