"""The kernels of a program as a picture: what is computed together, and what goes through memory."""

from __future__ import annotations

from collections.abc import Sequence

from subgrad.compile.kernels.kernel import Kernel
from subgrad.compile.kernels.schedule import Schedule
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor


def to_dot(plan: Schedule) -> str:
    """The schedule in Graphviz's DOT language: a box for each kernel, a cluster for each phase between barriers."""
    lines = [
        "digraph program {",
        '  node [shape=box, style="rounded,filled", fillcolor="#eef3fa", fontname="sans-serif"]',
        '  edge [fontname="sans-serif", fontsize=10]',
    ]
    for phase in sorted(set(plan.phases)):
        lines += [f"  subgraph cluster_{phase} {{", f'    label="phase {phase + 1}"; color="#b8c4d6"']
        for i, slot in enumerate(plan.slots):
            if plan.phases[i] == phase:
                lines.append(f'    k{i} [label="{_label(slot.kernel)}"]')
        lines.append("  }")
    writer = {node: i for i, slot in enumerate(plan.slots) for node in slot.kernel.stores}
    for i, slot in enumerate(plan.slots):
        for node in _read(slot.kernel, writer):
            lines.append(f'  k{writer[node]} -> k{i} [label="{list(node.shape)}"]')
    return "\n".join([*lines, "}"])


def _label(kernel: Kernel) -> str:
    scope = next((n.scope for n in kernel.nodes if n.scope), "")
    ops = ", ".join(n.op.name for n in kernel.nodes)
    return (f"{scope}\\n" if scope else "") + f"{ops}\\n{list(kernel.domain)}"


def _read(kernel: Kernel, writer: dict[Tensor, int]) -> Sequence[Tensor]:
    """What the kernel reads of what other kernels have stored."""
    made = set(kernel.nodes)
    order = toposort(made, is_leaf=lambda n: n in writer and n not in made)
    return [n for n in order if n in writer and n not in made]


__all__ = ["to_dot"]
