"""Certificates from files. A file may say anything: whatever is not exactly what a certificate holds is refused."""

from __future__ import annotations

import json
import math
import os
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from subgrad.errors import FileError
from subgrad.io.atomic import require_regular
from subgrad.kinks.certify.certificate import CLAIMS, FORMAT, LARGEST, Certificate, LoadedCertificate


def load_certificate(path: str | os.PathLike[str]) -> LoadedCertificate:
    """The certificate that `Certificate.save` wrote; nothing of it is checked but its form. See `verify_certificate`.

    Raises:
        FileError: for a file that cannot be read, is anything else, or has more than 256 MiB; for a pipe or a device.
    """
    require_regular(path)
    size = os.path.getsize(path)
    if size > LARGEST:
        raise FileError(f"cannot read {path}: it has {size:,} bytes, and {LARGEST:,} are the most of a certificate")
    try:
        content = json.loads(Path(path).read_bytes().decode(), parse_constant=_no_number)
        return _certificate(content)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise FileError(f"{path} is no certificate, or is damaged: {why}") from None


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _certificate(content: Any) -> LoadedCertificate:
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise ValueError(f"it does not say that it is a {FORMAT!r}")
    wanted = {f.name for f in fields(Certificate)}
    if set(content) != wanted:
        odd = sorted(wanted ^ set(content))[0]
        raise ValueError(f"its field {odd[:40]!r} is {'missing' if odd in wanted else 'unknown'}")
    if content["claim"] not in CLAIMS or content["dtype"] not in ("float32", "float64"):
        raise ValueError("its claim or its dtype is none that there is")
    if not isinstance(content["reason"], str):
        raise ValueError("its reason is no text")
    shapes = _shapes(content["shapes"])
    n = sum(math.prod(s) for s in shapes)
    if n < 1:
        raise ValueError("it has no variables")
    numbers = {k: _number(content[k], k) for k in ("delta", "tolerance", "step")}
    if numbers["delta"] < 0 or numbers["tolerance"] <= 0 or numbers["step"] < 0:
        raise ValueError("its delta, tolerance or step is out of its domain")
    ends = {k: _vector([sign * math.inf if b is None else b for b in _list(content[k], k)], k, n) for k, sign in _ENDS}
    rows = {k: _table(content[k], k, n) for k in ("points", "gradients")}
    m = len(rows["points"])
    if len(rows["gradients"]) != m or (not m and content["claim"] != "unknown"):
        raise ValueError("it does not have a gradient for each point, and a point at least")
    vectors = {"x": _vector(content["x"], "x", n), "direction": _vector(content["direction"], "direction", n)}
    weights = _vector(content["weights"], "weights", m)
    numbers_and_words = {**content, **numbers, **ends, **rows, **vectors}
    return LoadedCertificate(**{**numbers_and_words, "weights": weights, "shapes": shapes})


_ENDS = (("low", -1), ("high", 1))
_LARGEST = int(np.finfo(np.float64).max)


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"its {name} is no list")
    return value


def _number(value: Any, name: str, unbounded: bool = False) -> float:
    """A float that is finite. JSON has ints of any size, and bools and texts that NumPy would take for numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"its {name} has something that is no number")
    if abs(value) > _LARGEST and not (unbounded and isinstance(value, float)):
        raise ValueError(f"its {name} has a number that is not finite")
    return float(value)


def _vector(value: Any, name: str, size: int) -> np.ndarray:
    if len(_list(value, name)) != size:
        raise ValueError(f"its {name} has {len(value)} numbers and not {size}")
    return np.array([_number(v, name, name in ("low", "high")) for v in value], np.float64)


def _table(value: Any, name: str, columns: int) -> np.ndarray:
    return np.array([_vector(row, name, columns) for row in _list(value, name)], np.float64).reshape(-1, columns)


def _shapes(value: Any) -> tuple[tuple[int, ...], ...]:
    shapes = tuple(tuple(_list(shape, "shapes")) for shape in _list(value, "shapes"))
    if any(type(k) is not int or not 0 <= k < 2**31 for shape in shapes for k in shape):
        raise ValueError("its shapes are no whole numbers")
    return shapes


__all__ = ["load_certificate"]
