"""Models in one safetensors file: the parameters as tensors, the architecture as JSON in the header.

Nothing in the file is code, and nothing is unpickled: classes are looked up by name among the built-in modules and
those that the caller names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, FileError
from subgrad.graph.dtype import default_dtype, using_dtype
from subgrad.io.atomic import write_atomically
from subgrad.nn.config import from_config
from subgrad.nn.module import Module

FORMAT = 1
Path_ = str | os.PathLike[str]


def save(model: Module, path: Path_, info: dict[str, Any] | None = None) -> None:
    """Save a model: architecture and parameters in one safetensors file, written atomically.

    Args:
        model: any module whose constructor arguments are JSON values or modules.
        path: usually ends in ``.safetensors``; an existing file is replaced.
        info: anything JSON can hold, kept beside the model; `read_model_file` gives it back.

    Raises:
        FileError: if the file cannot be written.
        ArgumentError: if the model or ``info`` cannot be described as JSON.

    Example:
        >>> import subgrad as sg, tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "net.safetensors")
        >>> net = sg.nn.Linear(2, 1)
        >>> sg.save(net, path)
        >>> sg.load(path).weight.tolist() == net.weight.tolist()
        True
    """
    write_model_file(path, model.state_dict(), {"model": model.config(), "info": info or {}})


def load(path: Path_, modules: Sequence[type[Module]] = ()) -> Module:
    """The model that `save` wrote, with parameters of the dtype in the file.

    Args:
        path: the file.
        modules: your own module classes that the model is made of.

    Raises:
        FileError: if the file is missing, damaged, or not a model.
        ArgumentError: if the model needs a class that is neither built in nor among ``modules``.
    """
    tensors, header = read_model_file(path)
    if "model" not in header:
        raise FileError(f"{path} holds no description of a model")
    with using_dtype(_float_dtype(tensors)):
        model = from_config(header["model"], modules)
    model.load_state_dict(tensors)
    return model


def _float_dtype(tensors: dict[str, np.ndarray]) -> np.dtype:
    """The one float dtype of the tensors, or the default one."""
    found = {a.dtype for a in tensors.values() if a.dtype.kind == "f"}
    return found.pop() if len(found) == 1 else default_dtype()


def write_model_file(path: Path_, tensors: dict[str, np.ndarray], header: dict[str, Any]) -> None:
    """Arrays by name and a JSON header, as a safetensors file."""
    from safetensors.numpy import save as serialise

    try:
        text = json.dumps({"format": FORMAT, **header}, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"this cannot be saved, JSON cannot hold it: {error}") from None
    arrays = {name: np.ascontiguousarray(a) for name, a in tensors.items()}
    write_atomically(path, serialise(arrays, {"subgrad": text}))


def read_model_file(path: Path_) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the header of a file that `write_model_file` wrote; `FileError` if it is no such file."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as deserialise

    if not Path(path).is_file():
        raise FileError(f"there is no file {path}")
    content = Path(path).read_bytes()
    try:
        tensors = deserialise(content)
        length = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["subgrad"])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path} is damaged, or no file of this package: {error!r}") from None
    if header.get("format") != FORMAT:
        raise FileError(f"{path} has the format {header.get('format')}, this version reads format {FORMAT}")
    return tensors, header
