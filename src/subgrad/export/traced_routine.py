"""From functions, models and training steps to routines."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from subgrad import optim
from subgrad.compile.function import CompiledFunction, compile
from subgrad.compile.runtime.variant import Trace
from subgrad.compile.tracing.arguments import data_of, is_data
from subgrad.compile.unit import Interface
from subgrad.errors import ArgumentError
from subgrad.export.routine import Argument, Array, Draws, Fixed, Held, Result, Routine, Sink, Source, State, unlike
from subgrad.fit.arrays import as_batch
from subgrad.fit.options import require_weighted
from subgrad.fit.several.batch_form import call, require_call
from subgrad.fit.several.several_outputs import looked_up, loss_for
from subgrad.fit.step import check_values, initial_state, trace_step
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Parameter, Tensor
from subgrad.graph.tree import leaves, named_leaves
from subgrad.nn.module import Module
from subgrad.nn.running import evaluating


class Called(NamedTuple):
    """A function that is to be exported: its name, what it is called with, and which argument is carried, if it has
    one of that name."""

    name: str
    function: Callable[..., Any]
    example: tuple[Any, ...]
    carry: str | None = None


class _Traced(NamedTuple):
    called: Called
    trace: Trace
    arguments: list[str]
    carried: range


def of_functions(each: Sequence[Called], state: State, apart: bool = False) -> list[Routine]:
    """The routines of functions: parameters that one of them assigns are in the state, all others in the code; with
    ``apart`` in the state, too."""
    traced = [_traced(c) for c in each]
    if traced[0].called.carry is not None and not any(t.carried for t in traced):
        known = ", ".join(sorted({name for t in traced for name in t.arguments}))
        raise ArgumentError(f"carry={each[0].carry!r}: expected the name of an argument, one of {known}")
    names = _names(c.function for c in each)
    for t in traced:
        for p in (*t.trace.written, *(t.trace.read if apart else ())):
            state.add(p, names.get(p, "parameter"), p.numpy())
    return [_routine(t, state) for t in traced]


def _traced(called: Called) -> _Traced:
    f, example = called.function, called.example
    compiled = f if isinstance(f, CompiledFunction) else compile(_evaluated(f) if isinstance(f, Module) else f)
    names, carried = _argument_names(called)
    trace = compiled.trace(*example)
    if carried:
        _check_carry(called, trace, carried)
    return _Traced(called, trace, names, carried)


def _evaluated(model: Module) -> Callable[..., Any]:
    def forward(*xs: Tensor) -> Any:
        with evaluating(model):
            return model(*xs)

    return forward


def _argument_names(called: Called) -> tuple[list[str], range]:
    """A name for each datum among the arguments, and which of the data are carried."""
    f: Any = called.function
    f = f.function if isinstance(f, CompiledFunction) else f.forward if isinstance(f, Module) else f
    given = inspect.signature(f).parameters.values()
    known = [p.name for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names: list[str] = []
    carried = range(0)
    for i, value in enumerate(called.example):
        name, before = known[i] if i < len(known) else f"input_{i}", len(names)
        names += _paths(value, name)
        if name == called.carry:
            carried = range(before, len(names))
    return names, carried


def _paths(value: Any, name: str) -> Iterator[str]:
    if is_data(value):
        yield name
    elif data_of(value):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _paths(part, f"{name}.{key}")


def _check_carry(called: Called, trace: Trace, carried: range) -> None:
    last = trace.result[-1] if isinstance(trace.result, tuple) and trace.result else None
    found = [(n.shape, n.dtype) for n in leaves(last)] if last is not None else []
    expected = [(trace.arguments[i].shape, trace.arguments[i].dtype) for i in carried]
    if found != expected:
        differ = "of other shapes or dtypes" if len(found) == len(expected) else ""
        raise ArgumentError(
            f"carry={called.carry!r}: expected {called.name} to return a tuple with the new {called.carry} last, "
            f"{len(expected)} arrays; got {len(found)} {differ}".rstrip()
        )


def _routine(traced: _Traced, state: State) -> Routine:
    called, trace, names, carried = traced
    held = _carried(traced, state)
    arguments: list[Array] = []
    sources: list[Source] = [Draws()]
    for i, node in enumerate(trace.arguments):
        if i in carried:
            sources.append(held[i - carried.start])
            continue
        sources.append(Argument(len(arguments)))
        arguments.append(Array(unlike(names[i], [a.name for a in arguments]), node.shape, node.dtype))
    sources += [state.held[p] if p in state.held else Fixed(p.numpy()) for p in trace.read]
    results: list[Array] = []
    sinks: list[Sink] = []
    own = list(named_leaves(trace.result))
    for i, (name, node) in enumerate(own):
        if i >= len(own) - len(carried):
            sinks.append(held[i - len(own) + len(carried)])
            continue
        sinks.append(Result(len(results)))
        taken = [a.name for a in (*arguments, *results)]
        alone = not name or (name == "0" and len(own) - len(carried) == 1)
        name = "out" if alone else f"out_{name}" if name[0].isdigit() else name
        results.append(Array(unlike(name, taken), node.shape, node.dtype))
    sinks += [state.held[p] for p in trace.written]
    if not sinks:
        raise ArgumentError(f"{called.name} returns no tensor and assigns no parameter: there is nothing to export")
    return made(called.name, trace.inputs, trace.outputs, sources, sinks, arguments, results)


def _carried(traced: _Traced, state: State) -> list[Held]:
    """The places in the state of what a function carries; what it holds at first is the example."""
    data = [x.numpy() if isinstance(x, Tensor) else np.asarray(x) for x in data_of(traced.called.example)]
    found = []
    for i in traced.carried:
        node = traced.trace.arguments[i]
        found.append(state.add(("carry", traced.arguments[i]), traced.arguments[i], np.asarray(data[i], node.dtype)))
    return found


def made(
    name: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor], sources: Sequence[Source], sinks: Sequence[Sink],
    arguments: Sequence[Array], results: Sequence[Array],
) -> Routine:  # fmt: skip
    """A routine of a graph, without the inputs that it does not need, and the results that nobody asks for."""
    kept = [k for k, s in enumerate(sinks) if not (isinstance(s, Result) and s.number is None)]
    outputs, sinks = [outputs[k].node for k in kept], [sinks[k] for k in kept]
    needed = {*toposort(outputs)}
    written = {s.offset for s in sinks if isinstance(s, Held)}
    used = [
        i for i, (n, s) in enumerate(zip(inputs, sources, strict=True))
        if n in needed or isinstance(s, Argument) or (isinstance(s, Held) and s.offset in written)
    ]  # fmt: skip
    inputs, sources = [inputs[i] for i in used], [sources[i] for i in used]
    at = {s.offset: i for i, s in enumerate(sources) if isinstance(s, Held)}
    variables = {k: at[s.offset] for k, s in enumerate(sinks) if isinstance(s, Held)}
    stepped = frozenset(i for i, s in enumerate(sources) if isinstance(s, (Argument, Draws)))
    measured = frozenset(k for k, s in enumerate(sinks) if isinstance(s, Result))
    interface = Interface(inputs, outputs, variables, stepped, measured)
    return Routine(name, interface, sources, sinks, arguments, results)


def of_fit(model: Module, loss: Any, optimizer: Any, batch: Sequence[Any], state: State) -> tuple[Routine, Called]:
    """``step``, as `subgrad.fit` takes it on a batch, and ``predict`` for a row of its inputs.

    The parameters and the optimiser's state are in the state, and so are constant step sizes, for whoever wants to
    change them.
    """
    rule, given = optim.get(optimizer), as_batch(model._dtype(), *batch)
    data, form = given.arrays, given.form
    require_call(model, form.x)
    chosen = loss_for(looked_up(loss), None, form.y)
    require_weighted(chosen, form.weighted)
    check_values(model, chosen, data, form)
    begun = initial_state(model, rule)
    step = trace_step(model, chosen, rule, begun, [(a.shape, a.dtype) for a in data], {}, form=form)
    arguments: list[Array] = []
    for name, a in zip(form.names, data, strict=True):
        arguments.append(Array(unlike(name.lower(), [b.name for b in arguments]), a.shape, a.dtype))
    parameters = [state.add(p, name, p.numpy()) for name, p in model.named_state()]
    sizes = [state.add(("step size", i), "step_size", a) for i, a in enumerate(step.sizes)]
    rest = [state.add((name, "optimizer"), name, leaf.numpy()) for name, leaf in named_leaves(begun, "optimizer")]
    sources = [Draws(), *(Argument(i) for i in range(len(data))), *sizes, *parameters, *rest]
    sinks = [Result(0 if k == 0 else None) for k in range(step.measured)]
    results = [Array("loss", step.outputs[0].shape, step.outputs[0].dtype)]
    row = form.inputs([np.zeros((1, *a.shape[1:]), a.dtype) for a in data])

    def predict(x: Any) -> Any:
        with evaluating(model):
            return call(model, x)

    taken = made("step", step.inputs, step.outputs, sources, [*sinks, *parameters, *rest], arguments, results)
    return taken, Called("predict", predict, (row,))


def _names(functions: Any) -> dict[Parameter, str]:
    """What modules among ``functions``, or that functions name, call their parameters."""
    found: dict[Parameter, str] = {}
    for f in functions:
        inner: Any = f.function if isinstance(f, CompiledFunction) else f
        seen: Collection[Any] = [inner] if isinstance(inner, Module) else _named(inner)
        for module in seen:
            if isinstance(module, Module):
                for name, p in module.named_state():
                    found.setdefault(p, name)
    return found


def _named(f: Any) -> list[Any]:
    try:
        variables = inspect.getclosurevars(f)
    except TypeError:
        return []
    return [*variables.nonlocals.values(), *variables.globals.values()]


__all__ = ["Called", "made", "of_fit", "of_functions"]
