"""Models in one safetensors file: the parameters as tensors, the architecture as JSON in the header.

Nothing in the file is code, and nothing is unpickled: classes are looked up by name among the built-in modules and
those that the caller names. Nothing in it is believed either: the architecture is built without values first, which
takes no memory, and must have the names and shapes of the tensors that are there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from subgrad.errors import ArgumentError, FileError
from subgrad.graph.dtype import default_dtype, using_dtype
from subgrad.graph.tensor import constant
from subgrad.io.atomic import require_regular, write_atomically
from subgrad.nn import init
from subgrad.nn.config import from_config, known_classes, named_classes
from subgrad.nn.module import Module
from subgrad.nn.sharing import share, shared_names

FORMAT = 2  # files of format 1 have no digest
NO_DIGEST = 64 * "0"  # what stands in its place while it is computed
HEADER = 2**25  # bytes of JSON, at most: what the preparation of 20,000 columns takes
Path_ = str | os.PathLike[str]
Tensors = dict[str, np.ndarray]


def save(model: Any, path: Path_, info: dict[str, Any] | None = None) -> None:
    """Save a model: architecture and parameters in one safetensors file, written atomically.

    A parameter or layer that the model holds in several places is saved once, and is shared again when it is loaded.

    Args:
        model: any module whose constructor arguments are JSON values or modules; or a `subgrad.tabular.TabularModel`,
            whose own ``save`` this calls.
        path: usually ends in ``.safetensors``; an existing file is replaced. A link is followed; a pipe or a device is
            no place for a model.
        info: anything JSON can hold, kept beside the model; `read_model_file` gives it back.

    Raises:
        FileError: if the file cannot be written.
        ArgumentError: if the model is neither, or it or ``info`` cannot be described as JSON.

    Example:
        >>> import subgrad as sg, tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "net.safetensors")
        >>> net = sg.nn.Linear(2, 1)
        >>> sg.save(net, path)
        >>> sg.load(path).weight.tolist() == net.weight.tolist()
        True
    """
    if not isinstance(model, Module):
        return _save_itself(model, path, info)
    write_model_file(path, model.state_dict(), {**description(model), "info": info or {}})


def _save_itself(model: Any, path: Path_, info: dict[str, Any] | None) -> None:
    """Let a model for tables save itself, which keeps what it has to tell."""
    from subgrad.tabular import TabularModel

    if not isinstance(model, TabularModel):
        raise ArgumentError(f"what can be saved is a module or a TabularModel, got {type(model).__name__}")
    if info is not None:
        raise ArgumentError("info is kept beside a module; a TabularModel has its record")
    model.save(path)


def description(model: Module) -> dict[str, Any]:
    """What the header says of a model: its architecture, and the names of what it holds in several places."""
    return {"model": model.config(), "shared": shared_names(model)}


def load(path: Path_, modules: Sequence[type[Module]] = ()) -> Any:
    """The model that `save` wrote, with parameters of the dtype in the file; of a checkpoint, the model at its epoch.

    A file of a model for tables gives the `subgrad.tabular.TabularModel`.

    Args:
        path: the file.
        modules: your own module classes that the model is made of.

    Raises:
        FileError: if the file is missing, damaged, or not a model.
        ArgumentError: if the model needs a class that is neither built in nor among ``modules``.
    """
    tensors, header = read_model_file(path)
    if is_tabular(header):
        from subgrad.tabular import TabularModel

        return TabularModel.load(path)
    return _module(path, modules, tensors, header)


def load_module(path: Path_, modules: Sequence[type[Module]] = ()) -> Module:
    """As `load`, but a model for tables is none: `FileError`, unless its network is among ``modules``."""
    tensors, header = read_model_file(path)
    if is_tabular(header) and not modules:
        raise FileError(f"{path} holds a model for tables, and this takes a network")
    return _module(path, modules, tensors, header)


def _module(path: Path_, modules: Sequence[type[Module]], tensors: Tensors, header: dict[str, Any]) -> Module:
    if header.get("model") is None:
        raise FileError(f"{path} holds no description of a model")
    if "run" in header:
        tensors = part(tensors, "model.")
    try:
        names = named_classes(header["model"])
    except ArgumentError as error:
        _damaged(path, error)
    known_classes(names, modules)
    try:
        return _built(header, modules, tensors)
    except Exception as error:  # whatever a constructor has against what the file says is a fault of the file
        _damaged(path, error)


def _built(header: Mapping[str, Any], modules: Sequence[type[Module]], tensors: Tensors) -> Module:
    """The model that the header describes, with the tensors as its parameters."""
    with using_dtype(_float_dtype(tensors)), init.blank(2 * len(tensors) + 16):  # some layers replace a parameter
        model = from_config(header["model"], modules)
    if "shared" in header:
        share(model, header["shared"])
    state = dict(model.named_state())
    wrong = [f"{name} is missing" for name in state if name not in tensors]
    wrong += [f"{name[:100]} is unknown" for name in tensors if name not in state]
    for name, value in tensors.items():
        if name in state and (value.shape != state[name].shape or value.dtype not in (np.float32, np.float64)):
            wrong.append(f"{name} is {value.dtype}{list(value.shape)}, and should be {list(state[name].shape)}")
    if wrong:
        more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ArgumentError(f"tensors and architecture differ: {'; '.join(wrong[:3])}{more}")
    for name, p in state.items():
        p._bind(constant(tensors[name]))
    return model


def part(tensors: Tensors, prefix: str) -> Tensors:
    """The tensors whose names begin so, without that beginning."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _float_dtype(tensors: Tensors) -> np.dtype:
    """The one float dtype of the tensors, or the default one."""
    found = {a.dtype for a in tensors.values()} & {np.dtype(np.float32), np.dtype(np.float64)}
    return found.pop() if len(found) == 1 else default_dtype()


