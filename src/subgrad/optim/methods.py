"""The optimisers, one family a file: what the files offer, `subgrad` and `subgrad.optim` offer too, and by name."""

from subgrad.optim import adagrad, adam, rmsprop, sgd, subgradient
from subgrad.optim.adagrad import *
from subgrad.optim.adam import *
from subgrad.optim.rmsprop import *
from subgrad.optim.sgd import *
from subgrad.optim.subgradient import *

__all__: list[str] = []
__all__ += sgd.__all__
__all__ += adam.__all__
__all__ += rmsprop.__all__
__all__ += adagrad.__all__
__all__ += subgradient.__all__
