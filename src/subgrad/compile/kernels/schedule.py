"""Who computes what, and where threads must wait for each other.

Kernels are split along the first axis of their domain, which in a training step is the axis of examples through the
whole forward and backward pass, so that a thread mostly reads what it wrote itself. Products with large weights that
the step updates are split by columns, so that a thread reads the part of the weight that it has written. Where it reads
what others wrote, all threads meet at a barrier first. Sums are not split here: those that threads share are nodes of
their own (`subgrad.compile.passes.shared_sums`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from subgrad import ops
from subgrad.compile.codegen import lower
from subgrad.compile.codegen.lower import Role, is_movement, role
from subgrad.compile.kernels import views
from subgrad.compile.kernels.fuse import fuse
from subgrad.compile.kernels.kernel import Kernel, Repeat, flat
from subgrad.compile.kernels.partition import ROWS, column_axis, extent_of, keeps, split_of, swapped
from subgrad.compile.runtime.threads import get_threads
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.ops.contract import contract, multiplications
from subgrad.ops.indexing import gather, in_range, slice_
from subgrad.ops.shape import cast
from subgrad.ops.window import slide

WORK_PER_BARRIER = 3e5  # multiplications of a step below which it is done by one thread rather than with a barrier
WORK_PER_THREAD = 2e6  # multiplications a step below which another thread costs more than it brings
WORK_WITH_LOCK = 1e5  # multiplications of a call, some 10 us, below which it keeps the interpreter's lock
WORK_WITHOUT_UPDATE = 7e5  # where nothing is updated threads hardly meet: at 1.6e6 two are 1.4 times as fast

UPDATED_ELSEWHERE = 1e5  # bytes of a weight, by other threads, above which a product with it is split by columns

Place = Callable[[Tensor, int | None], tuple[Tensor, int | None]]
"""The node in whose memory another one lives, and which axis of that an axis is: an updated parameter lives where the
old one was, a row in the tensor of all rows."""

Updates = Mapping[Tensor, tuple[int | None, int]]
"""By variable, along which axis of it, and in how many pieces, threads write its new value."""


@dataclass(eq=False)
class Slot:
    """A kernel in its place: whether a barrier comes first, and how it is split: along an axis, by all the rows of a
    contraction (`ROWS`), or not (None: one thread).

    A loop has its kernels in their places: those before the first step, and those of each step.
    """

    kernel: Kernel
    barrier: bool
    axis: int | None
    start: list[Slot] = field(default_factory=list)
    inner: list[Slot] = field(default_factory=list)

    @property
    def extent(self) -> int:
        return extent_of(self.kernel, self.axis)

    def __str__(self) -> str:
        return "\n".join(self.lines(lambda kernel: ""))

    def lines(self, note: Callable[[Kernel], str]) -> list[str]:
        """The slot in words, with a note behind each kernel; the steps of a loop are set in."""
        found = ["-- barrier --"] if self.barrier else []
        if self.inner:
            steps = [f"    {line}" for slot in self.inner for line in slot.lines(note)]
            return [*found, f"{self.kernel}:", *steps]
        how = {None: "one thread", ROWS: "split by rows"}.get(self.axis, f"split by axis {self.axis}")
        return [*found, f"{self.kernel} ({how}){note(self.kernel)}"]

    def flat(self, times: int = 1) -> Iterator[tuple[Slot, int]]:
        """The slot, or those of a loop, and how often each has its turn."""
        if not self.inner:
            yield self, times
        for slot in self.start:
            yield from slot.flat(times)
        for slot in self.inner:
            yield from slot.flat(times * self.kernel.seed.attrs["body"].length)


@dataclass
class _Access:
    """How a kernel touches a piece of memory: along which axis of it threads are apart (None: they are not)."""

    memory: Tensor
    axis: int | None
    extent: int
    writes: bool


@dataclass
class Schedule:
    slots: list[Slot] = field(default_factory=list)

    @property
    def phases(self) -> list[int]:
        """The number of barriers before each kernel; those inside of a loop do not count."""
        found, count = [], 0
        for slot in self.slots:
            count += slot.barrier
            found.append(count)
        return found

    def flat(self) -> list[tuple[Slot, int]]:
        """The slots, those of loops in place of the loops, and how often each has its turn."""
        return [s for slot in self.slots for s in slot.flat()]

    def text(self) -> str:
        """The slots in order, with the modules that their nodes come from."""
        return "\n".join(line for slot in self.slots for line in slot.lines(_scopes))

    def __str__(self) -> str:
        return "\n".join(map(str, self.slots))


def _scopes(kernel: Kernel) -> str:
    """The modules that a kernel's nodes come from, as a comment."""
    scopes = dict.fromkeys(n.scope for n in kernel.nodes if n.scope)
    return f"  # {', '.join(scopes)}" if scopes else ""


