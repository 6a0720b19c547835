"""The checker of derivatives: what `check` verifies for a user's op is what the tests verify for every op here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.diff.forward_mode import one_sided, push_forward
from subgrad.diff.reverse import gradients
from subgrad.entropy import pcg64
from subgrad.errors import CheckError, GradientError
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.op import Op, cotangents
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor, TensorLike, constant, tensor
from subgrad.graph.verify_graph import check_graph
from subgrad.ops import full

Function = Callable[..., Tensor]
DIRECTIONS = 3  # random projections: a wrong derivative passes one of them with probability 0


@dataclass(frozen=True)
class Checked:
    """What a check has verified; the errors are relative to 1 + the size of the number compared.

    Attributes:
        kinks: how many elements sat on a kink. If any did, one-sided derivatives were compared.
        first: largest error of a first derivative.
        second: largest error of a second derivative (0 if it was not asked for, or on a kink).
    """

    kinks: int
    first: float
    second: float


def check(f: Op | Function, *inputs: TensorLike, order: int = 2, tolerance: float = 1e-6, seed: int = 0) -> Checked:
    """Verify the derivatives of an op or a function at a point, in float64.

    - The result has the shape and dtype that the shape rules promise.
    - Off kinks: the vjp agrees with central differences, and so does the vjp of the vjp (``order=2``); jvp and vjp
      are transposes of each other.
    - On a kink: the one-sided derivative, the op's own or what its `Kink` says, agrees with one-sided differences, and
      the slopes that the vjp picks lie in the hull of the `Kink`.

    Args:
        f: an op, or a function of tensors that returns a tensor.
        inputs: where to check; floats are converted to float64 and differentiated, other dtypes are held fixed.
        order: 1 or 2.
        tolerance: largest error allowed, relative to 1 + the size of the number.
        seed: of the random directions.

    Returns:
        `Checked`, with the errors found.

    Raises:
        CheckError: naming the derivative that is wrong and both numbers.
        GradientError: if the result has no gradient.

    Example:
        >>> import subgrad as sg
        >>> sg.check(sg.tanh, [0.3, -2.0]).kinks
        0
        >>> sg.check(sg.relu, [0.0, 1.0]).kinks
        1
        >>> wrong = sg.custom_vjp(lambda x: x * x, lambda g, y, x: g * x)
        >>> sg.check(wrong, [3.0])
        Traceback (most recent call last):
        ...
        subgrad.errors.CheckError: the vjp disagrees with finite differences: ...
    """
    with using_dtype("float64"):
        points = [_double(x) for x in inputs]
        rng = pcg64(seed)
        problem = _Problem(f, points, rng, tolerance)
        problem.check_shapes()
        kinks = problem.check_kinks()
        if kinks:
            return Checked(kinks, problem.check_one_sided(), 0.0)
        first = problem.check_first()
        return Checked(0, first, problem.derivative().check_first() if order > 1 else 0.0)


def _double(x: TensorLike) -> Tensor:
    array = x.numpy() if isinstance(x, Tensor) else np.asarray(x)
    return tensor(array, float64 if array.dtype.kind == "f" else None)


class _Problem:
    """A function at a point, with the random directions in which it is looked at."""

    def __init__(self, f: Op | Function, points: list[Tensor], rng: np.random.Generator, tolerance: float) -> None:
        self.f, self.points, self.rng, self.tolerance = f, points, rng, tolerance
        self.active = [i for i, p in enumerate(points) if p.dtype.kind == "f"]
        self.y = f(*points).node
        if self.y.dtype.kind != "f" or not self.active:
            raise GradientError(f"nothing to differentiate: the result is {self.y.dtype}")

    def check_shapes(self) -> None:
        check_graph([self.y])
        for node in toposort([self.y]):
            if node.inputs:
                found = np.asarray(node.op.ref(*[i.numpy() for i in node.inputs], **node.attrs)).shape
                if found != node.shape:
                    raise CheckError(f"the reference of {node.op.name} returns {found}, its shape rule {node.shape}")

    def check_kinks(self) -> int:
        """How many elements sit on kinks; the slopes picked there are checked against the hulls."""
        return sum(_check_hull(n) for n in toposort([self.y]) if n.op.kink is not None and n.dtype.kind == "f")

    def check_first(self) -> float:
        return max(self._compare_once() for _ in range(DIRECTIONS))

    def _compare_once(self) -> float:
        u, v = self._normal(self.y), [self._normal(self.points[i]) for i in self.active]
        wrt = [self.points[i] for i in self.active]
        pulled = sum(_dot(g.numpy(), t) for g, t in zip(gradients(self.y, wrt, u), v, strict=True))
        pushed = push_forward([self.y], wrt, [constant(t) for t in v])[0]
        self._agree("jvp and vjp are not transposes of each other", 0.0 if pushed is None else _dot(pushed, u), pulled)
        expected = _dot(_central(lambda h: self._at(h, v)), u)
        return self._agree("the vjp disagrees with finite differences", pulled, expected)

    def check_one_sided(self) -> float:
        worst = 0.0
        for _ in range(DIRECTIONS):
            v = [self._normal(self.points[i]) for i in self.active]
            found = one_sided([self.y], [self.points[i] for i in self.active], [constant(t) for t in v])[0]
            value = np.zeros(self.y.shape) if found is None else found.numpy()
            expected = _forward(lambda h, v=v: self._at(h, v))
            u = self._normal(self.y)
            message = "the one-sided derivative disagrees with one-sided differences"
            worst = max(worst, self._agree(message, _dot(value, u), _dot(expected, u), 10))
        return worst

    def derivative(self) -> _Problem:
        """The gradient along a fixed cotangent, as a problem of its own."""
        u = constant(self._normal(self.y))
        weights = [constant(self._normal(self.points[i])) for i in self.active]

        def slope(*points: Tensor) -> Tensor:
            found = gradients(self.f(*points).node, [points[i] for i in self.active], u)
            total = full((), 0.0, float64)
            for g, w in zip(found, weights, strict=True):
                total = total + (g * w).sum()
            return total

        return _Problem(slope, self.points, self.rng, self.tolerance * 10)

    def _at(self, h: float, v: Sequence[np.ndarray]) -> np.ndarray:
        moved = list(self.points)
        for i, t in zip(self.active, v, strict=True):
            moved[i] = constant(self.points[i].numpy() + h * t)
        return self.f(*moved).numpy()

    def _normal(self, like: Tensor) -> np.ndarray:
        return np.asarray(self.rng.standard_normal(like.shape))

    def _agree(self, message: str, found: float, expected: float, slack: float = 1) -> float:
        error = abs(found - expected) / (1 + abs(expected))
        if not error <= self.tolerance * slack:
            raise CheckError(f"{message}: {found:.10g} against {expected:.10g} in {_name(self.f)}")
        return error


def _name(f: Any) -> str:
    return getattr(f, "name", None) or getattr(f, "__name__", "the function")


def _dot(a: Any, b: np.ndarray) -> float:
    return float(np.sum(np.asarray(a) * b))


def _central(f: Callable[[float], np.ndarray], h: float = 1e-3) -> np.ndarray:
    """f'(0) from both sides, extrapolated twice: the error falls with h to the sixth."""
    d = [(f(s) - f(-s)) / (2 * s) for s in (h, h / 2, h / 4)]
    first = [(4 * d[1] - d[0]) / 3, (4 * d[2] - d[1]) / 3]
    return (16 * first[1] - first[0]) / 15


