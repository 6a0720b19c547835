"""Losses besides those of `subgrad.nn.loss`, one family a file."""

from subgrad.nn.losses import class_losses, ctc, number_losses, pair_losses
from subgrad.nn.losses.class_losses import *
from subgrad.nn.losses.ctc import *
from subgrad.nn.losses.number_losses import *
from subgrad.nn.losses.pair_losses import *

__all__: list[str] = []
__all__ += class_losses.__all__
__all__ += ctc.__all__
__all__ += number_losses.__all__
__all__ += pair_losses.__all__
