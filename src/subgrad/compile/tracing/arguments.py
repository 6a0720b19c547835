"""What a compiled function is called with: which of it is data, how the data are nested, and their dtypes."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from subgrad.graph.dtype import KNOWN
from subgrad.graph.tensor import Tensor, to_array

_NUMBERS = (int, float, np.integer, np.floating)


def is_data(x: Any) -> bool:
    """Whether an argument becomes a tensor: an array of any library, a number, or a list of numbers."""
    if type(x) is np.ndarray or isinstance(x, (Tensor, np.ndarray, np.generic)):
        return True
    if isinstance(x, (bool, str, bytes)) or x is None or isinstance(x, type):
        return False
    if isinstance(x, list):
        return is_numeric(x)
    return isinstance(x, (int, float)) or hasattr(x, "__dlpack__") or hasattr(x, "__array__")


def is_numeric(x: Any) -> bool:
    """Whether lists (or tuples), one in another, hold numbers and nothing else, in rows of one length."""
    if not x:
        return False
    if not isinstance(x[0], (list, tuple)):
        return all(isinstance(n, _NUMBERS) and not isinstance(n, bool) for n in x)
    return all(isinstance(row, (list, tuple)) and len(row) == len(x[0]) and is_numeric(row) for row in x)


def spread(
    forward: Callable[..., Any], xs: Sequence[Any], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call: tuples of numbers are rows, as lists are; several inputs may come in one tuple or dict.

    They come so unless ``forward`` takes none but one such thing.
    """
    xs = tuple([np.asarray(x) if type(x) is tuple and is_numeric(x) else x for x in xs])
    if named or len(xs) != 1 or not isinstance(xs[0], (tuple, dict)):
        return xs, named
    found = ((), xs[0]) if isinstance(xs[0], dict) else (xs[0], {})
    try:
        inspect.signature(forward).bind(*found[0], **found[1])
    except (TypeError, ValueError):
        return xs, named
    return found


def form(args: Any, data: list[Any], objects: list[Any]) -> Any:
    """How the data are nested, as a key. The data are appended to ``data``, what is none to ``objects``.

    >>> data, objects = [], []
    >>> form([1.0, {"mode": "fast", "x": 2.0}], data, objects) == form([3.0, {"mode": "fast", "x": 4.0}], data, [])
    True
    >>> data
    [1.0, 2.0, 3.0, 4.0]
    """
    if is_data(args):
        data.append(args)
        return Tensor
    kind = type(args)
    if args is None or kind is bool or kind is str:
        return kind, args
    before, more = len(data), len(objects)
    if isinstance(args, dict):
        found = kind, tuple([(_name(k, objects), form(v, data, objects)) for k, v in args.items()])
    elif isinstance(args, (list, tuple)):
        found = kind, tuple([form(a, data, objects) for a in args])
    else:
        found = None
    if len(data) > before or kind in (list, tuple, dict):
        return found
    objects[more:] = [args]
    return object


def _name(key: Any, objects: list[Any]) -> Any:
    """A key of a dict, in the key of the form."""
    if type(key) in (str, int, bool):
        return type(key), key
    objects.append(key)
    return object


def data_of(args: Any) -> list[Any]:
    """The data among arguments, in order, out of lists, tuples and dicts."""
    data: list[Any] = []
    form(args, data, [])
    return data


def replaced(args: Any, values: Iterator[Any]) -> Any:
    """``args`` with the next of ``values`` in the place of each datum."""
    if is_data(args):
        return next(values)
    if not data_of(args):
        return args
    if isinstance(args, dict):
        new = {} if type(args) is dict else copy.copy(args)
        new.update((k, replaced(v, values)) for k, v in args.items())
        return new
    parts = [replaced(a, values) for a in args]
    return args._make(parts) if hasattr(args, "_make") else type(args)(parts)


def as_array(x: Any, floats: np.dtype) -> np.ndarray:
    """A datum as an array of a tensor's dtype, not copied if it is one already.

    Tensors have the dtype that somebody named for them; other floats become ``floats``.
    """
    if isinstance(x, Tensor):
        return x.numpy()
    if isinstance(x, np.ndarray):
        if x.dtype is floats:
            return x
        array = x
    elif not isinstance(x, np.generic) and hasattr(x, "__dlpack__"):
        array = np.from_dlpack(x)
    else:
        array = np.asarray(x)
    native = array.dtype.newbyteorder("=")
    if array.dtype.kind != "f" and native not in KNOWN:
        return to_array(array)
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, floats if array.dtype.kind == "f" else native).reshape(array.shape)


__all__ = ["as_array", "data_of", "form", "is_data", "is_numeric", "replaced", "spread"]
