"""The remainder of floats, for machines without a C library: LLVM calls it by the names ``fmod`` and ``fmodf``."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Long division in binary: both significands with their first bit at the same place, as many steps as the exponents
# differ by. All of it is exact. x and y that have no remainder (y = 0, x infinite, NaN) give NaN.
_TEXT = """
define weak hidden {T} @{name}({T} %x, {T} %y) nounwind "no-builtins" {{
entry:
  %xbits = bitcast {T} %x to {I}
  %ybits = bitcast {T} %y to {I}
  %sign = and {I} %xbits, {sign}
  %xa = xor {I} %xbits, %sign
  %ya = and {I} %ybits, {magnitude}
  %yzero = icmp eq {I} %ya, 0
  %ynan = icmp ugt {I} %ya, {infinity}
  %xbad = icmp uge {I} %xa, {infinity}
  %ybad = or i1 %yzero, %ynan
  %bad = or i1 %xbad, %ybad
  br i1 %bad, label %none, label %finite
none:
  ret {T} 0x7FF8000000000000
finite:
  %less = icmp ult {I} %xa, %ya
  br i1 %less, label %whole, label %divide
whole:
  ret {T} %x
divide:
  %xparts = call {{ {I}, {I} }} @{name}.parts({I} %xa)
  %yparts = call {{ {I}, {I} }} @{name}.parts({I} %ya)
  %xm = extractvalue {{ {I}, {I} }} %xparts, 0
  %xe = extractvalue {{ {I}, {I} }} %xparts, 1
  %ym = extractvalue {{ {I}, {I} }} %yparts, 0
  %ye = extractvalue {{ {I}, {I} }} %yparts, 1
  %steps = sub {I} %xe, %ye
  br label %step
step:
  %rest = phi {I} [ %xm, %divide ], [ %twice, %more ]
  %left = phi {I} [ %steps, %divide ], [ %fewer, %more ]
  %difference = sub {I} %rest, %ym
  %below = icmp slt {I} %difference, 0
  %now = select i1 %below, {I} %rest, {I} %difference
  %last = icmp eq {I} %left, 0
  br i1 %last, label %done, label %more
more:
  %twice = shl {I} %now, 1
  %fewer = sub {I} %left, 1
  br label %step
done:
  %zero = icmp eq {I} %now, 0
  %zeros = call {I} @llvm.ctlz.{I}({I} %now, i1 false)
  %shift = sub {I} %zeros, {before}
  %m = shl {I} %now, %shift
  %e = sub {I} %ye, %shift
  %lowest = call {I} @llvm.smax.{I}({I} %e, {I} 1)
  %lost = sub {I} %lowest, %e
  %kept = lshr {I} %m, %lost
  %over = sub {I} %lowest, 1
  %exponent = shl {I} %over, {digits}
  %size = add {I} %kept, %exponent
  %found = select i1 %zero, {I} 0, {I} %size
  %bits = or {I} %found, %sign
  %r = bitcast {I} %bits to {T}
  ret {T} %r
}}

; The significand of a positive number, shifted so that its first bit is at the place of the hidden one; the exponent.
define internal {{ {I}, {I} }} @{name}.parts({I} %a) nounwind "no-builtins" {{
  %stored = lshr {I} %a, {digits}
  %small = icmp eq {I} %stored, 0
  %fraction = and {I} %a, {fraction}
  %full = or {I} %fraction, {hidden}
  %m = select i1 %small, {I} %fraction, {I} %full
  %e = select i1 %small, {I} 1, {I} %stored
  %zeros = call {I} @llvm.ctlz.{I}({I} %m, i1 false)
  %shift = sub {I} %zeros, {before}
  %first = shl {I} %m, %shift
  %exponent = sub {I} %e, %shift
  %one = insertvalue {{ {I}, {I} }} poison, {I} %first, 0
  %both = insertvalue {{ {I}, {I} }} %one, {I} %exponent, 1
  ret {{ {I}, {I} }} %both
}}
"""


_TAKEN = re.compile(r" frem (?:<\d+ x )?(float|double)")
_FORMATS = {"float": ("fmodf", "float", 32, 23), "double": ("fmod", "double", 64, 52)}
"""Name, type, bits, and bits of the stored fraction."""


def float_remainder(texts: Iterable[str]) -> str | None:
    """The definitions of those that the texts need; None if they take no remainder of floats."""
    kinds = {kind for text in texts for kind in _TAKEN.findall(text)}
    return "".join([_definition(*_FORMATS[kind]) for kind in sorted(kinds)]) or None


def _definition(name: str, kind: str, bits: int, digits: int) -> str:
    sign, hidden = 1 << (bits - 1), 1 << digits
    infinity = sign - hidden
    return _TEXT.format(
        name=name, T=kind, I=f"i{bits}", digits=digits, sign=sign, magnitude=sign - 1, infinity=infinity,
        hidden=hidden, fraction=hidden - 1, before=bits - 1 - digits,
    )  # fmt: skip


__all__ = ["float_remainder"]