def write_model_file(path: Path_, tensors: Tensors, header: dict[str, Any]) -> None:
    """Arrays by name and a JSON header, as a safetensors file with a digest of both."""
    from safetensors.numpy import save as serialise

    try:
        rest = {key: value for key, value in header.items() if key not in ("digest", "format")}
        text = json.dumps({**rest, "digest": NO_DIGEST, "format": FORMAT}, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f"this cannot be saved, JSON cannot hold it: {error}") from None
    if len(text) > HEADER:
        raise ArgumentError(f"this cannot be saved: described as JSON it takes more than {HEADER:,} bytes")
    arrays = {name: np.asarray(a, order="C") for name, a in tensors.items()}
    start, end = text.rsplit(NO_DIGEST, 1)
    write_atomically(path, serialise(arrays, {"subgrad": f"{start}{_digest(arrays, text)}{end}"}))


def read_model_file(path: Path_) -> tuple[Tensors, dict[str, Any]]:
    """The arrays and the header of a file that `write_model_file` wrote.

    Raises `FileError` if there is no such file, or a byte of it is not as it was written.
    """
    from safetensors.numpy import load as deserialise

    if isinstance(path, (str, os.PathLike)) and (os.path.isdir(path) or not os.path.exists(path)):
        raise FileError(f"there is no file {path}{': it is a folder' if os.path.isdir(path) else ''}")
    require_regular(path)
    try:
        content = Path(path).read_bytes()
        text = _metadata(content)
        header = json.loads(text, parse_constant=_no_number)
        tensors = deserialise(content)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None
    except Exception as error:  # safetensors and JSON have many for a damaged file
        _damaged(path, error)
    _check(path, header, tensors, text)
    return tensors, header


def read_info(path: Path_) -> dict[str, Any]:
    """What `save` was given to keep beside the model; empty if that was nothing, or no dict."""
    info = read_model_file(path)[1].get("info")
    return info if isinstance(info, dict) else {}


def is_model_file(path: Path_) -> bool:
    """Whether it begins as the files of `save` do; nothing more of it is read."""
    try:
        with open(path, "rb") as file:
            start = file.read(9)
    except OSError:
        return False
    return start[8:] == b"{" and int.from_bytes(start[:8], "little") <= HEADER + 2**27


def is_tabular(header: Mapping[str, Any]) -> bool:
    """Whether a file with this header is that of a model for tables."""
    info = header.get("info")
    return isinstance(info, dict) and info.get("kind") == "tabular"


def _metadata(content: bytes) -> str:
    """The text that safetensors keeps beside tensors."""
    length = int.from_bytes(content[:8], "little")
    if length > HEADER + 2**27:
        raise ValueError("it begins with no header")
    text = json.loads(content[8 : 8 + length])["__metadata__"]["subgrad"]
    if len(text) > HEADER:
        raise ValueError("its description is too long")
    return text


def _check(path: Path_, header: Any, tensors: Tensors, text: str) -> None:
    if not isinstance(header, dict) or header.get("format") not in (1, FORMAT):
        found = header.get("format") if isinstance(header, dict) else None
        raise FileError(f"{path} has the format {found!r}, this version reads format {FORMAT}"[:300])
    digest = header.pop("digest", None)
    if digest is None and header["format"] == 1:
        return
    start, _, end = text.rpartition(digest) if isinstance(digest, str) and digest else ("", "", "")
    if digest != _digest(tensors, f"{start}{NO_DIGEST}{end}"):
        raise FileError(f"{path} is damaged: its content is not what its digest says")


def _digest(tensors: Tensors, text: str) -> str:
    """The SHA-256 digest of the tensors and of the header's text, in which `NO_DIGEST` stands for it."""
    found = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        array = tensors[name]
        found.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        found.update(array.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _damaged(path: Path_, error: Exception) -> NoReturn:
    text = f"{path} is damaged, or no file of this package: {type(error).__name__}: {error}"
    raise FileError(text if len(text) < 400 else f"{text[:400]} ...") from None
