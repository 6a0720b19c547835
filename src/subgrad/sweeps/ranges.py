"""What settings are chosen from."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any, Protocol

import numpy as np

from subgrad import validators
from subgrad.errors import ArgumentError


class Range(Protocol):
    """The values of a setting that are tried."""

    def draw(self, rng: np.random.Generator) -> Any:
        """A value by chance."""

    def suggest(self, trial: Any, name: str) -> Any:
        """The value that a trial of Optuna suggests."""

    def restore(self, value: Any) -> Any:
        """The value for what Optuna keeps of it."""

    def plain(self, value: Any) -> Any:
        """What Optuna keeps of a value."""


@dataclass(frozen=True)
class Choice:
    """One of some values, all alike. Optuna's storages hold no tuples: they get these as texts such as "128-128"."""

    values: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> Any:
        return self.values[rng.integers(len(self.values))]

    def suggest(self, trial: Any, name: str) -> Any:
        return self.restore(trial.suggest_categorical(name, [self.plain(value) for value in self.values]))

    def restore(self, value: Any) -> Any:
        return next(own for own in self.values if self.plain(own) == value)

    def plain(self, value: Any) -> Any:
        return "-".join(map(str, value)) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class _Number:
    """Optuna keeps numbers as they are."""

    low: float
    high: float

    def __post_init__(self) -> None:
        what = type(self).__name__
        low, high = (validators.number(f"an end of {what}", end) for end in (self.low, self.high))
        _require_ordered(what, low, high)

    def restore(self, value: float) -> float:
        return value

    def plain(self, value: float) -> float:
        return value


class LogUniform(_Number):
    """A number between two others above 0, its logarithm uniform."""

    def __post_init__(self) -> None:
        super().__post_init__()
        validators.positive("the lower end of LogUniform", self.low)

    def draw(self, rng: np.random.Generator) -> float:
        return float(np.exp(rng.uniform(np.log(self.low), np.log(self.high))))

    def suggest(self, trial: Any, name: str) -> float:
        return trial.suggest_float(name, self.low, self.high, log=True)


class Uniform(_Number):
    """A number between two others."""

    def draw(self, rng: np.random.Generator) -> float:
        return float(rng.uniform(self.low, self.high))

    def suggest(self, trial: Any, name: str) -> float:
        return trial.suggest_float(name, self.low, self.high)


@dataclass(frozen=True)
class Integers:
    """A whole number from ``low`` to ``high``, which is one of them."""

    low: int
    high: int

    def __post_init__(self) -> None:
        for end in (self.low, self.high):
            if not isinstance(end, Integral) or isinstance(end, bool):
                raise ArgumentError(f"an end of Integers needs to be a whole number, got {end!r}")
        _require_ordered("Integers", self.low, self.high)

    def draw(self, rng: np.random.Generator) -> int:
        return int(rng.integers(self.low, self.high, endpoint=True))

    def suggest(self, trial: Any, name: str) -> int:
        return trial.suggest_int(name, self.low, self.high)

    def restore(self, value: int) -> int:
        return int(value)

    def plain(self, value: int) -> int:
        return value


def _require_ordered(what: str, low: float, high: float) -> None:
    if low > high:
        raise ArgumentError(f"{what} has its lower end first, got {low} and {high}")


__all__ = ["Choice", "Integers", "LogUniform", "Range", "Uniform"]
