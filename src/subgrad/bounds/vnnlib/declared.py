"""What a VNN-LIB file declares: the inputs and outputs of a network, known as X_i and Y_j from then on.

VNN-LIB 1.0 declares each number, ``X_0`` and ``Y_0`` and so on. VNN-LIB 2.0 declares a network with tensors, whose
elements are ``X[0,2]``, counted in C order here. Known is the part of it with one network that has one input and one
output, of floats or real numbers (https://github.com/VNNLIB/VNNLIB-Standard).
"""

from __future__ import annotations

import math
import re

from subgrad.bounds.vnnlib.s_expressions import Expression, wrong
from subgrad.errors import FileError

VARIABLE = re.compile(r"([XY])_(0|[1-9][0-9]{0,6})")
ELEMENT = re.compile(r"([A-Za-z][A-Za-z0-9_]*)(?:\[([0-9,]*)\])?")
FLOATS = frozenset({"real", "float16", "bfloat16", "float32", "float", "float64", "double"})
KINDS = {"declare-input": "X", "declare-output": "Y"}
LARGEST = 10**7  # elements of a tensor


class Declared:
    """The variables of a file."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._tensors: dict[str, tuple[str, tuple[int, ...]]] = {}

    def constant(self, command: Expression) -> None:
        """``(declare-const X_0 Real)`` of VNN-LIB 1.0."""
        words = [p.word for p in command.parts if p.word]
        if self._tensors or len(words) != 3 or words[2] != "Real" or not VARIABLE.fullmatch(words[1]):
            what = "the elements of a network" if self._tensors else "X_i and Y_j, as Real"
            raise wrong(command.line, f"declared are {what}, got {command}")
        if words[1] in self._lines:
            raise wrong(command.line, f"{words[1]} is declared on line {self._lines[words[1]]} already")
        self._lines[words[1]] = command.line

    def network(self, command: Expression) -> None:
        """``(declare-network N (declare-input X float32 [1,5]) (declare-output Y float32 [5]))`` of VNN-LIB 2.0."""
        if self._tensors or self._lines:
            raise wrong(command.line, "a property is known of one network, this is one more")
        if len(command.parts) < 2 or not ELEMENT.fullmatch(command.parts[1].word):
            raise wrong(command.line, "declare-network takes a name")
        for part in command.parts[2:]:
            if part.head not in KINDS:
                raise wrong(part.line, f"a network has a declare-input and a declare-output, got {part}")
            self._tensor(part)
        missing = next((head for head, kind in KINDS.items() if kind not in self._kinds()), None)
        if missing:
            raise wrong(command.line, f"this network has no {missing}")

    def _tensor(self, part: Expression) -> None:
        kind, words = KINDS[part.head], [p.word for p in part.parts[1:]]
        type_ = ELEMENT.fullmatch(words[1]) if len(words) == 2 else None
        name = ELEMENT.fullmatch(words[0]) if words else None
        if type_ is None or type_[2] is None or name is None or name[2] is not None:
            raise wrong(part.line, f"{part.head} takes a name, a type and a shape as in X float32 [1,5], got {part}")
        if type_[1].lower() not in FLOATS:
            raise wrong(part.line, f"known are floats and real numbers, got the type {type_[1][:40]}")
        if kind in self._kinds() or words[0] in self._tensors:
            raise wrong(part.line, "a property is known of networks with one input and one output, this is one more")
        shape = _indices(type_[2], part.line)
        if not 0 < math.prod(shape) <= LARGEST:
            raise wrong(part.line, f"a tensor has 1 to {LARGEST:,} elements, got the shape [{type_[2][:40]}]")
        self._tensors[words[0]] = kind, shape

    def find(self, word: str, line: int) -> str | None:
        """The X_i or Y_j that a word means; None if it means no variable."""
        if word in self._lines:
            return word
        found = ELEMENT.fullmatch(word)
        if found is None or found[1] not in self._tensors:
            if VARIABLE.fullmatch(word) or (found and self._tensors):
                raise wrong(line, f"{word[:60]} is not declared")
            return None
        kind, shape = self._tensors[found[1]]
        at = _indices(found[2] or "", line)
        if len(at) != len(shape) or any(i >= n for i, n in zip(at, shape, strict=True)):
            raise wrong(line, f"there is no {word[:60]} in a tensor of the shape [{','.join(map(str, shape))}]")
        place = 0
        for i, n in zip(at, shape, strict=True):
            place = place * n + i
        return f"{kind}_{place}"

    def name(self, variable: str) -> str:
        """What the file calls an X_i or Y_j."""
        for word, (kind, shape) in self._tensors.items():
            if kind == variable[0]:
                place, at = int(variable[2:]), []
                for n in reversed(shape):
                    place, i = divmod(place, n)
                    at.insert(0, str(i))
                return f"{word}[{','.join(at)}]" if shape else word
        return variable

    def count(self, kind: str) -> int:
        """How many variables there are of a kind, X or Y; `FileError` if some are missing, or all."""
        for of, shape in self._tensors.values():
            if of == kind:
                return math.prod(shape)
        count = sum(name[0] == kind for name in self._lines)
        missing = next((i for i in range(count) if f"{kind}_{i}" not in self._lines), None)
        if missing is not None or not count:
            raise FileError(f"this VNN-LIB file does not declare {kind}_{missing or 0}")
        return count

    def _kinds(self) -> set[str]:
        return {kind for kind, _ in self._tensors.values()}


def _indices(text: str, line: int) -> tuple[int, ...]:
    """The integers of ``1,28``; none of nothing."""
    parts = text.split(",") if text else []
    if not all(p and len(p) < 9 for p in parts):
        raise wrong(line, f"indices are integers with commas between them, got [{text[:40]}]")
    return tuple(map(int, parts))


__all__ = ["Declared"]
