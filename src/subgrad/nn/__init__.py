"""Modules, initial values and losses.

Layers work on batches: axis 0 counts the examples. `Linear`, `LayerNorm`, `Embedding`, `Softmax` and attention work
along the last axis; convolutions, pooling, `BatchNorm2d` and `Branches` have their channels in axis 1, as images
(N, C, H, W). For data of shape (N, C) the two are the same.
"""

from subgrad.lazy import hint
from subgrad.nn import init, loss, losses
from subgrad.nn.augmentation import augment, image_changes
from subgrad.nn.augmentation.augment import *
from subgrad.nn.augmentation.image_changes import *
from subgrad.nn.config import from_config
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.layers import (  # fmt: skip
    activation,
    attention,
    batchnorm,
    blocks,
    compose,
    convolution,
    dropout,
    embedding,
    linear,
    normalise,
    pooling,
    position,
    recurrent,
    reshape,
    upsample,
)
from subgrad.nn.layers.activation import *
from subgrad.nn.layers.attention import *
from subgrad.nn.layers.batchnorm import *
from subgrad.nn.layers.blocks import *
from subgrad.nn.layers.compose import *
from subgrad.nn.layers.convolution import *
from subgrad.nn.layers.dropout import *
from subgrad.nn.layers.embedding import *
from subgrad.nn.layers.linear import *
from subgrad.nn.layers.normalise import *
from subgrad.nn.layers.pooling import *
from subgrad.nn.layers.position import *
from subgrad.nn.layers.recurrent import *
from subgrad.nn.layers.reshape import *
from subgrad.nn.layers.sequence import decoder, recurrent_cells, steps
from subgrad.nn.layers.sequence.decoder import *
from subgrad.nn.layers.sequence.recurrent_cells import *
from subgrad.nn.layers.sequence.steps import *
from subgrad.nn.layers.units import gated, reparametrised
from subgrad.nn.layers.units.gated import *
from subgrad.nn.layers.units.reparametrised import *
from subgrad.nn.layers.upsample import *
from subgrad.nn.loss import *
from subgrad.nn.losses import *
from subgrad.nn.module import Module

__all__ = ["Ensemble", "Module", "from_config", "init", "loss"]
__all__ += activation.__all__
__all__ += attention.__all__
__all__ += augment.__all__
__all__ += image_changes.__all__
__all__ += batchnorm.__all__
__all__ += blocks.__all__
__all__ += compose.__all__
__all__ += convolution.__all__
__all__ += dropout.__all__
__all__ += embedding.__all__
__all__ += linear.__all__
__all__ += loss.__all__
__all__ += losses.__all__
__all__ += normalise.__all__
__all__ += pooling.__all__
__all__ += position.__all__
__all__ += recurrent.__all__
__all__ += reshape.__all__
__all__ += upsample.__all__
__all__ += recurrent_cells.__all__
__all__ += decoder.__all__
__all__ += gated.__all__
__all__ += reparametrised.__all__
__all__ += steps.__all__


def __getattr__(name: str) -> object:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint(name, __all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
