"""The table of primitives, one family a file, and the functions that are made of them."""

from subgrad.ops import tensor_methods  # noqa: F401, I001  (attaches operators to tensors, and takes them from above)
from subgrad.ops import arrange, convolution, kinked, pool, reduce, select, shape, singular, smooth, special, window
from subgrad.ops.arrange import *
from subgrad.ops.contract import contract, einsum, matmul, outer
from subgrad.ops.convolution import *
from subgrad.ops.indexing import embedding, flip, gather, index, one_hot, pick
from subgrad.ops.kinked import *
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
__all__ += pool.__all__
__all__ += reduce.__all__
__all__ += select.__all__
__all__ += shape.__all__
__all__ += singular.__all__
__all__ += smooth.__all__
__all__ += special.__all__
__all__ += window.__all__
