"""One training step as a graph: loss, gradients, the optimiser's update and the metrics, of one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from subgrad.compile.runtime.interpret import Interpreter
from subgrad.diff import vmap
from subgrad.diff.reverse import gradients
from subgrad.fit.kept import kept
from subgrad.fit.measured import Measured, Term, measured
from subgrad.graph.dtype import int64
from subgrad.graph.op import apply
from subgrad.graph.tensor import Tensor, constant, placeholder
from subgrad.graph.tree import Tree, leaves, rebuild
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.functional_call import bound
from subgrad.nn.module import Module
from subgrad.nn.noted import Noted, listening
from subgrad.nn.running import evaluating
from subgrad.ops import gather, random

Signature = tuple[tuple[int, ...], np.dtype]
Loss = Callable[..., Tensor]


def signature(array: np.ndarray) -> Signature:
    return array.shape, array.dtype


@dataclass(frozen=True)
class Step:
    """A traced step.

    ``inputs``: the seed, then the batch (x, y, and sample weights if there are any; or the numbers of its samples and
    all data, if the step gathers its batch itself), then the variables (the model's parameters and the optimiser's
    state). ``outputs``: what is measured, first the loss, and the variables after the step. ``terms``: what the loss
    and the metrics are made of; ``measured``: how many numbers that takes.
    """

    inputs: list[Tensor]
    outputs: list[Tensor]
    terms: list[Term]
    measured: int
    first_variable: int

    def interpreter(self) -> Interpreter:
        return Interpreter(self.inputs, self.outputs)


def _single(model: Module) -> Module:
    """The module that a step is about: ``model``, or what the members of an ensemble have in common."""
    return model.stacked if isinstance(model, Ensemble) else model


def _for_all(model: Module, f: Callable[..., Any]) -> Callable[..., Any]:
    """``f(values, ...) -> (outputs, rest)``, written for the values of one module, for those that ``model`` holds.

    The members of an ensemble go through f side by side, and what they measure is averaged.
    """
    if not isinstance(model, Ensemble):
        return f

    def together(*trees: Tree) -> Any:
        outputs, rest = vmap(f)(*trees)
        return [m.mean() for m in outputs], rest

    return together


def initial_state(model: Module, optimizer: Any) -> Tree:
    """The optimiser's state before the first step; each member of an ensemble has its own."""
    train = [p.node for p in model.parameters()]
    return vmap(optimizer.init)(train) if isinstance(model, Ensemble) else optimizer.init(train)


def trace_step(
    model: Module,
    loss: Loss,
    optimizer: Any,
    state: Tree,
    batch: Sequence[Signature],
    metrics: dict[str, Callable[..., Tensor]],
    samples: int | None = None,
) -> Step:
    """The training step of ``model`` for batches of the given shapes and dtypes: (x, y) or (x, y, weight).

    With ``samples`` the step takes all data, so many samples, and gathers the rows of its batch.
    """
    arguments, given, held, places = _arguments(model, batch, state, samples)
    net = _single(model)
    parameters = [p for _, p in net.named_state()]
    train = [p for p in parameters if p.requires_grad]
    terms: list[Term] = []

    def step(values: Sequence[Tensor], state: Tree) -> Tree:
        with bound(parameters, values):
            out = net(given[0])
            found = _measure(loss, out, given, metrics)
            terms[:], value, now = found.terms, found.outputs[0], [p.node for p in train]
            updates, after = optimizer.update(gradients(value, now), state, now, loss=value)
            moved = dict(zip(map(id, train), (p + u for p, u in zip(now, updates, strict=True)), strict=True))
            return found.outputs, ([moved.get(id(p), p.node) for p in parameters], after)

    with random.seeded(arguments[0]):
        outputs, after = _for_all(model, step)(held, places)
    return Step(
        inputs=[*arguments, *held, *leaves(places)],
        outputs=[n.node for n in (*outputs, *leaves(after))],
        terms=terms,
        measured=len(outputs),
        first_variable=len(arguments),
    )


