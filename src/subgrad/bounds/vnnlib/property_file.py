"""VNN-LIB files as properties: variables, and assertions made of and, or and comparisons of linear terms.

All numbers are exact fractions until the end. The ends of boxes and the limits become two floats each, one on either
side, so that what is proven is proven of the numbers in the file, and not of the floats next to them.
"""

from __future__ import annotations

import gzip
import itertools
import math
import os
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from subgrad.bounds.vnnlib.declared import Declared
from subgrad.bounds.vnnlib.float_ends import float_above, float_below
from subgrad.bounds.vnnlib.s_expressions import Expression, expressions, wrong
from subgrad.bounds.vnnlib.unreachable import Case, Unreachable
from subgrad.errors import FileError
from subgrad.io.atomic import require_regular

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
SILENT = frozenset({"set-logic", "set-info", "set-option", "check-sat", "get-model", "exit"})
VERSION = re.compile(r"<2\.[0-9]+>")
COMPARISONS = ("<=", ">=", "<", ">", "==", "=", "!=")
MOST = 20_000  # cases
LARGEST = 2**28  # characters of a file
LONGEST = 1000  # characters of a number


@dataclass(frozen=True)
class Linear:
    """A sum of multiples of variables, and a constant: ``{"X_0": 1, "": 2}`` is X_0 + 2.

    ``strict`` is for one that is to be below 0.
    """

    line: int
    terms: dict[str, Fraction]
    strict: bool = False

    def plus(self, other: Linear, sign: int = 1) -> Linear:
        names = {**self.terms, **other.terms}
        sums = {n: self.terms.get(n, Fraction(0)) + sign * other.terms.get(n, Fraction(0)) for n in names}
        return Linear(self.line, {n: v for n, v in sums.items() if v or not n})

    @property
    def constant(self) -> Fraction:
        return self.terms.get("", Fraction(0))

    @property
    def names(self) -> list[str]:
        return [n for n in self.terms if n]


class End(NamedTuple):
    """An end of an input; ``open`` if it does not belong to the box."""

    at: Fraction
    open: bool


Conjunction = tuple[Linear, ...]
"""Linear functions that are at most 0, or below 0, all of them."""
Boxes = dict[tuple[int, ...], tuple[np.ndarray, np.ndarray] | None]


