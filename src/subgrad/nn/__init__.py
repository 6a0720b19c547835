"""Modules, initial values and losses.

Layers work on batches: axis 0 counts the examples. `Linear`, `LayerNorm`, `Embedding` and `Softmax` work along the
last axis; `Branches` joins along axis 1, where images (N, C, H, W) have their channels. For data of shape (N, C) the
two are the same.
"""

from subgrad.nn import init, loss
from subgrad.nn.activation import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from subgrad.nn.compose import Branches, Residual, Sequential
from subgrad.nn.config import from_config
from subgrad.nn.dropout import Dropout
from subgrad.nn.embedding import Embedding
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.linear import Bilinear, Linear
from subgrad.nn.loss import (
    absolute_loss,
    binary_cross_entropy,
    binomial_loss,
    cross_entropy,
    hinge_loss,
    huber_loss,
    squared_loss,
)
from subgrad.nn.module import Module
from subgrad.nn.normalise import LayerNorm
from subgrad.nn.reshape import Flatten

__all__ = [
    "ELU", "GELU", "Bilinear", "Branches", "Dropout", "Embedding", "Ensemble", "Flatten", "LayerNorm", "LeakyReLU",
    "Linear", "Module", "ReLU", "Residual", "Sequential", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh",
    "absolute_loss", "binary_cross_entropy", "binomial_loss", "cross_entropy", "from_config", "hinge_loss",
    "huber_loss", "init", "loss", "squared_loss",
]  # fmt: skip
