"""Tensors made, moved and multiplied, by the names of NumPy and PyTorch: functions that are made of ops."""

from subgrad.ops.arrange import grids, moves, products
from subgrad.ops.arrange.grids import *
from subgrad.ops.arrange.moves import *
from subgrad.ops.arrange.products import *

__all__: list[str] = []
__all__ += grids.__all__
__all__ += moves.__all__
__all__ += products.__all__
