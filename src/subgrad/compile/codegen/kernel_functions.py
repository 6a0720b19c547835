"""A function for each kernel, as LLVM text: what it is given are the addresses of what it reads and writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from subgrad.compile.blame import blame
from subgrad.compile.code_target import BYTES
from subgrad.compile.codegen.expressions import Points
from subgrad.compile.codegen.gemm.contraction import Given, emit_contraction, plan_contraction
from subgrad.compile.codegen.gemm.tile import Place, Touches
from subgrad.compile.codegen.llvm import Builder, Module
from subgrad.compile.codegen.llvm_values import Value, lanes_of, scalar_of
from subgrad.compile.codegen.loops import LoopKernel, finish
from subgrad.compile.codegen.lower import Role
from subgrad.compile.codegen.nest import Share
from subgrad.compile.codegen.product_nest import Nest
from subgrad.compile.kernels import views
from subgrad.compile.kernels.aliasing import Aliasing
from subgrad.compile.kernels.buffer_slice import BufferSlice
from subgrad.compile.kernels.dedupe import kernel_key
from subgrad.compile.kernels.kernel import Kernel
from subgrad.compile.kernels.partition import column_axis, shares, swapped
from subgrad.compile.kernels.schedule import Slot
from subgrad.graph.tensor import CONST, INPUT, Tensor

Locate = Callable[[Tensor], BufferSlice]


class Emitted(NamedTuple):
    """A kernel's function: its name, the nodes whose addresses it takes, rows of work for one index of the split (where
    that is a column: 1)."""

    name: str
    nodes: list[Tensor]
    rows: int
    scratch: int
    contraction: bool


class KernelFunctions:
    """Writes a function for each form of kernel into a module.

    Args:
        module: what gets the functions.
        threads: how many share a kernel.
        locate: where nodes lie in memory.
        stored: which nodes lie in memory.
        aliasing: which nodes lie inside of others.
    """

    def __init__(
        self, module: Module, threads: int, locate: Locate, stored: Callable[[Tensor], bool], aliasing: Aliasing
    ) -> None:  # fmt: skip
        self._module, self._cpu, self._threads = module, module.cpu, threads
        self._locate, self._stored, self._aliasing = locate, stored, aliasing
        self._by_key: dict[Hashable, tuple[Emitted, list[int]]] = {}

    def shared(self, name: str, slot: Slot) -> Emitted:
        """A kernel, by the function of an earlier one if that has the same form: so layers that repeat cost once."""
        found, numbers = kernel_key(slot, self._stored, self._aliasing, self._locate)
        if found in self._by_key:
            emitted, places = self._by_key[found]
            nodes = list(numbers)
            return emitted._replace(nodes=[nodes[i] for i in places])
        try:
            emitted = self._kernel(name, slot)
        except Exception as error:
            blame(error, slot.kernel.seed)
            raise
        self._by_key[found] = emitted, [numbers[n] for n in emitted.nodes]
        return emitted

    def _kernel(self, name: str, slot: Slot) -> Emitted:
        if slot.kernel.role is Role.CONTRACT:
            return self._contraction(name, slot)
        kernel = slot.kernel
        nodes = self._in_memory(kernel, kernel.nodes)
        parameters = {n: Value("ptr", f"%p{i}") for i, n in enumerate(nodes)}
        begin, end = Value("i64", "%begin"), Value("i64", "%end")
        whole = slot.axis is None
        share = Share(None, 0, 0) if whole else Share(slot.axis, begin, end)
        given, apart = [*parameters.values(), begin, end], self._apart(parameters)
        with self._module.function(name, given, noalias=apart) as b:
            LoopKernel(b, kernel, parameters.get, share, self._lanes(kernel), self._aliasing).emit()
        return Emitted(self._module.called(name), nodes, 1, 0, False)

    def _apart(self, parameters: dict[Tensor, Value]) -> list[Value]:
        """The parameters that no other one overlaps: all but a variable's old and new value."""
        places = [self._locate(n) for n in parameters]
        return [v for n, v in parameters.items() if places.count(self._locate(n)) == 1]

    def _lanes(self, kernel: Kernel) -> int:
        floats = [n.dtype.name for n in (*kernel.stores, kernel.seed, *kernel.seed.inputs) if n.dtype.kind == "f"]
        return self._cpu.lanes(floats[0] if floats else "float32")

    def _in_memory(self, kernel: Kernel, computed: Sequence[Tensor]) -> list[Tensor]:
        """The nodes in memory that a kernel writes, or reads for those that are ``computed``, each once."""
        seen, found = set(kernel.nodes), dict.fromkeys(kernel.stores)
        pending = [i for n in computed for i in views.read_by(n)]
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            if self._stored(node) or node.op in (CONST, INPUT):
                found[node] = None
            else:
                pending.extend(views.read_by(node))
        return list(found)

    def _contraction(self, name: str, slot: Slot) -> Emitted:
        kernel, node = slot.kernel, slot.kernel.seed
        inputs = reversed(node.inputs) if swapped(node) else node.inputs
        sources = [views.view(i, self._aliasing.strides) for i in inputs]
        nest = Nest(node, sources, self._aliasing.strides(node))
        by_columns = slot.axis is not None and slot.axis == column_axis(node)
        contraction = nest.contraction.of_columns(self._threads) if by_columns else nest.contraction
        whole = slot.axis is None or by_columns
        ranges = [contraction.rows] if whole else shares(contraction.rows, slot.extent, self._threads)
        plan = plan_contraction(contraction, self._cpu, ranges=ranges, exactly=True)
        blocks = plan.k_block < math.prod(x.size for x in contraction.k)
        partial = [node] if blocks else []  # sums that wait in memory for their next block
        extra = self._in_memory(kernel, kernel.body)
        nodes = list(dict.fromkeys([*(v.source for v in sources), *extra, *partial]))
        parameters = {n: Value("ptr", f"%p{i}") for i, n in enumerate(nodes)}
        touched = {n: parameters[n] for n in extra}
        touches = self._touches(kernel, nest, touched) if contraction.n[-1].size > plan.width else None
        room, begin, end = Value("ptr", "%scratch"), Value("i64", "%begin"), Value("i64", "%end")
        apart = [*self._apart(parameters), room]
        with self._module.function(name, [*parameters.values(), room, begin, end], noalias=apart) as b:
            left, right = (b.at(parameters[v.source], v.offset, _element(v.source)) for v in sources)
            c = parameters[node] if partial else Value("ptr", "null")
            emit_contraction(
                b, contraction, plan, Given(left, right, c, room, begin, end), by_columns=by_columns,
                epilogue=self._epilogue(kernel, nest, parameters), touches=touches,
            )  # fmt: skip
        rows = 1 if by_columns else contraction.rows // slot.extent  # of a kernel that is not split the extent is 1
        scratch = plan.scratch(contraction) * BYTES[node.dtype.name]
        return Emitted(self._module.called(name), nodes, rows, scratch, True)

    def _epilogue(self, kernel: Kernel, nest: Nest, parameters: dict[Tensor, Value]):
        made = set(kernel.nodes)

        def pointers(node: Tensor) -> Value | None:
            return None if node in made else parameters.get(node)

        def epilogue(b: Builder, sums: Value, place: Place) -> None:
            if not nest.columns or sums.type.startswith("<1 x"):  # a result with no axis along the lanes
                sums = b.emit(scalar_of(sums.type), f"extractelement {sums.type} {sums}, i64 0")
            lanes, known = lanes_of(sums.type), {kernel.seed: sums}
            points = Points(b, lanes, pointers, place.mask, known, strides=self._aliasing.strides)
            finish(kernel, points, nest.indices(b, place), parameters.get)

        return epilogue

    def _touches(self, kernel: Kernel, nest: Nest, parameters: dict[Tensor, Value]) -> Touches | None:
        """What the epilogue reads and writes of arrays like the result, if these are too large to be near already.

        Only tiles beside each other need it: rows that are as wide as a tile lie one behind the other.
        """
        lying = {self._locate(n): n for n in parameters if n.shape == kernel.domain}
        lying |= {self._locate(n): n for n in kernel.stores}
        if sum(n.size * n.dtype.itemsize for n in lying.values()) <= self._cpu.l2_bytes:
            return None
        nodes = {n: parameters[n] for n in lying.values()}
        return nest.touches(nodes, set(kernel.stores), self._aliasing.strides)


def _element(node: Tensor) -> str:
    return {"float32": "float", "float64": "double"}[node.dtype.name]