def schedule(
    kernels: Sequence[Kernel], threads: int, stored: Callable[[Tensor], bool], root: Place, own_cache: int = 0
) -> Schedule:
    """Split the kernels and put barriers where one thread needs what another one has written (or still reads).

    Each thread finds the last ``own_cache`` bytes that it wrote in its own cache.
    """
    updates = _updates(kernels, threads, root, own_cache) if threads > 1 else {}
    return Schedule([slot for slot, _ in _in_order(kernels, threads, stored, root, updates)])


def _updates(kernels: Sequence[Kernel], threads: int, root: Place, own_cache: int) -> Updates:
    """The variables whose new value stays in the cache of the threads that write it."""
    found: dict[Tensor, tuple[int | None, int]] = {}
    for kernel in kernels:
        axis = None if isinstance(kernel, Repeat) else split_of(kernel, threads)
        near = sum(map(_bytes, kernel.stores)) <= own_cache * threads
        for node in kernel.stores if near and axis is not None and axis != ROWS else ():
            memory, along = root(node, axis)
            if memory.op is INPUT:
                found[memory] = along, extent_of(kernel, axis)
    return found


def _by_columns(kernel: Kernel, threads: int, updates: Updates, root: Place) -> int | None:
    """The axis of a contraction's columns, if that is how the threads should share it.

    Shared by rows, a product with a weight has each thread read all of it, most of which the others have just written.
    Shared by columns each reads what it has written itself, and of the rows and of the result what others wrote: the
    smaller part, which the gradient of the weight needs anyway.
    """
    seed = kernel.seed
    axis = column_axis(seed) if kernel.role is Role.CONTRACT and updates else None
    if axis is None or seed.shape[axis] % threads:
        return None
    rows, (weight, along) = [root(*i) for i in _read_at(seed, axis)][:: -1 if swapped(seed) else 1]
    if weight not in updates or updates[weight] != (along, seed.shape[axis]):
        return None
    worth = _bytes(weight) * (threads - 1) / threads >= UPDATED_ELSEWHERE
    return axis if worth and _bytes(weight) >= _bytes(rows[0]) + _bytes(seed) else None


def _bytes(node: Tensor) -> int:
    return node.size * node.dtype.itemsize


def _in_order(
    kernels: Sequence[Kernel], threads: int, stored: Callable[[Tensor], bool], root: Place, updates: Updates
) -> list[tuple[Slot, list[_Access]]]:
    """The slots, and what each touches."""
    found: list[tuple[Slot, list[_Access]]] = []
    since: dict[Tensor, list[_Access]] = defaultdict(list)
    for kernel in kernels:
        slot, touched = _slot(kernel, threads, stored, root, updates)
        slot.barrier = any(_conflict(a, b) for b in touched for a in since[b.memory])
        if slot.barrier:
            since.clear()
        for access in touched:
            since[access.memory].append(access)
        found.append((slot, touched))
    return found


def _slot(
    kernel: Kernel, threads: int, stored: Callable[[Tensor], bool], root: Place, updates: Updates
) -> tuple[Slot, list[_Access]]:
    if isinstance(kernel, Repeat):
        return _loop_slot(kernel, threads, stored, root)
    axis = split_of(kernel, threads) if threads > 1 else None
    columns = _by_columns(kernel, threads, updates, root) if axis is not None else None
    axis = axis if columns is None else columns
    return Slot(kernel, False, axis), list(_accesses(kernel, axis, stored, root)) if threads > 1 else []


