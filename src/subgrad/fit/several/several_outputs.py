"""The losses of several outputs as one loss, and functions of one output among several."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from subgrad import validators
from subgrad.errors import ArgumentError, naming
from subgrad.fit.several.batch_form import Keys, described
from subgrad.graph.tensor import Tensor
from subgrad.nn import loss as losses

Loss = Callable[..., Tensor]


def looked_up(loss: Any) -> Any:
    """A loss, or one for each output in a dict, tuple or list: names become functions."""
    if isinstance(loss, Mapping):
        return {key: losses.get(part) for key, part in loss.items()}
    if isinstance(loss, (tuple, list)):
        return {key: losses.get(part) for key, part in enumerate(loss)}
    return losses.get(loss)


def loss_for(loss: Any, weights: Any, targets: Keys) -> Loss:
    """One loss of all outputs.

    Args:
        loss: as `looked_up` makes it. One that comes with this package is taken of each of several targets; a function
            of the user's gets outputs and targets as they are.
        weights: a factor for each output, by its key; None for ones.
        targets: their keys.

    Raises:
        ArgumentError: if these do not fit together.
    """
    if not isinstance(loss, dict):
        if targets is None or not comes_with_us(loss):
            if weights is not None:
                raise ArgumentError("loss_weights are for several outputs, each with a loss of its own")
            return loss
        loss = dict.fromkeys(targets, loss)
    if not loss or {*loss} != {*(targets or ())}:
        raise ArgumentError(f"the losses are {described(tuple(loss))}, and y is {described(targets)}")
    factors = _factors(weights, loss)
    return functools.partial(weighted_sum, tuple(loss), tuple(loss.values()), tuple(factors[key] for key in loss))


def weighted_sum(
    keys: tuple[Any, ...], of_each: tuple[Loss, ...], factors: tuple[float, ...], out: Any, y: Any, **weight: Any
) -> Tensor:
    """The sum of the losses of several outputs, each times its factor."""
    _check_number(keys, out)
    each = [of_output(key, loss, out, y, **weight) for key, loss in zip(keys, of_each, strict=True)]
    terms = [value if factor == 1 else factor * value for factor, value in zip(factors, each, strict=True)]
    return sum(terms[1:], terms[0])


def of_output(key: Any, f: Loss, out: Any, y: Any, **weight: Any) -> Tensor:
    """``f`` of one of several outputs and its targets; its errors name the output."""
    with naming(f"output {key!r}"):
        part = output(key, out)
        return f(part, targets_for(part, y[key]), **weight)


def output(key: Any, out: Any) -> Tensor:
    """One of the outputs of a model; `ArgumentError` if there is none of that key."""
    if isinstance(out, Tensor):
        raise ArgumentError(f"the model gives one output, of shape {out.shape}, which has no key")
    keys = list(out) if isinstance(out, dict) else [*range(len(out))]
    if key not in keys:
        raise ArgumentError(f"the model gives no such output, but {', '.join(map(repr, keys))}"[:300])
    return out[key]


def pieces(loss: Loss) -> dict[Any, Loss]:
    """The losses of several outputs by their keys; a loss of all of them under None."""
    if getattr(loss, "func", None) is not weighted_sum:
        return {None: loss}
    keys, of_each, _ = loss.args  # pyright: ignore[reportFunctionMemberAccess]
    return dict(zip(keys, of_each, strict=True))


def measured_losses(loss: Loss) -> dict[str, Loss]:
    """What a run reports of a loss: itself, and that of each output."""
    parted = {f"{key}_loss": functools.partial(of_output, key, f) for key, f in pieces(loss).items() if key is not None}
    return {"loss": loss, **parted}


def comes_with_us(loss: Loss) -> bool:
    """Whether a loss is one of `subgrad.nn`, perhaps with arguments bound."""
    return all(plain(f) in losses.NAMES.values() for f in pieces(loss).values())


def require_whole(loss: Loss, out: Any) -> None:
    """Raise for several outputs that a loss of one is given."""
    if comes_with_us(loss) and isinstance(out, (dict, tuple, list)):
        keys = tuple(out) if isinstance(out, dict) else tuple(range(len(out)))
        raise ArgumentError(
            f"the model gives several outputs, {described(keys)}, and y is one array: give y and a loss for each, or a "
            "loss of your own for all"
        )


def targets_for(out: Any, y: Any) -> Any:
    """y as a column where the model's output is one: targets of shape (n,) fit an output of shape (n, 1)."""
    if not isinstance(out, Tensor) or not isinstance(y, Tensor):
        return y
    return y.reshape(-1, 1) if out.ndim == 2 and out.shape[1] == 1 and y.ndim == 1 else y


def plain(loss: Any) -> Any:
    """A loss without the arguments that were bound to it."""
    while isinstance(loss, functools.partial):
        loss = loss.func
    return loss


def _factors(weights: Any, loss: dict[Any, Loss]) -> dict[Any, float]:
    given = dict(enumerate(weights)) if isinstance(weights, (tuple, list)) else {} if weights is None else weights
    if not isinstance(given, Mapping):
        raise ArgumentError(f"loss_weights has a number for each output, in a dict or tuple, got {weights!r}"[:300])
    if isinstance(weights, (tuple, list)) and len(weights) != len(loss):
        raise ArgumentError(f"loss_weights holds {len(weights)} numbers for {len(loss)} losses")
    for key in given:
        if key not in loss:
            raise ArgumentError(f"loss_weights names {key!r}, and the losses are {described(tuple(loss))}")
    return {key: validators.not_negative(f"loss_weights[{key!r}]", given.get(key, 1.0)) for key in loss}


def _check_number(keys: tuple[Any, ...], out: Any) -> None:
    if isinstance(out, (tuple, list)) and len(out) != len(keys):
        raise ArgumentError(f"the model gives {len(out)} outputs, and the losses are {described(keys)}: one for each")


