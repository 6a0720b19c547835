"""One training step as a graph: loss, gradients, the optimiser's update and the metrics, of one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from subgrad.compile.garbage import uncollected
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.diff import vmap
from subgrad.diff.reverse import gradients
from subgrad.diff.shorter import Shorter, Traced, Unproven
from subgrad.fit.kept import kept
from subgrad.fit.measuring import accumulation
from subgrad.fit.measuring.measured import Measured, Term, measured
from subgrad.fit.parallel.all_reduce import of_all_ranks
from subgrad.fit.several.batch_form import Form, call
from subgrad.fit.several.loss_arguments import asked, told
from subgrad.fit.several.several_outputs import measured_losses, of_output, pieces, require_whole, targets_for
from subgrad.graph.dtype import float64, int64
from subgrad.graph.op import apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor, constant, placeholder
from subgrad.graph.tree import Tree, leaves, named_leaves, rebuild, tree_map
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.functional_call import bound
from subgrad.nn.module import Module
from subgrad.nn.noted import Noted, listening
from subgrad.nn.running import evaluating, in_training
from subgrad.ops import gather, random
from subgrad.optim.step.constant import as_arguments

Signature = tuple[tuple[int, ...], np.dtype]
Loss = Callable[..., Tensor]


@dataclass(frozen=True)
class Step:
    """A traced step.

    ``inputs``: the seed, whether the optimiser takes its step if the step ``accumulates``, what ``shorter`` asks for,
    then the batch (inputs, targets, sample weights if there are any; or, if the step gathers its batch itself, the
    numbers of its samples, and all data), then ``sizes`` (constant step sizes, which programs do not depend on), then
    the variables (the model's parameters and the optimiser's state).
    ``outputs``: what is measured, first the loss, and the variables after the step. ``terms``: what the loss and the
    metrics are made of; ``measured``: how many numbers that takes. ``shorter``: how the step takes shorter batches, if
    it does. ``nested``: how the model nests its outputs, which an evaluation gives behind what is measured.
    """

    inputs: list[Tensor]
    outputs: list[Tensor]
    terms: list[Term]
    measured: int
    first_variable: int
    shorter: Shorter | None = None
    sizes: Sequence[np.ndarray] = ()
    nested: Tree = None
    accumulates: bool = False

    @property
    def variables(self) -> dict[int, int]:
        """For each output that is a variable's new value, the number of that input."""
        return {self.measured + i: self.first_variable + i for i in range(len(self.inputs) - self.first_variable)}

    def interpreter(self) -> Interpreter:
        return Interpreter(self.inputs, self.outputs)

    @property
    def numbers(self) -> np.ndarray:
        """What the step is told of a batch of its own length."""
        return np.empty(0) if self.shorter is None else self.shorter.of_long

    def numbers_for(self, short: Forward | None) -> np.ndarray | None:
        """What it is told of a shorter batch; None if it does not take that."""
        return None if self.shorter is None or short is None else self.shorter.of(short.graph)

    @property
    def graph(self) -> Traced:
        """What goes in and what comes out."""
        return Traced(self.inputs, self.outputs)

    def for_shorter(self, short: Step) -> Step:
        """This step, if it takes no gradients, for shorter batches as well; itself if that cannot be shown to be right.

        What it then takes besides, see `Shorter.of`, stands before the variables.
        """
        if self.terms != short.terms:
            return self
        try:
            found = Shorter(self.graph, short.graph)
        except Unproven:
            return self
        at = self.first_variable
        inputs = [*self.inputs[:at], *found.numbers, *self.inputs[at:]]
        first = at + len(found.numbers)
        return replace(self, inputs=inputs, outputs=found.outputs, first_variable=first, shorter=found)


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


def initial_state(model: Module, optimizer: Any, accumulates: bool = False) -> Tree:
    """The optimiser's state before the first step; each member of an ensemble has its own."""
    train = {name: p.node for name, p in model.named_parameters()}
    start = partial(accumulation.start, optimizer) if accumulates else optimizer.init
    return vmap(start)(train) if isinstance(model, Ensemble) else start(train)


