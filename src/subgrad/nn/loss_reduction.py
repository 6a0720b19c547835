"""What all losses share: checked scores and labels, weights of samples and classes, and the reduction."""

from __future__ import annotations

import warnings

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError, DataError, DTypeError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn.noted import Reduced, note
from subgrad.ops import rules
from subgrad.ops.indexing import checked

Weights = TensorLike | None


def known(x: Tensor) -> np.ndarray | None:
    """The value of ``x``; None while it depends on an argument that has none yet."""
    return None if x.is_symbolic() else x.numpy()


# Scores and labels


def numbers(loss: str, f: TensorLike, y: TensorLike) -> tuple[Tensor, Tensor]:
    """f and y in one float dtype; `ShapeError` unless they have one shape."""
    f, y = (rules.as_float(x) for x in rules.match(f, y))
    if f.shape != y.shape:
        hint = "; take the one column of f, as in f[:, 0]" if f.shape == (*y.shape, 1) else ""
        raise ShapeError(f"{loss} compares f and y of one shape and does not broadcast: {f.shape}, {y.shape}{hint}")
    return f, y


def signs(loss: str, f: TensorLike, y: TensorLike) -> tuple[Tensor, Tensor]:
    """As `numbers`; `DataError` unless y holds -1 and +1."""
    f, y = numbers(loss, f, y)
    note().signs = True
    values, takes = known(y), f"{loss} takes the labels -1 and +1"
    if values is None:
        return f, required(abs(y) == 1, y, takes)
    if not np.all(np.abs(values) == 1):
        found = np.unique(values)
        hint = ": convert 0 and 1 with 2 * y - 1" if np.isin(found, [0, 1]).all() else ""
        raise DataError(f"{takes}, got {', '.join(map(str, found[:5]))}{hint}")
    return f, y


