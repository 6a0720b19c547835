"""Parameters that PyTorch has trained, for the modules here, whose names and shapes are PyTorch's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from subgrad.errors import FileError
from subgrad.io.atomic import require_regular
from subgrad.nn import Module

M = TypeVar("M", bound=Module)

_PREFIXES = ("module.", "_orig_mod.")  # of what DataParallel and torch.compile put around a module
_COUNTERS = "num_batches_tracked"  # of batches that a normalisation has seen, which is of no use here


def from_state_dict(model: M, state: Mapping[str, Any]) -> M:
    """Give a model the values of a ``state_dict`` of PyTorch; returns the model.

    Names are those of PyTorch for `nn.Linear`, `nn.Conv2d`, `nn.BatchNorm2d`, `nn.LSTM`, `nn.MultiHeadAttention` and
    the others, in a `nn.Sequential` their numbers. Values take the dtype of the parameter. The numbers of batches that
    a batch normalisation has seen are left out, and so are the prefixes of ``DataParallel`` and ``torch.compile``.

    Args:
        model: a module as the one whose state it is.
        state: tensors of PyTorch, or arrays, by name.

    Raises:
        ArgumentError: if a name is missing or unknown.
        ShapeError: if a shape differs.

    Each error lists what does not fit, ten things at most, and then nothing has been changed.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> net = sg.nn.Sequential(sg.nn.Linear(2, 1), sg.nn.ReLU())
        >>> state = {"module.0.weight": np.ones((1, 2)), "module.0.bias": np.zeros(1)}
        >>> sg.torch.from_state_dict(net, state)(sg.ones((1, 2))).tolist()
        [[2.0]]
    """
    mine = dict(model.named_state())
    given = {_own_name(name): _array(value) for name, value in state.items() if not name.endswith(_COUNTERS)}
    values = {name: a.astype(mine[name].dtype) if name in mine else a for name, a in given.items()}
    model.load_state_dict(values)
    return model


def load_torch(path: str | os.PathLike[str], model: M) -> M:
    """Give a model the values of a safetensors file that PyTorch's ``state_dict`` was saved in; returns the model.

    ``safetensors.torch.save_file(net.state_dict(), path)`` writes such a file. Files of ``torch.save`` are pickles,
    which can run any code, and are not read.

    Args:
        path: the file.
        model: a module as the one whose state it is.

    Raises:
        FileError: if the file is missing, or not of safetensors.
        ArgumentError, ShapeError: as `from_state_dict`.

    Example:
        >>> import os, tempfile
        >>> import numpy as np, subgrad as sg
        >>> from safetensors.numpy import save_file
        >>> path = os.path.join(tempfile.mkdtemp(), "state.safetensors")
        >>> save_file({"weight": np.ones((1, 2), np.float32), "bias": np.zeros(1, np.float32)}, path)
        >>> sg.torch.load_torch(path, sg.nn.Linear(2, 1))(sg.ones((1, 2))).tolist()
        [[2.0]]
    """
    from safetensors.numpy import load

    require_regular(path)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None
    try:
        state = load(content)
    except Exception as error:  # safetensors has many for a damaged file
        raise FileError(_why_not(path, content, error)) from None
    return from_state_dict(model, state)


def _why_not(path: str | os.PathLike[str], content: bytes, error: Exception) -> str:
    if content[:2] == b"PK" or content[:1] == b"\x80":
        return (
            f"{path} is a pickle, which can run any code and is not read; write the state once more, "
            "with safetensors.torch.save_file(net.state_dict(), path)"
        )
    return f"{path} is damaged, or no safetensors file: {error}"[:300]


def _own_name(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _array(value: Any) -> np.ndarray:
    """A tensor of PyTorch as an array; bfloat16, which NumPy does not have, by way of float32."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value
    return np.asarray(value)


__all__ = ["from_state_dict", "load_torch"]
