"""VNN-LIB 1.0 files as properties: declarations of X_i and Y_j, and assertions made of and, or, <= and >=.

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

import numpy as np

from subgrad.bounds.vnnlib.s_expressions import Expression, expressions, wrong
from subgrad.bounds.vnnlib.unreachable import Case, Unreachable
from subgrad.errors import FileError
from subgrad.io.atomic import require_regular

VARIABLE = re.compile(r"([XY])_(0|[1-9][0-9]{0,6})")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
SILENT = frozenset({"set-logic", "set-info", "set-option", "check-sat", "get-model", "exit"})
MOST = 20_000  # cases
LARGEST = 2**28  # characters of a file
LONGEST = 1000  # characters of a number


@dataclass(frozen=True)
class Linear:
    """A sum of multiples of variables, and a constant: ``{"X_0": 1, "": 2}`` is X_0 + 2."""

    line: int
    terms: dict[str, Fraction]

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


Conjunction = tuple[Linear, ...]
"""Linear functions that are at most 0, all of them."""
Boxes = dict[tuple[int, ...], tuple[np.ndarray, np.ndarray] | None]


def read_vnnlib(path: str | os.PathLike[str]) -> Unreachable:
    """The property of a VNN-LIB 1.0 file, which may be packed by gzip.

    Such a file describes points that must not be there: inputs in a box with outputs that are unsafe. Known are
    ``declare-const`` of ``X_i`` and ``Y_j``, and ``assert`` with ``and``, ``or``, ``<=`` and ``>=`` between linear
    terms; an inequality is one of an input alone, or one of outputs.

    Raises:
        FileError: if the file is missing, or says something else; with the number of the line.

    Example:
        >>> import os, tempfile
        >>> from subgrad.bounds import read_vnnlib
        >>> path = os.path.join(tempfile.mkdtemp(), "prop.vnnlib")
        >>> with open(path, "w") as file:
        ...     _ = file.write('''
        ...         (declare-const X_0 Real) (declare-const Y_0 Real)
        ...         (assert (and (>= X_0 -1) (<= X_0 1.0)))
        ...         (assert (or (<= Y_0 -2) (>= Y_0 2)))
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
        return from_text(content.decode())
    except UnicodeDecodeError:
        raise FileError(f"{path} is no VNN-LIB file: it is not text") from None
    except OverflowError:
        raise FileError(f"{path} has numbers that are larger than any float") from None


def from_text(text: str) -> Unreachable:
    """The property that the text of a VNN-LIB file states."""
    declared: dict[str, int] = {}
    formulas: list[Expression] = []
    asked = False
    for command in expressions(text):
        if command.head in ("declare-const", "declare-fun"):
            _declare(command, declared)
        elif command.head == "assert":
            if len(command.parts) != 2:
                raise wrong(command.line, f"assert takes one formula, got {len(command.parts) - 1}")
            if asked:
                raise wrong(command.line, "an assertion after check-sat or exit is no part of the question")
            formulas.append(command.parts[1])
        elif command.head not in SILENT:
            raise wrong(command.line, f"a command is declare-const or assert, got {command}")
        asked |= command.head in ("check-sat", "exit")
    counts = {kind: sum(name[0] == kind for name in declared) for kind in "XY"}
    for kind, count in counts.items():
        missing = next((i for i in range(count) if f"{kind}_{i}" not in declared), None)
        if missing is not None or not count:
            raise FileError(f"this VNN-LIB file does not declare {kind}_{missing or 0}")
    found = _product((_cases(f, declared) for f in formulas), formulas[-1].line if formulas else 1)
    boxes: Boxes = {}
    made = (_case(c, counts["X"], counts["Y"], boxes) for c in found)
    return Unreachable([c for c in made if c is not None])


def _declare(command: Expression, declared: dict[str, int]) -> None:
    words = [p.word for p in command.parts if p.word]
    if len(words) != 3 or words[2] != "Real" or not VARIABLE.fullmatch(words[1]):
        raise wrong(command.line, f"declared are X_i and Y_j, as Real, got {command}")
    if words[1] in declared:
        raise wrong(command.line, f"{words[1]} is declared on line {declared[words[1]]} already")
    declared[words[1]] = command.line


# Formulas as cases


def _cases(formula: Expression, declared: dict[str, int]) -> list[Conjunction]:
    """The formula as an or of ands."""
    parts = formula.parts[1:]
    if formula.head == "and":
        return _product((_cases(p, declared) for p in parts), formula.line)
    if formula.head == "or":
        return [c for p in parts for c in _cases(p, declared)]
    if formula.head in ("<=", ">="):
        if len(parts) != 2:
            raise wrong(formula.line, f"{formula.head} takes two terms, got {len(parts)}")
        one, other = (_linear(p, declared) for p in parts)
        difference = one.plus(other, -1) if formula.head == "<=" else other.plus(one, -1)
        return [(replace(difference, line=formula.line),)]
    raise wrong(formula.line, f"a formula is made of and, or, <= and >=, got {formula}")


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


def _linear(term: Expression, declared: dict[str, int]) -> Linear:
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
    if term.head == "*" and len(parts) == 2:
        factor, other = parts if not parts[0].names else parts[::-1]
        if not factor.names:
            kept = other.terms if factor.constant else {}
            return Linear(term.line, {n: factor.constant * v for n, v in kept.items()})
    raise wrong(term.line, f"a term is linear, made of numbers, X_i, Y_j, +, - and *, got {term}")


def _word(term: Expression, declared: dict[str, int]) -> dict[str, Fraction]:
    if term.word in declared:
        return {term.word: Fraction(1)}
    if NUMBER.fullmatch(term.word) and len(term.word) <= LONGEST:
        return {"": Fraction(term.word)}
    if VARIABLE.fullmatch(term.word):
        raise wrong(term.line, f"{term.word} is not declared")
    raise wrong(term.line, f"this is no number and no variable: {term}")


# Cases as arrays


def _case(conjunction: Conjunction, inputs: int, outputs: int, boxes: Boxes) -> Case | None:
    """The box and the inequalities of outputs; None if no input is in the box."""
    rows = [a for a in conjunction if any(n[0] == "Y" for n in a.names)]
    mixed = next((r for r in rows if any(n[0] == "X" for n in r.names)), None)
    if mixed is not None:
        raise wrong(mixed.line, "an inequality is one of a single X_i, or of Y_j alone")
    about_inputs = tuple(a for a in conjunction if all(n[0] == "X" for n in a.names))
    key = tuple(map(id, about_inputs))
    if key not in boxes:
        boxes[key] = _box(about_inputs, inputs, max((a.line for a in conjunction), default=1))
    found = boxes[key]
    if found is None:
        return None
    if not rows:
        raise wrong(max(a.line for a in about_inputs), "nothing is said of outputs in a case that ends here")
    exact = [_whole(row) for row in rows]
    matrix = np.array([[float(r.terms.get(f"Y_{j}", 0)) for j in range(outputs)] for r in exact])
    limits = np.array([[_below(-r.constant), _above(-r.constant)] for r in exact])
    return Case(found[0], matrix, limits, found[1])


def _box(atoms: Conjunction, inputs: int, last: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The floats around the ends of all inputs, and those inside of them; None for a box that is empty."""
    ends: list[list[Fraction | None]] = [[None, None] for _ in range(inputs)]
    possible = True
    for atom in atoms:
        if len(atom.names) > 1:
            raise wrong(atom.line, "an inequality is one of a single X_i, or of Y_j alone")
        if atom.names:
            _narrow(ends, atom)
        else:
            possible &= atom.constant <= 0
    for i, (low, high) in enumerate(ends):
        if low is None or high is None:
            raise wrong(last, f"X_{i} has no {'lower' if low is None else 'upper'} end in a case that ends here")
        possible &= low <= high
    if not possible:
        return None
    box = np.array([[_below(low), _above(high)] for low, high in ends])  # pyright: ignore[reportArgumentType]
    inside = np.array([[_above(low), _below(high)] for low, high in ends])  # pyright: ignore[reportArgumentType]
    return box, inside


def _narrow(ends: Sequence[list[Fraction | None]], atom: Linear) -> None:
    (name,) = atom.names
    factor, side = atom.terms[name], ends[int(name[2:])]
    end = -atom.constant / factor
    if factor > 0:
        side[1] = end if side[1] is None else min(side[1], end)
    else:
        side[0] = end if side[0] is None else max(side[0], end)


def _whole(row: Linear) -> Linear:
    """A row whose factors are floats: 0.1 Y_0 <= 1 is Y_0 <= 10."""
    factors = [row.terms[n] for n in row.names]
    if all(Fraction(float(f)) == f for f in factors):
        return row
    scale = math.lcm(*(f.denominator for f in factors))
    if any(Fraction(float(scale * f)) != scale * f for f in factors):
        raise wrong(row.line, "a factor has more digits than can be kept exactly")
    return Linear(row.line, {n: scale * v for n, v in row.terms.items()})


def _below(x: Fraction) -> float:
    """The largest float that is not above x."""
    near = float(x)
    return near if Fraction(near) <= x else math.nextafter(near, -math.inf)


def _above(x: Fraction) -> float:
    """The smallest float that is not below x."""
    return -_below(-x)


__all__ = ["from_text", "read_vnnlib"]
