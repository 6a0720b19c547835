"""What an input looks like, for models whose first layer says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.nn.layers.embedding import Embedding
from subgrad.nn.layers.linear import Linear
from subgrad.nn.layers.recurrent import GRU, LSTM, RNN
from subgrad.nn.module import Module
from subgrad.onnx.reading.onnx_model import OnnxModel

STEPS = 8


def usual_example(model: Callable[..., Any]) -> Any:
    """An input for the first layer with parameters, or those of a file; `ArgumentError` if these do not say enough."""
    if isinstance(model, OnnxModel) and all(dtype and shape for (_, dtype), shape in _told(model)):
        return tuple(_of_file(shape, dtype) for (_, dtype), shape in _told(model))
    layers = [m for _, m in model.named_modules() if not m.children] if isinstance(model, Module) else []
    layer = next((m for m in layers if any(True for _ in m.named_state())), None)
    if isinstance(layer, Linear):
        return np.zeros((1, layer.weight.shape[1]), np.float32)
    if isinstance(layer, (RNN, LSTM, GRU)):
        return np.zeros((1, STEPS, layer.input_size), np.float32)
    if isinstance(layer, Embedding):
        return np.zeros((1, STEPS), np.int64)
    kind = type(layer or model).__name__
    raise ArgumentError(f"the shape of the input of a {kind} is not known: give an example, such as one batch of data")


def _told(model: OnnxModel) -> list[tuple[tuple[str, str | None], Any]]:
    return [*zip(model.inputs, model.shapes, strict=True)]


def _of_file(shape: Any, dtype: str | None) -> np.ndarray:
    """The batch is 1, and other lengths that the file leaves open are `STEPS`."""
    lengths = [n if isinstance(n, int) and n > 0 else STEPS if axis else 1 for axis, n in enumerate(shape)]
    return np.broadcast_to(np.zeros((), dtype), lengths)


__all__ = ["usual_example"]