def binary(
    loss: str, f: TensorLike, y: TensorLike, ignored: int | None = None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """f; y as -1 and +1, given as such or as 0 and 1; and which samples count, None for all."""
    counts = None
    if ignored is not None:
        y = as_tensor(y)
        counts = ops.not_equal(y, ignored)
        y = ops.where(counts, y, 1)
    f, y = numbers(loss, f, y)
    note().log_odds = True
    warn_of_probabilities(loss, f)
    values, takes = known(y), f"{loss} takes the labels 0 and 1, or -1 and +1"
    if values is None:
        y = required((y == 0) | (abs(y) == 1), y, takes)
    else:
        found = np.unique(values).tolist()
        if not (set(found) <= {0, 1} or set(found) <= {-1, 1}):
            raise DataError(f"{takes}, got {', '.join(map(str, found[:5]))}")
    return f, ops.where(y > 0, ops.ones_like(y), -1), counts


def warn_of_probabilities(loss: str, f: Tensor) -> None:
    """Warn if scores come out of a sigmoid or a softmax: the loss has that inside."""
    made = f.node
    name = "sigmoid" if made.op is ops.sigmoid else "softmax" if _is_softmax(made) else ""
    if name:
        warnings.warn(
            f"{loss} takes scores, and these are probabilities, out of a {made.site.after(name)}: leave it out, the "
            "loss has it inside",
            stacklevel=4,
        )


def _is_softmax(node: Tensor) -> bool:
    return node.op is ops.exp and node.inputs[0].op is ops.log_softmax


def distributions(loss: str, f: TensorLike, y: TensorLike) -> tuple[Tensor, Tensor]:
    """f of shape (..., C), and y as probabilities of that shape and dtype: given as such, or as integer classes."""
    f = rules.as_float(as_tensor(f))
    y = as_tensor(y, f.dtype)
    if not f.ndim or f.shape[-1] < 2:
        raise ShapeError(f"{loss} needs scores of shape (N, C) for two classes or more, got {f.shape}")
    if y.shape == f.shape:
        y = rules.match(f, y)[1]
        _check_probabilities(loss, y)
        return f, y
    if y.shape != f.shape[:-1]:
        raise ShapeError(f"{loss} needs classes {f.shape[:-1]} or probabilities for scores {f.shape}, got {y.shape}")
    if y.dtype.kind not in "iu":
        raise DTypeError(f"{loss} takes classes as integers, got {y.dtype}: convert them with y.astype('int64')")
    return f, ops.one_hot(_classes(loss, y, f.shape[-1]), f.shape[-1], f.dtype)


def _classes(loss: str, y: Tensor, count: int) -> Tensor:
    """Classes that are in range; those without a value yet are looked at once they have one."""
    values = known(y)
    if values is None:
        return checked(y, 0, count, takes_classes(loss, count))
    if values.size and not (values.min() >= 0 and values.max() < count):
        raise DataError(f"{takes_classes(loss, count)}, got {values.min()}..{values.max()}")
    return y


def takes_classes(loss: str, count: int) -> str:
    """What is said of the labels of a loss that has so many classes."""
    return f"{loss} has {count} classes, 0..{count - 1}"


def required(valid: Tensor, y: Tensor, takes: str) -> Tensor:
    """y, of which no value is known yet: once they are, what is not ``valid`` is an error that says what the loss
    ``takes``, in native code as well."""
    code = checked(valid.astype("int64"), 1, 2, takes)
    return ops.where(code > 0, y, 0)


def without_ignored(loss: str, y: TensorLike, ignored: int | None) -> tuple[TensorLike, Tensor | None]:
    """The classes y, with class 0 in the place of those that are ``ignored``; and which ones count, None for all."""
    if ignored is None:
        return y, None
    y = as_tensor(y)
    if y.dtype.kind not in "iu":
        raise DTypeError(f"{loss} ignores a class of integers, and y holds {y.dtype}")
    limits = np.iinfo(y.dtype)
    if not limits.min <= ignored <= limits.max:
        return y, None
    note().ignored.add(ignored)
    counts = ops.not_equal(y, ignored)
    return ops.where(counts, y, 0), counts


def _check_probabilities(loss: str, y: Tensor) -> None:
    values = known(y)
    if values is not None and not (np.all(values >= 0) and np.allclose(values.sum(-1), 1, atol=1e-3)):
        raise DataError(f"{loss} takes probabilities that are not negative and sum to 1 in each row")


# Weights


def of_signs(class_weight: Weights, y: Tensor) -> Tensor | None:
    """The weight of each label's class, given those of -1 and of +1."""
    if class_weight is None:
        return None
    weight = of_classes(class_weight, 2, y.dtype)
    return ops.where(y > 0, weight[1], weight[0])


def of_classes(class_weight: Weights, count: int, dtype: np.dtype) -> Tensor:
    """The class weights as a vector of ``count``; `ShapeError` for another length."""
    weight = as_tensor(class_weight, dtype).astype(dtype)
    if weight.shape != (count,):
        raise ShapeError(f"class_weight holds one weight for each of the {count} classes, got shape {weight.shape}")
    return _not_negative("class_weight", weight)


def _of_samples(sample_weight: Weights, losses: Tensor) -> Tensor:
    """The sample weights at the shape of ``losses``: one for each, or one for each row."""
    weight = as_tensor(sample_weight, losses.dtype).astype(losses.dtype)
    if not weight.ndim or weight.shape != losses.shape[: weight.ndim]:
        raise ShapeError(f"sample_weight holds one weight for each sample, {losses.shape}, got shape {weight.shape}")
    rows = weight.reshape(weight.shape + (1,) * (losses.ndim - weight.ndim))
    return ops.broadcast_to(_not_negative("sample_weight", rows), losses.shape)


def _not_negative(name: str, weight: Tensor) -> Tensor:
    values = known(weight)
    if values is None:
        return required(weight >= 0, weight, f"{name} takes weights of 0 or more")
    if not np.all(values >= 0):
        raise DataError(f"{name} holds a weight that is negative or NaN: {values.min()}")
    return weight


# Reduction

REDUCTIONS = ("mean", "sum", "none")


def reduced(losses: Tensor, sample_weight: Weights, by_class: Tensor | None, reduction: str) -> Tensor:
    """The losses weighted by sample and put together.

    Args:
        losses: one for each sample, weighted by class already.
        sample_weight: None, or one for each.
        by_class: the class weights that went into ``losses``, which a mean divides by.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    """
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"a reduction is one of {', '.join(REDUCTIONS)}, got {reduction!r}")
    weights = by_class
    if sample_weight is not None:
        weight = _of_samples(sample_weight, losses)
        weights = weight if by_class is None else weight * by_class
        losses = ops.scale(weight, losses)
    return losses if reduction == "none" else _together(losses, weights, reduction)


def _together(losses: Tensor, weights: Tensor | None, reduction: str) -> Tensor:
    """The sum of the losses, or their mean: 0 where no sample counts. Whoever listens hears of it."""
    total = None if weights is None or reduction == "sum" else weights.sum()
    if reduction == "sum":
        value = losses.sum()
    elif total is None:
        value = losses.mean()
    else:
        value = losses.sum() / ops.where(total > 0, total, 1)
    note().reduced.append(Reduced(value, total, added=reduction == "sum"))
    return value


def weighted(losses: Tensor, by_class: Tensor | None) -> Tensor:
    """The losses times the weights of their classes, if there are any."""
    return losses if by_class is None else ops.scale(by_class, losses)
