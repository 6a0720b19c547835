"""What an input looks like, for models whose first layer says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from subgrad.nn.usual_input import STEPS, usual_input
from subgrad.onnx.reading.onnx_model import OnnxModel


def usual_example(model: Callable[..., Any]) -> Any:
    """An input for the first layer with parameters, or those of a file; `ArgumentError` if these do not say enough."""
    if isinstance(model, OnnxModel) and all(dtype and shape for (_, dtype), shape in _told(model)):
        return tuple(_of_file(shape, dtype) for (_, dtype), shape in _told(model))
    return usual_input(model)


def _told(model: OnnxModel) -> list[tuple[tuple[str, str | None], Any]]:
    return [*zip(model.inputs, model.shapes, strict=True)]


def _of_file(shape: Any, dtype: str | None) -> np.ndarray:
    """The batch is 1, and other lengths that the file leaves open are `STEPS`."""
    lengths = [n if isinstance(n, int) and n > 0 else STEPS if axis else 1 for axis, n in enumerate(shape)]
    return np.broadcast_to(np.zeros((), dtype), lengths)


__all__ = ["usual_example"]
