"""Graphs inside of graphs: loops and branches."""

from __future__ import annotations

from typing import Any

from subgrad import ops
from subgrad.graph.tensor import Tensor, constant
from subgrad.onnx.reading.operator_table import Call, operator
from subgrad.recur import scan


@operator("Scan")
def scan_(call: Call, *inputs: Tensor) -> list[Tensor]:
    """As a loop of this package, whatever the number of steps."""
    if call.version < 9:
        raise call.refuse("Scan has another form before version 9")
    body, rows_in = call.get("body"), call.get("num_scan_inputs")
    states, rows = inputs[: len(inputs) - rows_in], inputs[len(inputs) - rows_in :]
    results = len(body.outputs) - len(states)
    ways_in = call.get("scan_input_directions") or [0] * rows_in
    ways_out = call.get("scan_output_directions") or [0] * results
    axes_in = call.get("scan_input_axes") or [0] * rows_in
    axes_out = call.get("scan_output_axes") or [0] * results
    backwards = bool(ways_in) and all(ways_in) and all(ways_out)
    xs = [ops.moveaxis(x, a, 0) if a else x for x, a in zip(rows, axes_in, strict=True)]
    if not backwards:
        xs = [ops.flip(x, 0) if way else x for x, way in zip(xs, ways_in, strict=True)]

    def step(state: list[Tensor], row: list[Tensor]) -> tuple[Any, Any]:
        made = call.inside(body, *state, *row)
        return made[: len(states)], made[len(states) :]

    last, ys = scan(step, list(states), xs, reverse=backwards)
    if not backwards:
        ys = [ops.flip(y, 0) if way else y for y, way in zip(ys, ways_out, strict=True)]
    return [*last, *(ops.moveaxis(y, 0, a) if a else y for y, a in zip(ys, axes_out, strict=True))]


@operator("If", spare=["then_branch", "else_branch"])
def choose(call: Call, condition: Tensor) -> list[Tensor]:
    """The branch that is taken, which must be known before the file runs."""
    return call.inside(call.get("then_branch" if call.values(condition).all() else "else_branch"))


LONGEST = 10_000  # steps that are written out


@operator("Loop")
def repeat(call: Call, count: Tensor | None, go: Tensor | None, *state: Tensor) -> list[Tensor]:
    """Step after step, as long as the condition, which must be known before the file runs, is True."""
    most = LONGEST + 1 if count is None else int(call.values(count).item())
    carried, rows, i = list(state), [], 0
    going = go is None or bool(call.values(go).item())
    while going and i < most:
        if i >= LONGEST:
            raise call.refuse(f"it takes more than {LONGEST:,} steps")
        made = call.inside(call.get("body"), constant(_number(i)), constant(_number(True)), *carried)
        going, carried = bool(call.values(made[0]).item()), made[1 : 1 + len(state)]
        rows.append(made[1 + len(state) :])
        i += 1
    if not rows and call.outputs > len(state):
        raise call.refuse("a loop without steps gives results whose shape is not known")
    return [*carried, *(ops.stack(column) for column in zip(*rows, strict=True))]


def _number(value: int | bool) -> Any:
    import numpy as np

    return np.asarray(value, bool if isinstance(value, bool) else np.int64)


__all__: list[str] = []
