"""The compiler, from top to bottom: the passes, in their order, with what holds after each of them.

A pass takes a `Unit` and leaves it further on. With ``SUBGRAD_CHECK=1`` the runner verifies after each pass what that
promises; with ``SUBGRAD_DUMP`` it writes what the pass has made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from subgrad.compile import invariants
from subgrad.compile.codegen.emit import Emitter
from subgrad.compile.dump import Dump
from subgrad.compile.kernels.fuse import fuse
from subgrad.compile.kernels.placement import CLOCK, Placement
from subgrad.compile.kernels.schedule import worthwhile
from subgrad.compile.passes import scans
from subgrad.compile.passes.batch_innermost import batch_innermost, batch_size
from subgrad.compile.passes.depthwise import elementwise
from subgrad.compile.passes.empty import filled, has_empty
from subgrad.compile.passes.layout import relaid, sink, transposed, undo
from subgrad.compile.passes.shared_sums import shared
from subgrad.compile.passes.simplify import Merger, expand, factored, replaced, rewrite, staged
from subgrad.compile.unit import Unit
from subgrad.graph.op import apply
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.graph.verify_graph import is_wanted
from subgrad.ops.shape import cast

Outputs = Sequence[Tensor]


class Pass(NamedTuple):
    """A step of the compiler.

    Attributes:
        name: what it does, in a word or two; files that `Dump` writes have it in their names.
        run: does it, to a unit.
        promise: what holds after it.
        check: raises `CheckError` where that does not hold.
    """

    name: str
    run: Callable[[Unit], None]
    promise: str
    check: Callable[[Unit], None]


def simplify(outputs: Outputs) -> list[Tensor]:
    """The same values from a graph of simple ops in which no two nodes compute the same: by `GRAPH_PASSES` alone."""
    unit = Unit.of(outputs)
    run_passes(GRAPH_PASSES, unit)
    return unit.outputs


def run_passes(passes: Sequence[Pass], unit: Unit, dump: Dump | None = None) -> None:
    """Run the passes in their order."""
    for step in passes:
        before = unit.interface
        step.run(unit)
        if is_wanted():
            step.check(unit)
            invariants.same_interface(before, unit.interface, step.name)
        if dump is not None:
            dump.add(step.name, unit, step.promise)


def _on_graph(rewritten: Callable[[Outputs], Outputs]) -> Callable[[Unit], None]:
    """A pass that looks at the graph alone."""

    def run(unit: Unit) -> None:
        unit.outputs = list(rewritten(unit.outputs))

    return run


def _without_empty(outputs: Outputs) -> Outputs:
    return rewrite(outputs, filled) if has_empty(outputs) else outputs


def _batch_innermost(outputs: Outputs) -> Outputs:
    members = batch_size(outputs)
    return rewrite(outputs, lambda node: batch_innermost(node, members)) if members else outputs


def _loops(outputs: Outputs) -> Outputs:
    return rewrite(scans.tidied(outputs, simplify), Merger()) if scans.has_loops(outputs) else outputs


def _choose_threads(unit: Unit) -> None:
    unit.n_threads = unit.n_threads or worthwhile(_computed(unit), updates=bool(unit.interface.variables))


def _share_sums(unit: Unit) -> None:
    threads = unit.n_threads
    assert threads is not None
    unit.outputs = rewrite(unit.outputs, lambda node: shared(node, threads))


def _relay(unit: Unit) -> None:
    """Keep variables with their axes in the order in which their new values are computed, if nobody else reads them."""
    if unit.shared:
        return
    inputs, outputs, variables, *_ = unit.interface
    kept, meaning, unit.orders = relaid(inputs, outputs, variables)
    if meaning:
        turned = {k: undo(unit.orders[i]) for k, i in variables.items() if i in unit.orders}
        found = [transposed(o, turned[k]) if k in turned else o for k, o in enumerate(outputs)]
        unit.interface = unit.interface._replace(inputs=kept, outputs=replaced(found, meaning))


def _copy_old_values(unit: Unit) -> None:
    """Give an output that is the old value of a variable a node, and so memory, of its own."""
    lost = unit.interface.overwritten
    unit.outputs = [apply(cast, (o,), {"dtype": o.dtype}) if o in lost else o for o in unit.outputs]


def _fuse(unit: Unit) -> None:
    unit.kernels = fuse(_computed(unit))


def _computed(unit: Unit) -> list[Tensor]:
    return [o for o in unit.outputs if o.op not in (CONST, INPUT)]


def _alias(unit: Unit) -> None:
    unit.placed = Placement(unit.interface, unit.kernels)


def _schedule(unit: Unit) -> None:
    assert unit.placed is not None
    assert unit.n_threads is not None
    assert unit.cpu is not None
    unit.placed.schedule_on(unit.n_threads, unit.cpu.l2_bytes)


def _lay_out_arena(unit: Unit) -> None:
    assert unit.placed is not None
    unit.placed.lay_out()


def _emit(unit: Unit) -> None:
    placed, cpu = unit.placed, unit.cpu
    assert placed is not None
    assert cpu is not None
    assert unit.n_threads is not None
    clock = CLOCK if unit.timed else None
    emitter = Emitter(
        cpu, placed.schedule, unit.n_threads, placed.locate, placed.stored, placed.aliasing, clock, unit.ahead
    )  # fmt: skip
    unit.ahead = None
    unit.ir, scratch = emitter.emit(placed.copies)
    unit.scratch, unit.noted = scratch * unit.n_threads, list(emitter.module.noted)


GRAPH_PASSES = (
    Pass(
        "expand", _on_graph(lambda outputs: rewrite(outputs, expand)),
        "no op outside of loops is made of others", invariants.no_compound_ops,
    ),
    Pass(
        "drop empty", _on_graph(_without_empty),
        "what has no elements is a constant or an input, and no loop is without steps", invariants.no_empty_work,
    ),
    Pass(
        "batch innermost", _on_graph(_batch_innermost),
        "many tiny matrix products are sums of products along the batch", invariants.sound,
    ),
    Pass(
        "take out factors", _on_graph(lambda outputs: rewrite(outputs, factored)),
        "sums are taken without the factors that do not change along them", invariants.sound,
    ),
    Pass(
        "move transposes", _on_graph(lambda outputs: rewrite(outputs, lambda node: sink(elementwise(node)))),
        "a transpose stands behind all that does not mind the order of axes", invariants.sound,
    ),
    Pass(
        "stage sums", _on_graph(lambda outputs: rewrite(outputs, staged)),
        "no large sum over examples is over other axes as well", invariants.staged_sums,
    ),
    Pass(
        "merge", _on_graph(lambda outputs: rewrite(outputs, Merger())),
        "no two nodes compute the same", invariants.no_twins,
    ),
    Pass(
        "tidy loops", _on_graph(_loops),
        "a loop's carries are computed nodes of their own; what it gives are those, or computed nodes",
        invariants.tidy_loops,
    ),
)  # fmt: skip
"""From nodes to nodes. The bodies of loops go through these alone, and so does what is prepacked."""

PASSES = (
    *GRAPH_PASSES,
    Pass(
        "choose threads", _choose_threads,
        "the number of threads is known", invariants.threads_known,
    ),
    Pass(
        "share sums", _share_sums,
        "each thread adds up its own examples where a sum over them is long", invariants.shared_sums,
    ),
    Pass(
        "lay out variables", _relay,
        "a variable has the shape of its new value", invariants.variables_fit,
    ),
    Pass(
        "copy old values", _copy_old_values,
        "no output is a variable that is overwritten", invariants.old_values_kept,
    ),
    Pass(
        "fuse", _fuse,
        "each computed output is stored, by one kernel; a body is elementwise, of its seed's shape",
        invariants.kernels_fit,
    ),
    Pass(
        "alias", _alias,
        "a result that lies inside of another one ends where that ends, or before", invariants.aliases_fit,
    ),
    Pass(
        "schedule", _schedule,
        "each kernel has its turn once, in the order of the kernels", invariants.all_scheduled,
    ),
    Pass(
        "lay out arena", _lay_out_arena,
        "each kernel finds what it reads, and writes where it may: element by element", invariants.memory_is_right,
    ),
    Pass(
        "emit", _emit,
        "the text defines what it calls, and `run`", invariants.text_is_complete,
    ),
)  # fmt: skip
"""From a traced graph to LLVM text. LLVM does the rest."""

__all__ = ["GRAPH_PASSES", "PASSES", "Pass", "run_passes", "simplify"]
