"""Which nodes are computed together: a graph becomes a list of kernels.

A kernel has a seed (a contraction, a reduction, a copy, or just the first of some elementwise nodes) and a body:
elementwise nodes of the seed's shape that need only the seed, each other, and what earlier kernels have stored. The
body is computed while the seed's result is in registers. Nodes that nobody needs in memory are not stored: they are
computed where they are read. Of those that later kernels need some are stored, and others computed again from them,
whichever costs less.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict, deque
from collections.abc import Collection, Sequence

from subgrad.compile.blame import blame
from subgrad.compile.codegen import lower
from subgrad.compile.codegen.lower import LOWER, Role, role
from subgrad.compile.kernels import views
from subgrad.compile.kernels.kernel import ALONE, Kernel, Repeat, read_as_memory
from subgrad.compile.kernels.saved import cheapest
from subgrad.compile.passes.layout import is_copy
from subgrad.compile.unknown_op import UnknownOp
from subgrad.graph.op import apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.ops.contract import multiplications
from subgrad.ops.shape import cast, reshape

SMALL = 64  # elements of a node that is computed as soon as it can be, so that later kernels can take up its users
CHEAP = 6  # what a node may cost to be computed again wherever it is read, in multiplications
LARGEST = 64
"""Nodes that are computed together at most; then a value is stored. A chain of them is as long as what a processor has
in flight (256 instructions on Zen 3): a longer one can no longer overlap with that of the next elements, and took up to
four times as long. Kernels of networks have 25 at most."""


def _without_unit_axes(node: Tensor) -> Tensor:
    """What a reshape adds axes of length 1 to: the same in memory, and the kernel that computes it can write it."""
    while node.op is reshape and views.only_unit_axes(node) and node.inputs[0].op not in (CONST, INPUT):
        node = node.inputs[0]
    return node


def unsupported(outputs: Sequence[Tensor]) -> str | None:
    """The name of an op in the graph that no kernel can compute, or None."""
    order = toposort(outputs)
    inner = (unsupported(n.attrs["body"].outputs) for n in order if role(n.op) is Role.LOOP)
    strange = (n.op.name for n in order if n.op not in LOWER and n.op not in (CONST, INPUT))
    return next(strange, None) or next(filter(None, inner), None)


def fuse(outputs: Sequence[Tensor]) -> list[Kernel]:
    """The kernels that compute ``outputs``, in an order in which each finds what it reads."""
    return _Fuser(outputs).run()


class _Fuser:
    def __init__(self, outputs: Sequence[Tensor]) -> None:
        bad = unsupported(outputs)
        if bad is not None:
            raise UnknownOp(bad)
        self.outputs = set(outputs)
        order = toposort(outputs)
        self.users: dict[Tensor, list[Tensor]] = defaultdict(list)
        for node in order:
            for i in dict.fromkeys(node.inputs):
                self.users[i].append(node)
        self.order = _critical_first(order, self.users)
        self.position = {n: i for i, n in enumerate(self.order)}
        self.cost: dict[Tensor, float] = {}  # of an element that is computed on the spot, in multiplications
        self.length: dict[Tensor, int] = {}  # how many nodes are computed on the spot for one that is read
        self.firm = self._must_be_stored()
        self.stored = self._too_dear() | self.firm
        self.placed: dict[Tensor, int] = {}  # the kernel that computes a stored node

    def run(self) -> list[Kernel]:
        kernels: list[Kernel] = []
        for node in self.order:
            if node in self.placed or node not in self.stored or node.op in (CONST, INPUT):
                continue
            try:
                kernel = self._loop(node) if role(node.op) is Role.LOOP else self._grow(Kernel(node))
            except Exception as error:
                blame(error, node)
                raise
            for n in (*kernel.nodes, *kernel.stores):
                self.placed[n] = len(kernels)
            kernel.body = _needed(kernel)
            kernels.append(kernel)
        return kernels

    def _loop(self, node: Tensor) -> Repeat:
        """The kernel of a loop: the kernels of one step, and copies that put the first carry in its place."""
        body = node.attrs["body"]
        first = body.parted(node.inputs)[1]
        copies = [apply(cast, (x,), {"dtype": x.dtype}) for x in first]
        inner = fuse([o for o in dict.fromkeys(body.outputs) if o.op not in (CONST, INPUT)])
        return Repeat(node, [], list(self.users[node]), [Kernel(c, [], [c]) for c in copies], inner)

    # What is stored

    def _must_be_stored(self) -> set[Tensor]:
        """Outputs, results of heavy ops, and what heavy ops read as memory."""
        stored = set(self.outputs)
        for node in self.order:
            if node.op in (CONST, INPUT):
                continue
            if role(node.op) in ALONE or is_copy(node):
                stored.add(node)
            if role(node.op) is Role.LOOP:
                stored.update(self.users[node])
                stored.update(read_as_memory(node))
            if role(node.op) is Role.CONTRACT or views.reads_memory(node):
                stored.update(views.read_by(node))
            if node.op.name == "gather":
                stored.add(views.source(node.inputs[0]))
        return {n for n in stored if n.op not in (CONST, INPUT)}

    def _too_dear(self) -> set[Tensor]:
        """What costs too much to compute it twice, unless the kernel that computes it finds a cheaper way."""
        found: set[Tensor] = set()
        for node in self.order:
            again = sum(self.cost[i] for i in node.inputs if i not in found and i not in self.firm)
            self.cost[node] = lower.cost(node.op) + again
            length = 1 + sum(self.length[i] for i in node.inputs)
            if node.op not in (CONST, INPUT):
                if length > LARGEST:
                    self.firm.add(node)
                if self.cost[node] * self._reads(node) > self._limit(node):
                    found.add(_without_unit_axes(node))
            near = node in found or node in self.firm or node.op in (CONST, INPUT)
            self.length[node] = 0 if near else length
        return found

    def _reads(self, node: Tensor, inside: Collection[Tensor] = ()) -> float:
        """How often each element of ``node`` would be computed for others than those inside if it were not stored."""
        return sum(max(1.0, _points(u) / max(1, node.size)) for u in self.users[node] if u not in inside)

    def _limit(self, node: Tensor) -> float:
        users = self.users[node]
        alone = len(users) == 1 and _points(users[0]) <= node.size
        return math.inf if alone else CHEAP

    def _stores(self, kernel: Kernel) -> list[Tensor]:
        """The nodes that lie in memory afterwards: from them others have what they need, or compute it again."""
        inside = set(kernel.nodes)
        wanted = [n for n in kernel.nodes if n in self.outputs or any(u not in inside for u in self.users[n])]
        kept = {n for n in wanted if n in self.firm or (n is kernel.seed and n in self.stored)}
        if len(kept) == len(wanted):
            return wanted
        times = self._times(kernel.nodes, inside, [n for n in wanted if n not in kept])

        def again(node: Tensor) -> float:
            if role(node.op) in ALONE:
                return math.inf
            outside = (i for i in node.inputs if i not in inside and i not in self.stored)
            return times[node] * (lower.cost(node.op) + sum(self.cost[i] for i in outside))

        found = kept | cheapest(kernel.nodes, wanted, kept, again)
        return [n for n in kernel.nodes if n in found]

    def _times(self, nodes: Sequence[Tensor], inside: set[Tensor], wanted: Sequence[Tensor]) -> dict[Tensor, float]:
        """How often an element of each of a kernel's nodes is needed outside, at most by one of the wanted ones."""
        times: dict[Tensor, float] = dict.fromkeys(nodes, 1.0)
        for node in wanted:
            times[node] = max(1.0, self._reads(node, inside))
        for node in reversed(nodes):
            for i in inside.intersection(node.inputs):
                times[i] = max(times[i], times[node])
        return times

    # Growing a kernel

    def _grow(self, kernel: Kernel) -> Kernel:
        if kernel.role is Role.ALONE:
            kernel.stores = self._stores(kernel)
            return kernel
        inside, size = {kernel.seed}, 1
        pending = deque(self.users[kernel.seed])
        while pending and size < LARGEST:
            node = pending.popleft()
            if node in inside or not self._joins(node, kernel, inside):
                continue
            inside.add(node)
            size += 1 + sum(self.length[i] for i in node.inputs if i not in inside)
            pending.extend(self.users[node])
        kernel.body = sorted(inside - {kernel.seed}, key=self.position.__getitem__)
        kernel.stores = self._stores(kernel)
        return kernel

    def _joins(self, node: Tensor, kernel: Kernel, inside: set[Tensor]) -> bool:
        elementwise = role(node.op) is Role.ELEMENT or node.op is cast
        if not elementwise or node.shape != kernel.domain or node in self.placed:
            return False
        return all(i in inside or self._available(i, inside) for i in node.inputs)

    def _available(self, node: Tensor, inside: set[Tensor]) -> bool:
        """Whether a node can be read now: in memory already, or computed on the spot from what is."""
        pending = [node]
        while pending:
            n = pending.pop()
            if n in inside:
                return False  # it would be read at another place than the one being computed
            if n.op in (CONST, INPUT) or n in self.placed:
                continue
            if n in self.stored:
                return False
            pending.extend(n.inputs)
        return True


