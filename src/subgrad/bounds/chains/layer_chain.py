"""Networks that are chains of affine maps and relus, as matrices, with what rounding does to rows on their way back."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from subgrad.bounds.backward.affine import Affine, gamma
from subgrad.bounds.backward.curves import Curve
from subgrad.bounds.backward.linear_bounds import Boxes
from subgrad.bounds.taylor.rounding import LARGEST, TINY, UNIT

WIDEST = 1024  # elements of an input or a layer


@dataclass(frozen=True, eq=False)
class Layer:
    """An affine map ``W x + c``, and the bend ``max(z, slope z)`` behind it.

    Attributes:
        step: the number of the step whose values z are, for their interval.
        weights, constant: shapes (n, m) and (n,).
        error: what a unit of a coefficient of z may lose on its way through the map, for inputs of the whole box; shape
            (n,). See `subgrad.bounds.backward.affine`.
        slope: 1 of a map without a bend.
        moves: no output is more than one input, or its negative: products with such a matrix are not rounded.
        linear: there is no constant.
    """

    step: int
    weights: np.ndarray
    constant: np.ndarray
    error: np.ndarray
    slope: float = 1.0
    moves: bool = False
    linear: bool = False


def chain_of(whole: Boxes) -> list[Layer] | None:
    """The layers of a network for all boxes in one, the last one, to the outputs, without a bend.

    None if it is no chain, or its values there are not bounded.
    """
    layers: list[Layer] = []
    last: Layer | None = None  # what came after the last bend
    for k, step in enumerate(whole.steps):
        ends = whole.intervals[k]
        if math.prod(step.shape) > WIDEST or not ends.largest.max(initial=0.0) < LARGEST:
            return None
        if k == 0:
            continue
        if step.inputs != (k - 1,):
            return None
        if isinstance(step.made, Affine):
            found = _affine(whole, k)
            both = found if last is None or found is None else _joined(last, found)
            if both is None and last is not None:
                layers.append(last)
            last = both or found
            if last is None:
                return None
        elif isinstance(step.made, Curve) and step.made.least is not None:
            layers.append(replace(last or _nothing(whole, k - 1), slope=step.made.least))
            last = None
        else:
            return None
    layers.append(last or _nothing(whole, len(whole.steps) - 1))
    return layers if len(layers) > 1 else None


def _affine(whole: Boxes, k: int) -> Layer | None:
    """The matrix of an affine step. Each of its elements is one product with 1, or a sum within `Affine.error`."""
    step = whole.steps[k]
    assert isinstance(step.made, Affine)
    if len(step.made.parts) != 1:
        return None
    part, before = step.made.parts[0][1], whole.steps[k - 1].shape
    units = np.eye(math.prod(before)).reshape(-1, *before)
    weights = part.forward(units).reshape(len(units), -1).T
    n = len(weights)
    centre = 0.0 if step.made.centre is None else step.made.centre
    constant = np.broadcast_to(centre, step.shape).ravel()
    error = step.made.error([whole.intervals[k - 1].largest.max(axis=0, keepdims=True)])
    error = np.broadcast_to(error, (1, *step.shape)).ravel() if np.ndim(error) else np.full(n, float(error))
    exact = step.made.constant
    linear = exact is None or not (np.any(exact.low) or np.any(exact.high))
    return Layer(k, weights, constant, error, moves=not part.terms and part.doubt is None, linear=linear)


def _joined(first: Layer, second: Layer) -> Layer | None:
    """Both maps as one, if that needs no rounding that is not counted."""
    if not (first.moves and first.linear) and not second.moves:
        return None
    moved = second.weights @ first.constant
    constant = moved + second.constant
    error = np.abs(second.weights) @ first.error + second.error + UNIT * np.abs(constant)
    if first.moves and first.linear:
        constant, error = second.constant, second.error
    return Layer(
        second.step, second.weights @ first.weights, constant, error, moves=first.moves and second.moves,
        linear=first.linear and second.linear,
    )  # fmt: skip


def _nothing(whole: Boxes, k: int) -> Layer:
    """The values of a step as they are."""
    n = math.prod(whole.steps[k].shape)
    return Layer(k, np.eye(n), np.zeros(n), np.zeros(n), moves=True, linear=True)


@dataclass(frozen=True, eq=False)
class Arrays:
    """A chain and rows of its outputs as arrays of one width, n elements and zeros up to N; K is the number of bends.

    Attributes:
        first: the matrix of the first layer, shape (N, D), D the number of inputs and zeros.
        inner: of the others but the last, shape (K - 1, N, N).
        rows: of what is to be bounded from above, as functions of the last bend's results, shape (m, N).
        constants, row_constants: what is added, shapes (K, N) and (m,).
        errors, row_errors: what a row that starts at an argument of a bend, or is one of those, may lose on its first
            map, with what its constant loses in sums; likewise.
        bend_errors: what a unit of a coefficient of a bend's result may lose at the bend and on the map before it,
            shape (K, N).
        input_errors: and what at the input, shape (D,).
        slopes: of the bends, shape (K, N); 0 behind the end.
    """

    first: np.ndarray
    inner: np.ndarray
    rows: np.ndarray
    constants: np.ndarray
    row_constants: np.ndarray
    errors: np.ndarray
    row_errors: np.ndarray
    bend_errors: np.ndarray
    input_errors: np.ndarray
    slopes: np.ndarray


def arrays_of(layers: list[Layer], whole: Boxes, rows: np.ndarray, lanes: int) -> Arrays:
    """The arrays for upper bounds of ``rows @ outputs``, with room for vectors of so many lanes.

    All of a row's constant is one sum, of at most ``terms`` products in any order; each of them is smaller than the
    magnitudes below say. A coefficient that is multiplied with a slope loses a rounding of itself.
    """
    *hidden, last = layers
    k, d = len(hidden), layers[0].weights.shape[1]
    width, inputs = (-(-n // lanes) * lanes for n in (max(len(h.constant) for h in hidden), d))
    terms = 2 * width * (k + 1) + 2 * inputs + 2 * lanes + rows.shape[1]
    shape = (k, width)
    first, inner = np.zeros((width, inputs)), np.zeros((k - 1, width, width))
    constants, errors, bends, slopes = (np.zeros(shape) for _ in range(4))
    for i, layer in enumerate(hidden):
        n, m = layer.weights.shape
        (first if i == 0 else inner[i - 1])[:n, :m] = layer.weights
        size, steepest = whole.intervals[layer.step].largest.ravel(), max(1.0, abs(layer.slope))
        constants[i, :n], slopes[i, :n] = layer.constant, layer.slope
        errors[i, :n] = (layer.error + gamma(terms) * np.abs(layer.constant)) * (1 + 4 * UNIT) + TINY
        lost = steepest * (errors[i, :n] + 2 * UNIT * size) + 2 * gamma(terms) * (1 + steepest) * size
        bends[i, :n] = lost * (1 + 8 * UNIT) + TINY
    size = max(1.0, abs(hidden[-1].slope)) * whole.intervals[hidden[-1].step].largest.ravel()
    a, magnitude = rows @ last.weights, np.abs(rows)
    off = 2 * gamma(rows.shape[1]) * (np.abs(last.weights) @ size) + 2 * gamma(terms) * np.abs(last.constant)
    off = last.error + off
    padded = np.zeros((len(rows), width))
    padded[:, : a.shape[1]] = a
    at_input = np.zeros(inputs)
    at_input[:d] = gamma(terms) * whole.intervals[0].largest.ravel() * (1 + 4 * UNIT) + TINY
    return Arrays(
        first, inner, padded, constants, rows @ last.constant, errors,
        (magnitude @ off) * (1 + gamma(rows.shape[1])) + TINY, bends, at_input, slopes,
    )  # fmt: skip


__all__ = ["Arrays", "Layer", "arrays_of", "chain_of"]
