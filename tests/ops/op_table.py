"""The page of all ops and of how each transform treats them; ``python tests/ops/op_table.py`` writes it."""

from __future__ import annotations

import importlib
from pathlib import Path

from subgrad.graph.op import TABLE, Kind, Op
from subgrad.graph.transform import TRANSFORMS as _LOADED
from subgrad.graph.transform import Transform

RULES = (
    "approx.fourier.harmonic", "bounds.backward.rules", "bounds.proofs.proof", "bounds.taylor.rules",
    "compile.codegen.lower", "export.integer.integer_rules", "intervals.interval_rules", "onnx.writing.all_rules",
    "recur.batch", "robust.rules",
)  # fmt: skip
for _module in RULES:
    importlib.import_module(f"subgrad.{_module}")

TRANSFORMS = dict(sorted(_LOADED.items()))
PAGE = Path(__file__).parents[2] / "docs" / "ops.md"

HEAD = """# Ops and transforms

Every primitive, and how each transform of a graph treats it:

- **rule**: the transform has a rule for this op;
- **kind**: one for all ops of its kind;
- **expand**: the op is treated as what it is made of, as an op of yours with an `expand` is;
- **-**: not at all; the reason stands below.

*Linear* says in which inputs the op is linear, up to a constant: in all together, in each while the others are held, or
in those numbered. *Kink* says whether the op has points without a derivative. This page is written by
`python tests/ops/op_table.py`, and a test compares it with the table of ops.
"""


def page() -> str:
    names = list(TRANSFORMS)
    lines = [HEAD, "## Transforms\n", "| name | what is made of an op |", "|---|---|"]
    lines += [f"| {t.name} | {t.title} |" for t in TRANSFORMS.values()]
    for kind in Kind:
        lines += ["", f"## {kind.name.capitalize()}: {kind.value}\n"]
        lines += [f"| op | linear | kink | {' | '.join(names)} |", "|---|---|---|" + "---|" * len(names)]
        lines += [_row(op) for op in sorted(ours(), key=lambda op: op.name) if op.kind is kind]
    lines += ["", "## Reasons\n", *(f"- `{name}`: {'; '.join(why)}" for name, why in sorted(reasons().items())), ""]
    return "\n".join(lines)


def ours() -> list[Op]:
    return [op for op in TABLE.values() if op.ref.__module__.startswith("subgrad.")]


def _row(op: Op) -> str:
    linear = op.linear if isinstance(op.linear, str) else ", ".join(map(str, op.linear))
    ways = " | ".join(_way(t, op) for t in TRANSFORMS.values())
    return f"| `{op.name}` | {linear or '-'} | {'yes' if op.kink else '-'} | {ways} |"


def _way(transform: Transform, op: Op) -> str:
    way = transform.way(op)
    return "-" if way == "none" else way


def reasons() -> dict[str, list[str]]:
    """Why an op has no rule, for each transform that has none."""
    found: dict[str, list[str]] = {}
    for transform in TRANSFORMS.values():
        for op, why in transform.unsupported.items():
            found.setdefault(op.name, []).append(f"{transform.name}: {why}")
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
