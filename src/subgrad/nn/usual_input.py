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

STEPS = 8


def usual_input(model: Callable[..., Any]) -> np.ndarray:
    """A batch of one, for the first layer with parameters; `ArgumentError` if that does not say enough."""
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


__all__ = ["STEPS", "usual_input"]
