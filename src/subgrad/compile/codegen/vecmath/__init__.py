"""Elementary functions as LLVM text for the native engine.

Each is a function without branches, tables or calls (but for sin and cos of very large arguments), of scalars or
of vectors with any number of lanes: a lane gets the bits that the scalar function gives. The scalar ones are
inlined, so that LLVM's loop vectoriser turns a loop over them into vector code of the machine's width. No
fast-math flags: signed zeros, infinities, NaN and subnormal arguments and results are as in IEEE 754.

Largest error found, in units in the last place, with and without fused multiply-add (float32: 40 million
arguments over all exponents; float64: 150,000 to 290,000):

==========  =======  =======    ==========  =======  =======
function    float32  float64    function    float32  float64
==========  =======  =======    ==========  =======  =======
exp            1.0      1.0     softplus       1.7      1.6
expm1          1.7      2.1     erf            2.5      1.7
log            0.8      0.8     sin            1.6      1.8
log1p          1.4      1.1     cos            1.6      2.0
tanh           2.5      2.5     pow            0.6      1.2
sigmoid        2.3      1.9
==========  =======  =======    ==========  =======  =======

sin and cos have this accuracy for all finite arguments, the largest and those next to multiples of pi/2 included.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from subgrad.compile.codegen.vecmath import exp, log, odd, pow  # noqa: F401  (they enter themselves)
from subgrad.compile.codegen.vecmath.formula import BODIES, F32, F64, Code, write_function
from subgrad.compile.codegen.vecmath.trig import far_turn
from subgrad.errors import ArgumentError, DTypeError

_FORMATS = {"float32": F32, "float64": F64}
# The longest vector body, in instructions, that is inlined. In a register tile of 24 vectors (AVX-512) a call
# takes 8 to 57 % more time than an inlined copy of the shorter functions, most of it for saving the other
# vectors. For the longer ones it takes 4 to 23 % more, while 24 copies would fill 14 to 57 KiB and compile
# 4 to 9 times as long; LLVM left to itself would make them.
_LONGEST_INLINED = 40
FUNCTIONS = tuple(BODIES)
"""The names that :func:`definition` knows."""


def symbol(name: str, dtype: str, lanes: int = 1) -> str:
    """The LLVM name of a function.

    >>> symbol("exp", "float32"), symbol("exp", "float32", lanes=16)
    ('sg_exp_f32', 'sg_exp_f32_x16')
    """
    if name not in BODIES:
        raise ArgumentError(f"no elementary function named {name!r}: expected one of {', '.join(FUNCTIONS)}")
    if dtype not in _FORMATS:
        raise DTypeError(f"elementary functions are for float32 and float64, not {dtype}")
    if lanes < 1:
        raise ArgumentError(f"an elementary function of {lanes} lanes: expected at least 1")
    return f"sg_{name}_{_FORMATS[dtype].suffix}" + (f"_x{lanes}" if lanes > 1 else "")


@functools.cache
def definition(name: str, dtype: str, fma: bool = True, lanes: int = 1) -> str:
    """The LLVM text that defines the function called :func:`symbol`: one argument, two for "pow".

    With ``lanes`` > 1 arguments and result are vectors, of whatever width: LLVM splits what the machine's
    registers do not hold. Each lane gets the bits that the scalar function gives.

    The text needs nothing else: LLVM's parser declares the intrinsics in it by itself. With ``fma`` it uses
    ``llvm.fma``, which is an instruction where the target has one and a slow call elsewhere.

    "sin" and "cos" also need the text of `trig.far_turn`, which `library` adds.

    Raises:
        ArgumentError: ``name`` is not in ``FUNCTIONS``, or ``lanes`` is less than 1.
        DTypeError: ``dtype`` is neither "float32" nor "float64".

    >>> print(definition("tanh", "float32").splitlines()[0])
    define internal float @sg_tanh_f32(float %x) alwaysinline nounwind willreturn memory(none) {
    """
    full_name, kind, code = symbol(name, dtype, lanes), _FORMATS[dtype], Code(fma, lanes)
    parameters = [code.parameter(kind, p) for p in ("xy" if name == "pow" else "x")]
    result = BODIES[name](code, kind, *parameters)
    inline = lanes == 1 or len(code) <= _LONGEST_INLINED
    return write_function(full_name, code, parameters, [result], inline)


def library(needed: Iterable[tuple[str, str, int]], fma: bool = True) -> str:
    """The definitions of all (name, dtype, lanes) that are needed, each once, in the order of first mention.

    >>> library([("exp", "float32", 8), ("exp", "float32", 8)]) == definition("exp", "float32", lanes=8)
    True
    """
    each = dict.fromkeys(needed)
    shared = [far_turn()] if any(name in ("sin", "cos") for name, _, _ in each) else []
    return "\n\n".join([*shared, *(definition(name, dtype, fma, lanes) for name, dtype, lanes in each)])