def _forward(f: Callable[[float], np.ndarray], h: float = 1e-4) -> np.ndarray:
    """f'(0; 1) from the right, extrapolated twice."""
    start = f(0.0)
    d = [(f(s) - start) / s for s in (h, h / 2, h / 4)]
    first = [2 * d[1] - d[0], 2 * d[2] - d[1]]
    return (4 * first[1] - first[0]) / 3


def _check_hull(node: Tensor) -> int:
    """The number of kinks that ``node`` sits on, after checking that its vjp picks slopes that lie in the hull."""
    kink, arrays = node.op.kink, [i.numpy() for i in node.inputs]
    assert kink is not None
    on = np.asarray(kink.at(*arrays, **node.attrs))
    if not on.any():
        return 0
    picked = cotangents(node, full(node.shape, 1.0, node.dtype))
    slopes = [np.zeros_like(x) if s is None else s.numpy() for s, x in zip(picked, arrays, strict=True)]
    for s, (low, high) in zip(slopes, kink.hull(*arrays, **node.attrs), strict=True):
        inside = (low - 1e-9 <= s) & (s <= high + 1e-9)
        _require(inside[on] if inside.shape == on.shape else inside, node, slopes)
    _require(np.asarray(kink.joint(slopes, *arrays, **node.attrs))[on], node, slopes)
    return int(on.sum())


def _require(holds: np.ndarray, node: Tensor, slopes: list[np.ndarray]) -> None:
    if not np.all(holds):
        raise CheckError(f"at a kink, the vjp of {node.op.name} picks slopes outside of its hull: {slopes}")


__all__ = ["Checked", "check"]
