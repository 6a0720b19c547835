"""Makes a random program of a number: the same one each time."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import subgrad as sg
from subgrad.errors import SubgradError
from subgrad.graph.tensor import constant

from .block import Block, Step

LENGTHS = [0, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 9, 17]
LARGEST = 600  # elements of a value
BEYOND = 1e5  # no value of a program is larger, so that errors stay relative
DTYPES = ["float", "float", "float", "float", "int32", "int64", "uint8", "bool"]


@dataclass(frozen=True)
class Case:
    """A program with its arguments, and how to run it.

    Attributes:
        number: what it was made of.
        dtype: the default dtype.
        arrays: the arguments.
        block: the steps on them.
        outputs: which values are results.
        wrt: the arguments by which the sum of all float results is differentiated.
        twice: whether the gradients are differentiated again.
        variables: by result, the argument that it replaces in the next step.
        steps: how many steps a call runs.
        threads: of the native program.
        cpu: the processor it is for; empty for this machine's.
        optimised: whether LLVM's optimiser runs, which takes most of the time.
    """

    number: int
    dtype: str
    arrays: tuple[np.ndarray, ...]
    block: Block
    outputs: tuple[int, ...]
    wrt: tuple[int, ...] = ()
    twice: bool = False
    variables: tuple[tuple[int, int], ...] = ()
    steps: int = 1
    threads: int = 1
    cpu: str = ""
    optimised: bool = True


class Draw:
    """Random choices, and the values that are there so far."""

    def __init__(self, rng: random.Random, dtype: str, arrays: Sequence[np.ndarray], depth: int = 0) -> None:
        self.rng, self.dtype, self.depth = rng, dtype, depth
        self.values = [constant(np.asarray(a)) for a in arrays]
        self.steps: list[Step] = []

    # Choices

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def one(self, options: Sequence[Any]) -> Any:
        return self.rng.choice(list(options))

    def number(self, low: int, high: int) -> int:
        return self.rng.randint(low, high)

    def pick(self, where: Callable[[Any], bool] = lambda x: True) -> int | None:
        """One of the values, the later the likelier; None if there is none such."""
        found = [i for i, v in enumerate(self.values) if where(v)]
        return found[max(self.rng.randrange(len(found)) for _ in range(2))] if found else None

    def float(self, least: int = 0, most: int = 9) -> int | None:
        """A value of floats with so many axes."""
        return self.pick(lambda v: v.dtype.kind == "f" and least <= v.ndim <= most)

    # Steps

    def add(self, step: Step) -> bool:
        """Append a step, if it takes these values and gives none that are too large."""
        try:
            made = step(self.values)
            arrays = [v.numpy() for v in made]
        except SubgradError:
            return False
        if not arrays or any(a.size > LARGEST or not _moderate(a) for a in arrays):
            return False
        self.steps.append(replace(step, results=len(made)))
        self.values += [constant(np.ascontiguousarray(a).reshape(a.shape)) for a in arrays]
        return True

    def grow(self, count: int) -> None:
        """So many more steps."""
        from .makers import MAKERS, WEIGHTS

        for _ in range(6 * count):
            if count == 0:
                return
            maker = self.rng.choices(MAKERS, WEIGHTS)[0]
            step = maker(self)
            count -= step is not None and self.add(step)


def _moderate(a: np.ndarray) -> bool:
    return a.dtype.kind != "f" or bool(np.isfinite(a).all() and (not a.size or np.abs(a).max() < BEYOND))


def argument(rng: random.Random, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Values for an argument: half of the floats lie on a coarse grid, with ties and zeros."""
    numbers = np.random.default_rng(rng.getrandbits(32))
    if dtype == "bool":
        return np.asarray(numbers.random(shape) < 0.5)
    if dtype == "uint8":
        return np.asarray(numbers.choice(np.array([0, 1, 2, 3, 5, 127, 128, 200, 255], np.uint8), shape))
    if dtype in ("int32", "int64"):
        return np.asarray(numbers.integers(-4, 9, shape), dtype)
    if rng.random() < 0.5:
        return np.asarray(numbers.integers(-8, 9, shape) / 4, dtype)
    return np.asarray(numbers.standard_normal(shape), dtype)


def shape_of(draw: Draw, most: int = 4) -> tuple[int, ...]:
    shape: tuple[int, ...] = ()
    for _ in range(draw.number(0, most)):
        n = draw.one(LENGTHS)
        if np.prod((*shape, n)) <= LARGEST / 3:
            shape = (*shape, n)
    return shape


def generate(number: int, cpus: Sequence[str] = ("",)) -> Case:
    """The program of ``number``, for one of ``cpus``."""
    rng = random.Random(number)
    dtype = rng.choice(["float32", "float64"])
    with sg.using_dtype(dtype):
        draw = Draw(rng, dtype, [])
        shapes = [shape_of(draw) for _ in range(draw.number(1, 3))]
        shapes += [draw.one(shapes) for _ in range(draw.number(0, 2))]
        kinds = [dtype] + [dtype if (k := draw.one(DTYPES)) == "float" else k for _ in shapes[1:]]
        arrays = [argument(rng, s, d) for s, d in zip(shapes, kinds, strict=True)]
        draw = Draw(rng, dtype, arrays)
        draw.grow(draw.number(2, 8))
        return _case(number, draw, arrays, cpus)


def _case(number: int, draw: Draw, arrays: Sequence[np.ndarray], cpus: Sequence[str]) -> Case:
    made = range(len(arrays), len(draw.values))
    last = list(draw.rng.sample(made, min(len(made), draw.number(1, 4))))
    outputs = list(dict.fromkeys([len(draw.values) - 1, *last]))
    if draw.chance(0.1):
        outputs.append(draw.number(0, len(draw.values) - 1))  # an argument as it is, or a result twice
    floats = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]
    variables, steps = _variables(draw, arrays, outputs)
    differentiable = not variables and any(draw.values[k].dtype.kind == "f" for k in outputs)
    wrt = tuple(floats) if differentiable and draw.chance(0.6) else ()
    return Case(
        number, draw.dtype, tuple(arrays), Block(len(arrays), tuple(draw.steps)), tuple(outputs), wrt,
        bool(wrt) and draw.chance(0.15), variables, steps, draw.one([1, 1, 2, 3]), draw.one(cpus), draw.chance(0.25),
    )  # fmt: skip


def _variables(draw: Draw, arrays: Sequence[np.ndarray], outputs: list[int]) -> tuple[tuple[tuple[int, int], ...], int]:
    """Some arguments get a new value in each step: results of the same form, made so if there are none."""
    if not draw.chance(0.2):
        return (), 1
    found: list[tuple[int, int]] = []
    for i, a in enumerate(arrays):
        like = [k for k, v in enumerate(draw.values) if (v.shape, v.dtype) == (a.shape, a.dtype)]
        if draw.chance(0.7):
            if a.dtype.kind == "f" and draw.add(Step("0.5 * sg.tanh(@0) + 0.25 * @1", (draw.one(like), i))):
                like.append(len(draw.values) - 1)
            outputs.insert(0, draw.one(like[-3:]))
            found = [(k + 1, j) for k, j in found]
            found.append((0, i))
    return tuple(found), draw.number(1, 3) if found else 1