def _loop_slot(
    kernel: Repeat, threads: int, stored: Callable[[Tensor], bool], root: Place
) -> tuple[Slot, list[_Access]]:
    """A loop, with barriers between its steps where they must be, or on one thread where those would cost more.

    Two steps are looked at, since a step meets what the step before has done.
    """
    first, n = len(kernel.start), len(kernel.inner)
    placed = _in_order([*kernel.start, *kernel.inner, *kernel.inner], threads, stored, root, {})
    slots = [slot for slot, _ in placed[: first + n]]
    for slot, (again, _) in zip(slots[first:], placed[first + n :], strict=True):
        slot.barrier |= again.barrier
    barriers = sum(s.barrier for slot in slots for s, _ in slot.flat())
    if barriers and threads > 1 and sum(map(work, kernel.inner)) < barriers * WORK_PER_BARRIER:
        return _loop_slot(kernel, 1, stored, root)[0], _by_one_thread(kernel, stored, root)
    return Slot(kernel, False, None, slots[:first], slots[first:]), [a for _, touched in placed for a in touched]


def _by_one_thread(kernel: Repeat, stored: Callable[[Tensor], bool], root: Place) -> list[_Access]:
    return [a for k in flat([kernel]) for a in _accesses(k, None, stored, root)]


def worthwhile(outputs: Sequence[Tensor], updates: bool) -> int:
    """How many threads the work of a step can keep busy; ``updates``: whether the step changes variables."""
    share, most = WORK_PER_THREAD if updates else WORK_WITHOUT_UPDATE, get_threads()
    found: float = sum(multiplications(n.attrs["spec"], *n.inputs) for n in toposort(outputs) if n.op is contract)
    if most > 1 and found < most * share:  # else the products alone keep all of them busy
        found = sum(map(work, fuse(outputs)))
    return max(1, min(most, int(found / share)))


def brief(kernels: Sequence[Kernel]) -> bool:
    """Whether a step is so short that the thread that calls it keeps the interpreter's lock: a loop of such calls would
    let nobody else in, see `subgrad.compile.runtime.turns`."""
    return sum(map(work, kernels)) < WORK_WITH_LOCK


def work(kernel: Kernel) -> float:
    """About how many multiplications a kernel costs."""
    if isinstance(kernel, Repeat):
        return kernel.loop.length * sum(map(work, kernel.inner))
    size = max([i.size for i in kernel.seed.inputs] + [kernel.seed.size])
    cost = sum(max(1, lower.cost(n.op)) for n in kernel.nodes) * size
    return cost + products(kernel)


def products(kernel: Kernel) -> int:
    """How many multiplications the contraction of a kernel takes; 0 if it has none."""
    return multiplications(kernel.seed.attrs["spec"], *kernel.seed.inputs) if kernel.role is Role.CONTRACT else 0


def _conflict(a: _Access, b: _Access) -> bool:
    if a.memory is not b.memory or not (a.writes or b.writes):
        return False
    if a.extent == b.extent == 1:
        return False  # the same one thread
    return a.axis is None or a.axis != b.axis or a.extent != b.extent


def _accesses(kernel: Kernel, axis: int | None, stored: Callable[[Tensor], bool], root: Place) -> Iterator[_Access]:
    extent, axis = extent_of(kernel, axis), None if axis == ROWS else axis
    made = set(kernel.nodes)
    for node in kernel.stores:
        yield _Access(*root(node, axis), extent, True)
    for node, where in _reads(kernel, axis, made, stored):
        yield _Access(*root(node, where), extent, False)


def _reads(kernel: Kernel, axis: int | None, made: set[Tensor], stored: Callable[[Tensor], bool]):
    """Each node in memory that a kernel reads, with the axis of it that follows the split one."""
    seen: set[tuple[Tensor, int | None]] = set()
    pending = [(node, axis) for node in made]
    while pending:
        node, at = pending.pop()
        if (node, at) in seen:
            continue
        seen.add((node, at))
        if node not in made and (stored(node) or node.op in (CONST, INPUT)):
            yield node, at
            continue
        pending.extend(_read_at(node, at))