def trace_evaluation(
    model: Module, loss: Loss | None, batch: Sequence[Signature], metrics: dict[str, Callable[..., Tensor]]
) -> Step:
    """The model's output, and the loss and metrics if ``loss`` is given, without a step: in evaluation mode."""
    arguments, given, held, _ = _arguments(model, batch, [])
    net = _single(model)
    terms: list[Term] = []

    def run(values: Sequence[Tensor]) -> Tree:
        with bound([p for _, p in net.named_state()], values):
            out = net(given[0])
            found = Measured([], []) if loss is None else _measure(loss, out, given, metrics)
            terms[:] = found.terms
            return found.outputs, out

    with random.seeded(arguments[0]), evaluating(model):
        outputs, out = _for_all(model, run)(held)
    return Step([*arguments, *held], [*outputs, out.node], terms, len(outputs), len(arguments))


def check_values(model: Module, loss: Loss, data: Sequence[np.ndarray]) -> tuple[tuple[int, ...], Noted]:
    """Raise what a model and a loss have against the values of all data, which they do not see in a traced step.

    Only what they look at, such as labels, is computed. Returns the shape of the outputs, and what the loss said.
    """
    given = [constant(a.view()) for a in data]
    out = _outputs(model, given[0])
    with listening() as noted:
        loss(out, targets_for(out, given[1]), **_weight(given))
    return out.shape, noted


def _outputs(model: Module, x: Tensor) -> Tensor:
    """The model's outputs, of one member of an ensemble; of floats seen before only their form, without a value.

    A model may object to integers, which may be indices. Of floats it cannot see more than it sees in a traced step.
    """
    forms, key = kept(model), (x.shape, x.dtype)
    if key in forms:
        return placeholder(*forms[key], "output")
    with random.seeded(constant(np.zeros(2, np.int64))), evaluating(model):
        out = model(x)
    out = out[0] if isinstance(model, Ensemble) else out
    if x.dtype.kind == "f":
        forms[key] = out.shape, out.dtype
    return out


def _measure(
    loss: Loss, out: Tensor, given: Sequence[Tensor], metrics: dict[str, Callable[..., Tensor]]
) -> Measured:
    y = targets_for(out, given[1])
    weighted = partial(loss, out, y, **_weight(given))
    return measured({"loss": weighted, **{name: partial(m, out, y) for name, m in metrics.items()}})


def _arguments(model: Module, batch: Sequence[Signature], state: Tree, samples: int | None = None):
    """The arguments before the variables, the batch, the model's parameters, the optimiser's state."""
    seed = placeholder((2,), int64, "seed")
    arguments, given = _batch(batch, samples)
    held = [placeholder(p.shape, p.dtype, name) for name, p in model.named_state()]
    places = rebuild(state, [placeholder(s.shape, s.dtype, "optimiser state") for s in leaves(state)])
    return [seed, *arguments], given, held, places


def _batch(batch: Sequence[Signature], samples: int | None) -> tuple[list[Tensor], list[Tensor]]:
    """The arguments that bring a batch, and the batch."""
    names = ("x", "y", "weight")[: len(batch)]
    if samples is None:
        given = [placeholder(*s, name) for s, name in zip(batch, names, strict=True)]
        return given, given
    rows = placeholder((batch[0][0][0],), int64, "rows")
    data = [placeholder((samples, *s[1:]), dtype, name) for (s, dtype), name in zip(batch, names, strict=True)]
    return [rows, *data], [apply(gather, (d, rows), {"axes": (0,)}) for d in data]


def targets_for(out: Tensor, y: Tensor) -> Tensor:
    """y as a column where the model's output is one: targets of shape (n,) fit an output of shape (n, 1)."""
    return y.reshape(-1, 1) if out.ndim == 2 and out.shape[1] == 1 and y.ndim == 1 else y


def _weight(given: Sequence[Tensor]) -> dict[str, Tensor]:
    return {"sample_weight": given[2]} if len(given) > 2 else {}
