"""A model traced for several lengths of its inputs: which axes may have any length, and what the model gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np

from subgrad.errors import SubgradError
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.graph.tree import named_leaves
from subgrad.nn.module import Module
from subgrad.nn.running import evaluating
from subgrad.onnx.reading.onnx_model import OnnxModel

BATCHES = (2, 3, 5, 7, 4)


class Example(NamedTuple):
    """An input of the model: its name, shape and dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype


class Choice(NamedTuple):
    """Names of the axes that may have any length, for each input, and how much shorter than the example the sequences
    of the traces are."""

    axes: list[dict[int, str]]
    steps: tuple[int, ...] = (0,)


class Traces(NamedTuple):
    """The inputs and the outputs of a model in each trace, the names of the outputs, and the choice of lengths."""

    inputs: list[tuple[Tensor, ...]]
    outputs: list[tuple[Tensor, ...]]
    names: list[str]
    choice: Choice

    def agree_with(self, whole: Traces) -> bool:
        """Whether the example itself gives outputs of as many axes, those of one length being as long."""
        shapes = zip(*(tuple(o.shape for o in outputs) for outputs in (whole.outputs[0], *self.outputs)), strict=True)
        return all(
            len({len(s) for s in each}) == 1
            and all(len(set(lengths)) > 1 or {own} == set(lengths) for own, *lengths in zip(*each, strict=True))
            for each in shapes
        )


def names_of_inputs(model: Callable[..., Any], count: int) -> list[str]:
    """Those of the arguments of the forward pass, or of the file that a model is of; numbers where there are none."""
    if isinstance(model, OnnxModel):
        return [name for name, _ in model.inputs]
    given = inspect.signature(model.forward if isinstance(model, Module) else model).parameters.values()
    names = [p.name for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return names[:count] if len(names) >= count else [f"input_{i}" for i in range(count)]


def traces(model: Callable[..., Any], examples: Sequence[Example], by_name: bool = False) -> Iterator[Traces]:
    """Traces with ever fewer axes of any length: the first that can be written is the model's; it is called with the
    inputs, or with a dict of them ``by_name``.

    The last of them has the lengths of the example alone. Raises what the model has against these.
    """
    whole = _traced(model, examples, Choice([{} for _ in examples]), by_name)
    for choice in _choices(examples):
        try:
            found = _traced(model, examples, choice, by_name)
        except SubgradError:
            continue
        if found.agree_with(whole):
            yield found
    yield whole


def _choices(examples: Sequence[Example]) -> Iterator[Choice]:
    """The first axis of each input, and in sequences that of the steps; then the first alone."""
    first = examples[0].shape if examples else ()
    batch = _named(examples, first, 0, "batch")
    for axis in (1, 2):
        if len(first) == 3 or (len(first) == 2 and examples[0].dtype.kind in "iu" and axis == 1):
            time = _named(examples, first, axis, "time")
            axes = [{**b, **t} for b, t in zip(batch, time, strict=True)]
            yield from (Choice(axes, steps) for steps in _steps(first[axis]))
    yield Choice(batch, (0,) * len(BATCHES))


def _named(examples: Sequence[Example], first: Sequence[int], axis: int, name: str) -> list[dict[int, str]]:
    """An axis of the inputs that have as many there as the first one."""
    return [{axis: name} if e.shape[axis : axis + 1] == tuple(first[axis : axis + 1]) != () else {} for e in examples]


def _steps(longest: int) -> Iterator[tuple[int, ...]]:
    """How much shorter to make sequences: none is longer than the example, if that is long enough, since tables may end
    there. A table that is read to its end shows that it is cut only where all are shorter."""
    if longest > 4:
        yield (0, 1, 3, 2, 5) if longest > 6 else (0, 1, 3, 0, 2)
        yield (1, 2, 4, 3, 6) if longest > 7 else (1, 2, 3, 1, 2)
        return
    yield 0, -1, -3, -2, -5
    if longest > 2:
        yield 0, 1, 2, 0, 1


def _traced(model: Callable[..., Any], examples: Sequence[Example], choice: Choice, by_name: bool) -> Traces:
    inputs: list[tuple[Tensor, ...]] = []
    outputs: list[tuple[Tensor, ...]] = []
    names: list[str] = []
    for batch, less in zip(BATCHES, choice.steps, strict=False):
        given = [_placeholder(e, named, batch, less) for e, named in zip(examples, choice.axes, strict=True)]
        with evaluating(model) if isinstance(model, Module) else nullcontext():
            named = {e.name: x for e, x in zip(examples, given, strict=True)}
            found = [*named_leaves(model(named) if by_name else model(*given))]
        names = [name for name, _ in found]
        inputs.append(tuple(given))
        outputs.append(tuple(x.node for _, x in found))
    return Traces(inputs, outputs, names, choice)


def _placeholder(example: Example, axes: dict[int, str], batch: int, less: int) -> Tensor:
    shape = [{"batch": batch, "time": n - less}[axes[a]] if a in axes else n for a, n in enumerate(example.shape)]
    return placeholder(shape, example.dtype, example.name)


__all__ = ["Example", "Traces", "names_of_inputs", "traces"]