def _read_at(node: Tensor, at: int | None) -> list[tuple[Tensor, int | None]]:
    """What a node is computed from, with the axis of it whose index is the node's along ``at``."""
    if views.reads_memory(node):
        return [through_views(node, at)]
    inputs = zip(node.inputs, _axes_of_inputs(node, at), strict=True)
    return [through_views(i, axis) for i, axis in inputs] if role(node.op) is Role.CONTRACT else list(inputs)


def through_views(
    node: Tensor, at: int | None, stored: Callable[[Tensor], bool] = lambda node: False
) -> tuple[Tensor, int | None]:
    """The memory that a node is a view of, or lies in if it is ``stored``, and the axis there of its ``at``."""
    memory = node if stored(node) else views.source(node)
    while node is not memory:
        (at,), (node,) = _axes_of_inputs(node, at), node.inputs
    return node, at


def _axes_of_inputs(node: Tensor, at: int | None) -> list[int | None]:
    """For each input, the axis whose index is the node's index along ``at``; None if there is none."""
    nowhere: list[int | None] = [None] * len(node.inputs)
    op, attrs = node.op, node.attrs
    if at is None or not node.inputs:
        return nowhere
    if role(op) is Role.ELEMENT or op in (cast, in_range):
        return [at] * len(node.inputs)
    if role(op) is Role.CONTRACT:
        left, right = attrs["spec"].split("->")[0].split(",")
        letter = attrs["spec"].split("->")[1][at]
        return [term.index(letter) if letter in term else None for term in (left, right)]
    if role(op) is Role.REDUCE or op in (ops.argmax, ops.argmin):
        return [_kept_axis(node, at)]
    if is_movement(op):
        return [at if keeps(node, at) else None] * len(node.inputs)
    if op is ops.transpose:
        return [attrs["axes"][at]]
    if op is ops.broadcast_to:
        inner = at - (node.ndim - node.inputs[0].ndim)
        return [inner if inner >= 0 and node.inputs[0].shape[inner] == node.shape[at] else None]
    if op is slice_:
        return [at if attrs["steps"][at] == (0, node.inputs[0].shape[at], 1) else None]
    if op is slide:
        return [_axis_before_slide(attrs["axes"], at)]
    if op is ops.reshape:
        return [_same_axis(node.shape, node.inputs[0].shape, at)]
    if op is ops.one_hot:
        return [at if at < node.inputs[0].ndim else None]
    if op is gather:
        return _gather_axes(node, at)
    return nowhere


def _axis_before_slide(axes: Sequence[int], at: int) -> int | None:
    """The axis that is ``at`` after each of ``axes`` became two; None for one of the two."""
    for i, axis in enumerate(axes):
        if at <= axis + i + 1:
            return None if at >= axis + i else at - i
    return at - len(axes)


def _kept_axis(node: Tensor, at: int) -> int | None:
    axes = node.attrs["axis"]
    axes = (axes,) if isinstance(axes, int) else axes
    if node.attrs.get("keepdims"):
        return at if at not in axes else None
    return [a for a in range(node.inputs[0].ndim) if a not in axes][at]


def _same_axis(shape: tuple[int, ...], inner: tuple[int, ...], at: int) -> int | None:
    """The axis of ``inner`` with as many elements before and behind it as ``at`` has, and its length."""
    before = 1
    for n in shape[:at]:
        before *= n
    seen = 1
    for i, n in enumerate(inner):
        if seen == before and n == shape[at]:
            return i
        seen *= n
    return None


def _gather_axes(node: Tensor, at: int) -> list[int | None]:
    axes, many = node.attrs["axes"], node.inputs[1].ndim
    first = axes[0] if list(axes) == list(range(axes[0], axes[0] + len(axes))) else 0
    if first <= at < first + many:
        return [None, *[at - first] * len(axes)]
    return [None] * len(node.inputs)


__all__ = ["Schedule", "Slot", "schedule", "through_views", "work", "worthwhile"]