@uncollected
def trace_step(
    model: Module,
    loss: Loss,
    optimizer: Any,
    state: Tree,
    batch: Sequence[Signature],
    metrics: dict[str, Callable[..., Tensor]],
    gathers: bool = False,
    shorter: Forward | None = None,
    form: Form | None = None,
    accumulates: bool = False,
    across: bool = False,
) -> Step:
    """The training step of ``model`` for batches of the given shapes and dtypes.

    The batch has the ``form`` that is given, else it is (x, y) or (x, y, weight).
    With ``gathers`` the step takes data of any number of samples, and gathers the rows of its batch, whose numbers it
    does not check. Given the forward part for a ``shorter`` batch, the step takes such batches, too, if that can be
    shown to give the same. If it ``accumulates``, the optimiser takes its step with those batches that are said to be
    the last of theirs. With ``across`` the gradients are those of the batches of all ranks together, with sums that
    only `fit.parallel.segments` can run.
    """
    form = form or Form.plain(len(batch))
    arguments, given, held, places = _arguments(model, form, batch, state, gathers)
    parameters = [p for _, p in _single(model).named_state()]
    terms: list[Term] = []
    found: list[Shorter] = []
    last = placeholder((), float64, "last of its batches")
    number = arguments[0][1]
    weighed = accumulates or across

    def step(values: Sequence[Tensor], state: Tree) -> Tree:
        made = _forward(model, loss, form, given, values, metrics, weighed, number)
        terms[:], outputs = made.terms, made.graph.outputs
        if shorter is not None:
            found[:] = _shorter(model, made, shorter)
            outputs = found[0].outputs if found else outputs
        at = len(outputs) - len(parameters)
        outputs, nodes = outputs[:at], outputs[at:]
        now = [n for n, p in zip(nodes, parameters, strict=True) if p.requires_grad]
        share = accumulation.Share([], outputs[0], outputs[-1], terms)
        share = share._replace(slopes=gradients(share.weighed if across else share.loss, now))
        if across:
            share, nodes = of_all_ranks(share, nodes, now, values)
        if accumulates:
            updates, after = accumulation.update(optimizer, share, state, now, last)
        else:
            updates, after = optimizer.update(share.slopes, state, now, loss=share.loss)
        moved = iter([n + u for n, u in zip(now, updates, strict=True)])
        new = [next(moved) if p.requires_grad else n for n, p in zip(nodes, parameters, strict=True)]
        return outputs, (new, after)

    with random.seeded(arguments[0]), as_arguments() as sizes:
        outputs, after = _for_all(model, step)(held, places)
    with np.errstate(over="ignore"):  # a step that is no number of the dtype is inf, and the run says what it spoils
        given_sizes = [np.array(a, dtype) for a, dtype in sizes]
    arguments[1:1] = [*([last] if accumulates else []), *(found[0].numbers if found else [])]
    arguments += sizes.values()
    return Step(
        inputs=[*arguments, *held, *leaves(places)],
        outputs=[n.node for n in (*outputs, *leaves(after))],
        terms=terms,
        measured=len(outputs),
        first_variable=len(arguments),
        shorter=found[0] if found else None,
        sizes=given_sizes,
        accumulates=accumulates,
    )


@dataclass(frozen=True)
class Forward:
    """What a step makes of a batch before it takes gradients: outputs are what is measured, then the parameters."""

    graph: Traced
    terms: list[Term]


@uncollected
def trace_forward(
    model: Module, loss: Loss, batch: Sequence[Signature], metrics: dict[str, Callable[..., Tensor]],
    form: Form | None = None, accumulates: bool = False,
) -> Forward:  # fmt: skip
    """The forward part of `trace_step`; that of one member, if the model is an ensemble."""
    state = [p for _, p in model.named_state()]
    shapes = [p.shape[1:] if isinstance(model, Ensemble) else p.shape for p in state]
    values = [placeholder(shape, p.dtype) for shape, p in zip(shapes, state, strict=True)]
    given = [placeholder(*s) for s in batch]
    seed = placeholder((2,), int64, "seed")
    with random.seeded(seed):
        return _forward(model, loss, form or Form.plain(len(batch)), given, values, metrics, accumulates, seed[1])


def _forward(
    model: Module, loss: Loss, form: Form, given: Sequence[Tensor], values: Sequence[Tensor], metrics: dict[str, Any],
    accumulates: bool, number: Tensor,
) -> Forward:  # fmt: skip
    net = _single(model)
    parameters = [p for _, p in net.named_state()]
    with in_training(net), bound(parameters, values):
        found = _measure(loss, call(net, form.inputs(given)), form, given, metrics, number)
        more = [accumulation.weight(found, given[0])] if accumulates else []
        graph = Traced([*given, *values], [n.node for n in (*found.outputs, *more, *parameters)])
    return Forward(graph, found.terms)


def _shorter(model: Module, long: Forward, short: Forward) -> list[Shorter]:
    """The one graph for both, if there is one."""
    draws = isinstance(model, Ensemble) and any(n.op is random.uniform for n in toposort(long.graph.outputs))
    if draws or long.terms != short.terms:  # members draw side by side: the length decides who draws what
        return []
    try:
        return [Shorter(long.graph, short.graph)]
    except Unproven:
        return []


@uncollected
def trace_evaluation(
    model: Module, loss: Loss | None, batch: Sequence[Signature], metrics: dict[str, Callable[..., Tensor]],
    form: Form | None = None,
) -> Step:  # fmt: skip
    """The model's output, and the loss and metrics if ``loss`` is given, without a step: in evaluation mode."""
    form = form or Form.plain(len(batch))
    arguments, given, held, _ = _arguments(model, form, batch, [])
    net = _single(model)
    terms: list[Term] = []

    def run(values: Sequence[Tensor]) -> Tree:
        with bound([p for _, p in net.named_state()], values):
            out = call(net, form.inputs(given))
            found = Measured([], []) if loss is None else _measure(loss, out, form, given, metrics, None)
            terms[:] = found.terms
            return found.outputs, out

    with random.seeded(arguments[0]), evaluating(model):
        outputs, out = _for_all(model, run)(held)
    made = [n.node for n in (*outputs, *leaves(out))]
    return Step([*arguments, *held], made, terms, len(outputs), len(arguments), nested=out)