def _needed(kernel: Kernel) -> list[Tensor]:
    """The nodes of a body that the stored ones are made of; others are computed again where they are read."""
    wanted, found = set(kernel.stores), []
    for node in reversed(kernel.body):
        if node in wanted:
            wanted.update(node.inputs)
            found.append(node)
    return found[::-1]


def _points(node: Tensor) -> int:
    """How many elements of its inputs a node looks at."""
    if role(node.op) is Role.CONTRACT:
        return multiplications(node.attrs["spec"], *node.inputs)
    if role(node.op) in (Role.REDUCE, Role.ALONE):
        return max(i.size for i in node.inputs)
    return node.size


def _critical_first(order: list[Tensor], users: dict[Tensor, list[Tensor]]) -> list[Tensor]:
    """A topological order that takes first what most heavy work still waits for.

    So the updates of parameters come last: after everybody who reads the old values, all behind one barrier.
    """
    level: dict[Tensor, float] = {}
    for node in reversed(order):
        heavy = role(node.op) in (Role.CONTRACT, Role.REDUCE, Role.LOOP)
        level[node] = heavy + max((level[u] for u in users[node]), default=0)
    after: set[Tensor] = set()  # what waits for heavy work; the small rest, such as step sizes, comes first of all
    for node in order:
        if role(node.op) in (Role.CONTRACT, Role.REDUCE, Role.LOOP) or any(i in after for i in node.inputs):
            after.add(node)
        elif node.size <= SMALL:
            level[node] = math.inf
    missing = {n: len(set(n.inputs)) for n in order}
    position = {n: i for i, n in enumerate(order)}
    heap = [(-level[n], position[n], n) for n in order if not missing[n]]
    heapq.heapify(heap)
    found: list[Tensor] = []
    while heap:
        _, _, node = heapq.heappop(heap)
        found.append(node)
        for u in users[node]:
            missing[u] -= 1
            if not missing[u]:
                heapq.heappush(heap, (-level[u], position[u], u))
    return found


__all__ = ["fuse", "unsupported"]
