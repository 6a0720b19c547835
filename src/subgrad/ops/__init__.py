"""The table of primitives, one family a file, and the functions that are made of them."""

import sys
from types import FunctionType

from subgrad.hints import hinted
from subgrad.ops import (
    arrange,
    convolution,
    kinked,
    ordered,
    pool,
    reduce,
    select,
    shape,
    singular,
    smooth,
    special,
    tensor_methods,  # noqa: F401  (attaches operators to tensors, and takes them from above)
    window,
)
from subgrad.ops.arrange import *
from subgrad.ops.contract import contract, einsum, matmul, outer
from subgrad.ops.convolution import *
from subgrad.ops.indexing import embedding, flip, gather, index, one_hot, pick
from subgrad.ops.kinked import *
from subgrad.ops.ordered import *
from subgrad.ops.pool import *
from subgrad.ops.reduce import *
from subgrad.ops.select import *
from subgrad.ops.shape import *
from subgrad.ops.singular import *
from subgrad.ops.smooth import *
from subgrad.ops.special import *
from subgrad.ops.window import *

__all__ = ["contract", "einsum", "embedding", "flip", "gather", "index", "matmul", "one_hot", "outer", "pick"]
__all__ += arrange.__all__
__all__ += convolution.__all__
__all__ += kinked.__all__
__all__ += ordered.__all__
__all__ += pool.__all__
__all__ += reduce.__all__
__all__ += select.__all__
__all__ += shape.__all__
__all__ += singular.__all__
__all__ += smooth.__all__
__all__ += special.__all__
__all__ += window.__all__

for _name in __all__:
    _function = globals()[_name]
    if isinstance(_function, FunctionType) and "axis" in _function.__code__.co_varnames:
        globals()[_name] = hinted(_function)
        setattr(sys.modules[_function.__module__], _function.__name__, globals()[_name])  # pickled by that place
