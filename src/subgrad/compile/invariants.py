"""What holds after each pass, as code: run by ``SUBGRAD_CHECK=1``, and so in the tests. Each raises `CheckError`."""

from __future__ import annotations

import re

from subgrad.compile.codegen.lower import Role, is_compound, role
from subgrad.compile.kernels.verify_program import verify_program
from subgrad.compile.passes.empty import filled
from subgrad.compile.passes.shared_sums import shared
from subgrad.compile.passes.simplify import staged, value_number
from subgrad.compile.unit import Interface, Unit
from subgrad.errors import CheckError
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.graph.verify_graph import check_graph
from subgrad.ops.shape import cast
from subgrad.recur.loop import loop


def same_interface(before: Interface, after: Interface, name: str) -> None:
    """A pass changes no dtype and no number of elements of what goes in and comes out."""
    for kind in ("inputs", "outputs"):
        was, now = ([(n.dtype, n.size) for n in getattr(i, kind)] for i in (before, after))
        if was != now:
            raise CheckError(f"the pass {name!r} changes the {kind}, dtype and size: from {was[:4]} to {now[:4]}")


def sound(unit: Unit) -> None:
    check_graph(unit.outputs, unit.sound)


def no_compound_ops(unit: Unit) -> None:
    sound(unit)
    for node in toposort(unit.outputs):
        if is_compound(node.op):
            raise _broken(node, "is still a compound op")


def no_empty_work(unit: Unit) -> None:
    sound(unit)
    for node in toposort(unit.outputs):
        if filled(node) is not node or (node.op is loop and not node.attrs["body"].length):
            raise _broken(node, "computes nothing: it has no elements, or no steps")


def staged_sums(unit: Unit) -> None:
    sound(unit)
    for node in toposort(unit.outputs):
        if staged(node) is not node:
            raise _broken(node, "is a large sum over examples and over other axes at once")


def no_twins(unit: Unit) -> None:
    sound(unit)
    seen: dict[object, Tensor] = {}
    for node in toposort(unit.outputs):
        if node.op not in (CONST, INPUT) and seen.setdefault(value_number(node), node) is not node:
            raise _broken(node, "is computed twice")


def tidy_loops(unit: Unit) -> None:
    no_twins(unit)
    for node in toposort(unit.outputs):
        if node.op is loop:
            body = node.attrs["body"]
            after, carry = list(body.after), set(body.carry)
            if len(set(after)) < len(after) or not all(map(_computes, after)):
                raise _broken(node, "has a carry that is no computed node of its own")
            if any(y not in carry and not _computes(y) for y in body.ys):
                raise _broken(node, "gives what it does not compute")


def _computes(node: Tensor) -> bool:
    """Whether a node is the result of native code of its own."""
    return role(node.op) not in (None, Role.PART)


def variables_fit(unit: Unit) -> None:
    sound(unit)
    for k, i in unit.interface.variables.items():
        new, old = unit.outputs[k], unit.interface.inputs[i]
        if new.shape != old.shape:
            raise _broken(new, f"is the new value of a variable of the shape {old.shape}")


def old_values_kept(unit: Unit) -> None:
    sound(unit)
    for node in unit.outputs:
        if node in unit.interface.overwritten:
            raise _broken(node, "is wanted, and overwritten")


def kernels_fit(unit: Unit) -> None:
    stored = [n for kernel in unit.kernels for n in kernel.stores]
    if len(set(stored)) < len(stored):
        raise CheckError("two kernels store the same node")
    for node in unit.outputs:
        if node.op not in (CONST, INPUT) and node not in set(stored):
            raise _broken(node, "is an output that no kernel stores")
    for kernel in unit.kernels:
        for node in kernel.body:
            if node.shape != kernel.domain or not (role(node.op) is Role.ELEMENT or node.op is cast):
                raise _broken(node, f"is in the body of a kernel over {kernel.domain}")


def threads_known(unit: Unit) -> None:
    if not unit.n_threads or unit.n_threads < 1:
        raise CheckError(f"a program for {unit.n_threads} threads")


def aliases_fit(unit: Unit) -> None:
    assert unit.placed is not None
    for node in unit.placed.aliasing:
        view = unit.placed.aliasing.view(node)
        last = view.offset + sum((n - 1) * s for n, s in zip(node.shape, view.strides, strict=True))
        if view.source in unit.placed.aliasing or not 0 <= last < view.source.size:
            raise _broken(node, f"lies outside of the {view.source.op.name} that it is a part of")


def all_scheduled(unit: Unit) -> None:
    assert unit.placed is not None
    if [slot.kernel for slot in unit.placed.schedule.slots] != unit.kernels:
        raise CheckError("the schedule has other kernels than there are, or another order")


def memory_is_right(unit: Unit) -> None:
    assert unit.placed is not None
    verify_program(unit.placed)


def text_is_complete(unit: Unit) -> None:
    defined = set(re.findall(r"^(?:define|declare) .*?@([\w.]+)\(", unit.ir, re.MULTILINE))
    called = re.findall(r"\bcall [^@\n]*@(?!llvm\.)([\w.]+)\(", unit.ir)  # LLVM has its intrinsics itself
    missing = {"run", *called} - defined
    if missing:
        raise CheckError(f"the LLVM text has no {', '.join(sorted(missing)[:4])}")


def shared_sums(unit: Unit) -> None:
    sound(unit)
    assert unit.n_threads is not None
    for node in toposort(unit.outputs):
        if shared(node, unit.n_threads) is not node:
            raise _broken(node, "is a long sum over examples that threads could share")


def _broken(node: Tensor, what: str) -> CheckError:
    return CheckError(f"{node.site.after(node.op.name)}, {node.dtype}{node.shape}, {what}")