@dataclass(frozen=True)
class Seen:
    """What the values of some data say of one output: its shape, and what its loss knows of labels."""

    shape: tuple[int, ...]
    noted: Noted


def check_values(model: Module, loss: Loss, data: Sequence[np.ndarray], form: Form | None = None) -> dict[Any, Seen]:
    """Raise what a model and a loss have against the values of all data, which they do not see in a traced step.

    Only what they look at, such as labels, is computed. Returns what was seen of each output, by its key: of one alone,
    under None.
    """
    form = form or Form.plain(len(data))
    given = [constant(a.view()) for a in data]
    out, y, weight = _outputs(model, form.inputs(given), loss), form.targets(given), form.weight(given)
    shapes = {None: out.shape} if isinstance(out, Tensor) else {k: o.shape for k, o in _parted(out)}
    seen = {key: Seen(shape, Noted()) for key, shape in shapes.items()}
    for key, f in pieces(told(loss, form.inputs(given), None)).items():
        with listening() as noted:
            if key is None:
                require_whole(f, out)
                f(out, targets_for(out, y), **weight)
            else:
                of_output(key, f, out, y, **weight)
        if key in seen:
            seen[key] = Seen(shapes[key], noted)
    return seen


def _parted(out: Any) -> list[tuple[Any, Tensor]]:
    """Several outputs with their keys; those that are nested deeper have none."""
    pairs = out.items() if isinstance(out, dict) else enumerate(out) if isinstance(out, (tuple, list)) else ()
    return [(key, part) for key, part in pairs if isinstance(part, Tensor)]


def _outputs(model: Module, x: Any, loss: Loss) -> Any:
    """The model's outputs, of one member of an ensemble; of floats seen before only their form, without a value, unless
    the loss asks for the inputs that they depend on.

    A model may object to integers, which may be indices. Of floats it cannot see more than it sees in a traced step.
    """
    given = [*named_leaves(x)]
    forms, key = kept(model), tuple((name, leaf.shape, leaf.dtype) for name, leaf in given)
    looks_inside = "inputs" in asked(loss)
    if key in forms and not looks_inside:
        return tree_map(lambda o: placeholder(o.shape, o.dtype, "output"), forms[key])
    runs = model[0] if looks_inside and isinstance(model, Ensemble) else model
    with random.seeded(constant(np.zeros(2, np.int64))), evaluating(runs):
        out = call(runs, x)
    out = tree_map(lambda o: o[0], out) if isinstance(runs, Ensemble) else out
    if all(leaf.dtype.kind == "f" for _, leaf in given):
        forms[key] = tree_map(lambda o: placeholder(o.shape, o.dtype, "output"), out)
    return out


def _measure(
    loss: Loss, out: Any, form: Form, given: Sequence[Tensor], metrics: dict[str, Callable[..., Tensor]],
    number: Tensor | None,
) -> Measured:  # fmt: skip
    y, weight, loss = targets_for(out, form.targets(given)), form.weight(given), told(loss, form.inputs(given), number)
    weighted = {name: partial(f, out, y, **weight) for name, f in measured_losses(loss).items()}
    return measured({**weighted, **{name: partial(m, out, y) for name, m in metrics.items()}})


def _arguments(model: Module, form: Form, batch: Sequence[Signature], state: Tree, gathers: bool = False):
    """The arguments before the variables, the batch, the model's parameters, the optimiser's state."""
    seed = placeholder((2,), int64, "seed")
    arguments, given = _batch(form.names, batch, gathers)
    held = [placeholder(p.shape, p.dtype, name) for name, p in model.named_state()]
    places = rebuild(state, [placeholder(s.shape, s.dtype, "optimiser state") for s in leaves(state)])
    return [seed, *arguments], given, held, places


def _batch(names: list[str], batch: Sequence[Signature], gathers: bool) -> tuple[list[Tensor], list[Tensor]]:
    """The arguments that bring a batch, and the batch: of an evaluation perhaps the inputs alone."""
    names = [name.replace("X", "x", 1) for name in names[: len(batch)]]
    if not gathers:
        given = [placeholder(*s, name) for s, name in zip(batch, names, strict=True)]
        return given, given
    rows = placeholder((batch[0][0][0],), int64, "rows")
    data = [placeholder(*s, name, open=True) for s, name in zip(batch, names, strict=True)]
    return [rows, *data], [apply(gather, (d, rows), {"axes": (0,)}) for d in data]