def read_vnnlib(path: str | os.PathLike[str]) -> Unreachable:
    """The property of a VNN-LIB file, which may be packed by gzip.

    Such a file describes points that must not be there: inputs in a box with outputs that are unsafe. Of VNN-LIB 1.0
    the ``declare-const`` of ``X_i`` and ``Y_j`` are known, and of 2.0 a ``declare-network`` with one input and one
    output of floats or real numbers, whose elements count in C order. An ``assert`` is made of ``and``, ``or`` and
    comparisons of linear terms; each input has a lower and an upper end. Numbers are real ones as they stand there,
    whatever the type.

    Raises:
        FileError: if the file is missing, or says something else; with the number of the line.

    Example:
        >>> import os, tempfile
        >>> from subgrad.bounds import read_vnnlib
        >>> path = os.path.join(tempfile.mkdtemp(), "prop.vnnlib")
        >>> with open(path, "w") as file:
        ...     _ = file.write('''
        ...         (vnnlib-version <2.0>)
        ...         (declare-network N (declare-input X float32 [1,1]) (declare-output Y float32 [1]))
        ...         (assert (and (>= X[0,0] -1.0) (<= X[0,0] 1.0)))
        ...         (assert (or (<= Y[0] -2.0) (> Y[0] 2.0)))
        ...     ''')
        >>> read_vnnlib(path)
        Unreachable(2 cases)
    """
    require_regular(path)
    try:
        content = Path(path).read_bytes()
        if content[:2] == b"\x1f\x8b":
            with gzip.open(path) as file:
                content = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > LARGEST:
        raise FileError(f"{path} is larger than the {LARGEST:,} bytes that a VNN-LIB file may have")
    try:
        return from_text(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise FileError(f"{path} is no VNN-LIB file: it is not text") from None
    except OverflowError:
        raise FileError(f"{path} has numbers that are larger than any float") from None


def from_text(text: str) -> Unreachable:
    """The property that the text of a VNN-LIB file states."""
    declared = Declared()
    formulas: list[Expression] = []
    asked = False
    for command in expressions(text):
        if command.head in ("declare-const", "declare-fun"):
            declared.constant(command)
        elif command.head == "declare-network":
            declared.network(command)
        elif command.head == "assert":
            if len(command.parts) != 2:
                raise wrong(command.line, f"assert takes one formula, got {len(command.parts) - 1}")
            if asked:
                raise wrong(command.line, "an assertion after check-sat or exit is no part of the question")
            formulas.append(command.parts[1])
        elif command.head == "vnnlib-version":
            if len(command.parts) != 2 or not VERSION.fullmatch(command.parts[1].word):
                raise wrong(command.line, f"known are VNN-LIB 1.0, which says no version, and 2, got {command}")
        elif command.head not in SILENT:
            raise wrong(command.line, f"a command is declare-network, declare-const or assert, got {command}")
        asked |= command.head in ("check-sat", "exit")
    inputs, outputs = declared.count("X"), declared.count("Y")
    found = _product((_cases(f, declared) for f in formulas), formulas[-1].line if formulas else 1)
    boxes: Boxes = {}
    made = (_case(c, inputs, outputs, boxes, declared) for c in found)
    return Unreachable([c for c in made if c is not None])


# Formulas as cases


def _cases(formula: Expression, declared: Declared) -> list[Conjunction]:
    """The formula as an or of ands."""
    parts = formula.parts[1:]
    if formula.head == "and":
        return _product((_cases(p, declared) for p in parts), formula.line)
    if formula.head == "or":
        return [c for p in parts for c in _cases(p, declared)]
    if formula.head in COMPARISONS:
        if len(parts) != 2:
            raise wrong(formula.line, f"{formula.head} takes two terms, got {len(parts)}")
        one, other = (_linear(p, declared) for p in parts)
        strict = formula.head in ("<", ">", "!=")
        below, above = (
            replace(a.plus(b, -1), line=formula.line, strict=strict) for a, b in ((one, other), (other, one))
        )
        if formula.head in ("==", "="):
            return [(below, above)]
        return [(below,), (above,)] if formula.head == "!=" else [(below if formula.head[0] == "<" else above,)]
    raise wrong(formula.line, f"a formula is made of and, or, and {' '.join(COMPARISONS)}, got {formula}")


def _product(parts: Iterable[list[Conjunction]], line: int) -> list[Conjunction]:
    """The and of several ors of ands."""
    shared: list[Linear] = []
    choices: list[list[Conjunction]] = []
    for part in parts:
        if len(part) == 1:
            shared += part[0]
        else:
            choices.append(part)
        if math.prod(map(len, choices)) > MOST:
            raise wrong(line, f"its ands and ors make more than {MOST:,} cases")
    return [(*shared, *itertools.chain(*chosen)) for chosen in itertools.product(*choices)]


def _linear(term: Expression, declared: Declared) -> Linear:
    if term.word:
        return Linear(term.line, _word(term, declared))
    parts = [_linear(p, declared) for p in term.parts[1:]]
    if term.head == "+" and parts:
        found = parts[0]
        for part in parts[1:]:
            found = found.plus(part)
        return found
    if term.head == "-" and parts:
        found = parts[0] if len(parts) > 1 else Linear(term.line, {}).plus(parts[0], -1)
        for part in parts[1:]:
            found = found.plus(part, -1)
        return found
    varying = [p for p in parts if p.names]
    if term.head == "*" and len(parts) > 1 and len(varying) < 2:
        factor = math.prod(p.constant for p in parts if not p.names)
        terms = varying[0].terms if varying else {"": Fraction(1)}
        return Linear(term.line, {n: factor * v for n, v in terms.items()} if factor else {})
    raise wrong(term.line, f"a term is linear, made of numbers, inputs, outputs, +, - and *, got {term}")


def _word(term: Expression, declared: Declared) -> dict[str, Fraction]:
    variable = declared.find(term.word, term.line)
    if variable is not None:
        return {variable: Fraction(1)}
    if NUMBER.fullmatch(term.word) and len(term.word) <= LONGEST:
        return {"": Fraction(term.word)}
    raise wrong(term.line, f"this is no number and no variable: {term}")


# Cases as arrays


def _case(conjunction: Conjunction, inputs: int, outputs: int, boxes: Boxes, declared: Declared) -> Case | None:
    """The box and the inequalities of outputs; None if that is impossible whatever the network is."""
    rows = [a for a in conjunction if len(a.names) > 1 or any(n[0] == "Y" for n in a.names)]
    about_inputs = tuple(a for a in conjunction if len(a.names) < 2 and all(n[0] == "X" for n in a.names))
    key = tuple(map(id, about_inputs))
    if key not in boxes:
        boxes[key] = _box(about_inputs, inputs, max((a.line for a in conjunction), default=1), declared)
    found = boxes[key]
    if found is None:
        return None
    if not rows:
        raise wrong(max(a.line for a in about_inputs), "nothing is said of outputs in a case that ends here")
    facing = _facing(rows)
    if facing is None:
        return None
    exact = [_whole(row, k in facing) for k, row in enumerate(rows)]
    matrix, of_inputs = (
        np.array([[float(r.terms.get(f"{kind}_{j}", 0)) for j in range(count)] for r in exact])
        for kind, count in (("Y", outputs), ("X", inputs))
    )
    limits = np.array([[float_below(-r.constant, r.strict), float_above(-r.constant)] for r in exact])
    return Case(found[0], matrix, limits, found[1], of_inputs if of_inputs.any() else None)


def _facing(rows: Sequence[Linear]) -> set[int] | None:
    """The numbers of rows that limit from above what others limit from below; None if nothing is between some."""
    ends: dict[tuple[tuple[str, Fraction], ...], tuple[list[int], list[int]]] = {}
    limits = []
    for k, row in enumerate(rows):
        names = sorted(row.names)
        scale = row.terms[names[0]]
        limits.append(End(-row.constant / scale, row.strict))
        along = tuple((n, row.terms[n] / scale) for n in names)
        ends.setdefault(along, ([], []))[scale < 0].append(k)
    pairs = [(limits[i], limits[j]) for above, below in ends.values() for i in above for j in below]
    if any(a.at < b.at or (a.at == b.at and (a.open or b.open)) for a, b in pairs):
        return None
    return {k for above, below in ends.values() if above and below for k in (*above, *below)}


def _box(
    atoms: Conjunction, inputs: int, last: int, declared: Declared
) -> tuple[np.ndarray, np.ndarray] | None:
    """The floats around the ends of all inputs, and those inside of them; None for a box that is empty."""
    ends: list[list[End | None]] = [[None, None] for _ in range(inputs)]
    possible = True
    for atom in atoms:
        if atom.names:
            _narrow(ends, atom)
        else:
            possible &= atom.constant < 0 or (not atom.strict and atom.constant == 0)
    for i, (low, high) in enumerate(ends):
        if low is None or high is None:
            side = "lower" if low is None else "upper"
            raise wrong(last, f"{declared.name(f'X_{i}')} has no {side} end in a case that ends here")
        possible &= low.at < high.at or (low.at == high.at and not (low.open or high.open))
    if not possible:
        return None
    pairs = [(low, high) for low, high in ends if low and high]
    box = np.array([[float_below(low.at), float_above(high.at)] for low, high in pairs])
    inside = np.array([[float_above(low.at, low.open), float_below(high.at, high.open)] for low, high in pairs])
    return box, inside


def _narrow(ends: Sequence[list[End | None]], atom: Linear) -> None:
    (name,) = atom.names
    factor, side = atom.terms[name], ends[int(name[2:])]
    end = End(-atom.constant / factor, atom.strict)
    if factor > 0:
        side[1] = min(side[1] or end, end, key=lambda e: (e.at, not e.open))
    else:
        side[0] = max(side[0] or end, end)


def _whole(row: Linear, with_limit: bool) -> Linear:
    """A row whose factors are floats: 0.1 Y_0 <= 1 is Y_0 <= 10; and its limit, too, if that can be."""
    factors = [row.terms[n] for n in row.names]
    for kept in ([*factors, row.constant], factors) if with_limit else (factors,):
        if all(_is_float(f) for f in kept):
            return row
        scale = math.lcm(*(f.denominator for f in kept))
        if all(_is_float(scale * f) for f in kept):
            return replace(row, terms={n: scale * v for n, v in row.terms.items()})
    raise wrong(row.line, "a factor has more digits than can be kept exactly")


def _is_float(x: Fraction) -> bool:
    try:
        return Fraction(float(x)) == x
    except OverflowError:
        return False


__all__ = ["from_text", "read_vnnlib"]
