"""Steps that move elements: shapes, slices, joins, gathers."""

from __future__ import annotations

from .block import Step
from .generate import Draw


def rearranged(d: Draw) -> Step | None:
    i = d.pick()
    v = d.values[i]
    order = list(range(v.ndim))
    d.rng.shuffle(order)
    options = [
        f"@0.transpose({order})",
        "@0.reshape(-1)" if v.size else "@0.reshape((0,))",
        "@0[None]",
        "@0[..., None]",
    ]
    options.append(f"@0.reshape({_factors(d, v.size)})")
    return Step(d.one(options), (i,))


def _factors(d: Draw, size: int) -> tuple[int, ...]:
    """A random shape of so many elements."""
    if size == 0:
        return d.one([(0,), (0, 3), (2, 0), (1, 0, 2)])
    shape: list[int] = []
    for _ in range(2):
        n = d.one([k for k in range(1, size + 1) if size % k == 0])
        shape.append(n)
        size //= n
    return (*shape, size)


def broadcast(d: Draw) -> Step | None:
    i = d.pick(lambda v: v.size < 100)
    if i is None:
        return None
    shape = tuple(d.one([2, 3, 5]) if n == 1 and d.chance(0.7) else n for n in d.values[i].shape)
    front = tuple(d.one([0, 1, 2, 3]) for _ in range(d.number(0, 2)))
    return Step(f"sg.broadcast_to(@0, {(*front, *shape)})", (i,))


def joined(d: Draw) -> Step | None:
    i = d.pick(lambda v: v.ndim > 0)
    if i is None:
        return None
    v = d.values[i]
    axis = d.number(0, v.ndim - 1)

    def fits(w) -> bool:
        return w.dtype == v.dtype and _without(w.shape, axis) == _without(v.shape, axis) and w.ndim == v.ndim

    parts = [i, *(d.pick(fits) for _ in range(d.number(0, 2)))]
    d.rng.shuffle(parts)
    if d.chance(0.2):
        same = [k if d.values[k].shape == v.shape else i for k in parts]
        return Step(f"sg.stack([{_list(len(same))}], {d.number(-v.ndim - 1, v.ndim)})", tuple(same))
    return Step(f"sg.concatenate([{_list(len(parts))}], {axis})", tuple(parts))


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def _list(n: int) -> str:
    return ", ".join(f"@{k}" for k in range(n))


def padded(d: Draw) -> Step | None:
    i = d.pick()
    widths = [(d.number(0, 2), d.number(0, 2)) for _ in d.values[i].shape]
    value = d.one([0, 0, 1]) if d.values[i].dtype.kind != "f" else d.one([0.0, 0.5, -2.0])
    return Step(f"sg.pad(@0, {widths}, {value})", (i,))


def sliced(d: Draw) -> Step | None:
    i = d.pick(lambda v: v.ndim > 0)
    return None if i is None else Step(f"@0[{_key(d, d.values[i].shape)}]", (i,))


def _key(d: Draw, shape: tuple[int, ...]) -> str:
    parts: list[str] = []
    for n in shape[: d.number(1, len(shape))]:
        step = d.one([1, 1, 2, -1, -2, 3])
        ends = sorted([d.number(0, n), d.number(0, n)], reverse=step < 0)
        whole = f"::{step}"
        parts.append(
            d.one(
                [
                    f"{ends[0]}:{ends[1]}:{step}",
                    whole,
                    ":",
                    f"{d.number(0, 1)}:",
                    str(d.number(-n, n - 1)) if n else ":",
                ]
            )
        )
    if d.chance(0.15):
        parts.insert(d.number(0, len(parts)), "None")
    if d.chance(0.15):
        parts.insert(0, "...")
    return ", ".join(parts)


def placed(d: Draw) -> Step | None:
    i = d.pick(lambda v: v.ndim > 0)
    if i is None:
        return None
    steps, shape = [], []
    for n in d.values[i].shape:
        first, step, behind = d.number(0, 2), d.number(1, 3), d.number(0, 2)
        end = first + max(n - 1, 0) * step + 1 if n else first
        steps.append((first, end, step))
        shape.append(end + behind)
    return Step(f"apply(place, (@0.node,), {{'steps': {tuple(steps)}, 'shape': {tuple(shape)}}})", (i,))


def gathered(d: Draw) -> Step | None:
    i = d.pick(lambda v: v.ndim > 0 and v.size > 0)
    if i is None:
        return None
    shape = d.values[i].shape
    axis = d.number(0, len(shape) - 1)
    n = shape[axis]
    j = d.pick(lambda v: v.dtype.kind in "iu" and v.size and -n <= v.numpy().min() <= v.numpy().max() < n)
    before = ":, " * axis
    if j is not None and d.chance(0.7):
        return Step(f"@0[{before}@1]", (i, j))
    rows = [d.number(-n, n - 1) for _ in range(d.number(0, 4))]
    if len(shape) > 1 and axis == 0 and d.chance(0.4):
        columns = [d.number(-shape[-1], shape[-1] - 1) for _ in rows]
        return Step(f"@0[{rows}, ..., {columns}]", (i,))
    return Step(f"@0[{before}{rows}]", (i,))


def scattered(d: Draw) -> Step | None:
    i = d.pick(lambda v: v.ndim > 0)
    if i is None:
        return None
    n, rest = d.values[i].shape[0], d.values[i].shape[1:]
    rows = [d.number(-3, 2) for _ in range(n)]
    attrs = f"{{'axes': (0,), 'shape': {(3, *rest)}}}"
    return Step(f"apply(scatter_add, (@0.node, sg.tensor(np.array({rows}, np.int64))), {attrs})", (i,))


def labels(d: Draw) -> Step | None:
    i = d.pick(lambda v: v.dtype.kind in "iu")
    if i is None:
        return Step("sg.clip(@0, 0, 3).astype('int64')", (d.pick(),))
    if d.chance(0.5):
        return Step(f"sg.one_hot(sg.clip(@0, 0, 3), {d.number(4, 6)})", (i,))
    n = d.values[i].shape
    j = d.pick(lambda v: v.ndim == len(n) + 1 and v.shape[:-1] == n and v.shape[-1] > 0)
    return None if j is None else Step(f"sg.ops.pick(@1, sg.clip(@0, 0, {d.values[j].shape[-1] - 1}))", (i, j))
