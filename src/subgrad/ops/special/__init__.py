"""Elementary functions that are made of those of the table, and numbers that become whole."""

from subgrad.ops.special import (  # fmt: skip
    activations,
    exponents,
    gamma_functions,
    hyperbolic,
    inverse_error,
    trigonometry,
    whole_numbers,
)
from subgrad.ops.special.activations import *
from subgrad.ops.special.exponents import *
from subgrad.ops.special.gamma_functions import *
from subgrad.ops.special.hyperbolic import *
from subgrad.ops.special.inverse_error import *
from subgrad.ops.special.trigonometry import *
from subgrad.ops.special.whole_numbers import *

__all__: list[str] = []
__all__ += activations.__all__
__all__ += exponents.__all__
__all__ += gamma_functions.__all__
__all__ += hyperbolic.__all__
__all__ += inverse_error.__all__
__all__ += trigonometry.__all__
__all__ += whole_numbers.__all__
