"""The optimisers, one family a file: what the files offer, `subgrad` and `subgrad.optim` offer too, and by name."""

from subgrad.optim import adagrad, adam, adam_family, own_sizes, rmsprop, sgd, subgradient
from subgrad.optim.adagrad import *
from subgrad.optim.adam import *
from subgrad.optim.adam_family import *
from subgrad.optim.around import averaging
from subgrad.optim.around.averaging import *
from subgrad.optim.matrices import muon
from subgrad.optim.matrices.muon import *
from subgrad.optim.own_sizes import *
from subgrad.optim.rmsprop import *
from subgrad.optim.sgd import *
from subgrad.optim.subgradient import *

__all__: list[str] = []
__all__ += sgd.__all__
__all__ += adam.__all__
__all__ += adam_family.__all__
__all__ += muon.__all__
__all__ += rmsprop.__all__
__all__ += adagrad.__all__
__all__ += own_sizes.__all__
__all__ += subgradient.__all__
__all__ += averaging.__all__
