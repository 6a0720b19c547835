"""A small builder of LLVM text: typed values, fresh names, vectors, and loops as ``with`` blocks.

>>> from subgrad.compile.code_target import Target
>>> module = Module(Target("generic", "", "", vector_bits=128, registers=16, fma=False))
>>> x, n = Value("ptr", "%x"), Value("i64", "%n")
>>> with module.function("double", [x, n], exported=True) as b:
...     with b.loop(0, n) as turn:
...         here = b.at(x, turn.index, "float")
...         b.store(b.fmul(b.load("float", here), 2), here)
>>> print(module)  # doctest: +ELLIPSIS
define void @double(ptr %x, i64 %n) nounwind "no-builtins" {
...

Integers that are known while the text is made stay Python integers and are folded, so index arithmetic with known
strides costs no instruction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from subgrad.compile.code_target import Target
from subgrad.compile.codegen.index_arithmetic import Around, Instructions, Number, as_value
from subgrad.compile.codegen.llvm_values import (
    BYTES,
    Index,
    Sum,
    Value,
    constant,
    is_first_lane,
    like,
    mangled,
    parted,
    scalar_of,
    vector,
    zero,
)
from subgrad.compile.codegen.turn import Turn


class Module:
    """Functions, and the declarations they need. ``str(module)`` is the LLVM text.

    Of functions with the same code one is written. Layers of other sizes may have it, where those are arguments.
    """

    def __init__(self, cpu: Target) -> None:
        self.cpu = cpu
        self._functions: list[str] = []
        self._taken, self._lines = 0, 0  # functions that were taken, and lines of the others
        self._declarations: dict[str, str] = {}
        self._names: dict[str, str] = {}  # of functions, by their code
        self._same: dict[str, str] = {}  # for functions that are not written the one with their code
        self.noted: dict[Any, int] = {}  # what the code notes in flags, by number

    @contextmanager
    def function(
        self, name: str, parameters: Sequence[Value], *, noalias: Sequence[Value] = (), exported: bool = False
    ) -> Iterator[Builder]:  # fmt: skip
        """The body of a function that returns nothing, to be filled through the builder.

        One that is not exported stays a function of its own: its code is made apart from that of its callers.
        """
        builder = Builder(self)
        yield builder
        heads = ", ".join(f"{p.type}{' noalias' if p in noalias else ''} {p}" for p in parameters)
        linkage = "" if exported else "internal "
        # no-builtins: a copying loop must not become a call of memcpy, which the loader would have to find.
        place = "" if exported else "noinline "
        head = f'({heads}) {place}nounwind "no-builtins" {{'
        code = "\n".join([head, "entry:", *builder.rooms, *builder.text(), "  ret void", "}"])
        if exported or self._names.setdefault(code, name) == name:
            self.add(f"define {linkage}void @{name}{code}")
        else:
            self._same[name] = self._names[code]

    def add(self, function: str) -> None:
        """A function that is text already."""
        self._functions.append(function)
        self._lines += function.count("\n")

    def called(self, name: str) -> str:
        """Under which name a function is written."""
        return self._same.get(name, name)

    def take(self, lines: int) -> str:
        """The text of the functions that were not taken before, if it has so many lines; else nothing."""
        if self._lines < lines:
            return ""
        new = self._functions[self._taken :]
        self._taken, self._lines = len(self._functions), 0
        return self.text(new)

    def declare(self, name: str, signature: str) -> None:
        """Make an external function or intrinsic known; saying it twice is harmless."""
        self._declarations[name] = signature

    def text(self, functions: Sequence[str]) -> str:
        """Of a module that has these functions of this one."""
        return "\n".join([*self._declarations.values(), *functions]) + "\n"

    def __str__(self) -> str:
        return self.text(self._functions)


class Builder(Instructions):
    """Appends instructions to one function."""

    def __init__(self, module: Module) -> None:
        super().__init__()
        self.module = module
        self.rooms: list[str] = []
        self._block = "entry"

    def call(self, kind: str, name: str, *arguments: Value) -> Value:
        """Call an external function or intrinsic, declaring it."""
        self.module.declare(name, f"declare {kind} @{name}({', '.join(a.type for a in arguments)})")
        return self.emit(kind, f"call {kind} @{name}({_typed(arguments)})")

    def run(self, name: str, arguments: Sequence[Value]) -> None:
        """Call a function of the module, which returns nothing."""
        self.lines.append(f"  call void @{self.module.called(name)}({_typed(arguments)})")

    def intrinsic(self, name: str, *arguments: Value) -> Value:
        """Call an intrinsic that is overloaded on the type of its first argument, and returns that type."""
        kind = arguments[0].type
        full = f"{name}.{mangled(kind)}"
        self.module.declare(full, f"declare {kind} @{full}({', '.join([a.type for a in arguments])})")
        return self.pure(kind, f"call {kind} @{full}({_typed(arguments)})")

    def min(self, x: Index, y: Index) -> Index:
        """The lesser of two signed indices."""
        if isinstance(x, int) and isinstance(y, int):
            return min(x, y)
        return self.intrinsic("llvm.smin", *self.same_type(x, y))

    def max(self, x: Index, y: Index) -> Index:
        """The greater of two signed indices."""
        if isinstance(x, int) and isinstance(y, int):
            return max(x, y)
        return self.intrinsic("llvm.smax", *self.same_type(x, y))

    # Floating point, scalars and vectors

    def fadd(self, x: Number, y: Number) -> Value:
        """x + y."""
        return self.op("fadd", x, y)

    def fsub(self, x: Number, y: Number) -> Value:
        """x - y."""
        return self.op("fsub", x, y)

    def fmul(self, x: Number, y: Number) -> Value:
        """x * y."""
        return self.op("fmul", x, y)

    def fma(self, x: Value, y: Value, z: Value) -> Value:
        """x * y + z, rounded once where the processor can, else twice."""
        if self.module.cpu.fma:
            return self.intrinsic("llvm.fma", x, y, z)
        return self.fadd(self.fmul(x, y), z)

    # Comparing and choosing

    def compare(self, predicate: str, x: Number, y: Number) -> Value:
        """``icmp`` or ``fcmp``, by the operands' type: predicates as in LLVM ("slt", "ogt", "une", ...)."""
        x, y = self.same_type(x, y)
        opcode = "fcmp" if scalar_of(x.type) in ("float", "double") else "icmp"
        return self.pure(like(x.type, "i1"), f"{opcode} {predicate} {x.type} {x}, {y}")

    def select(self, condition: Value, x: Number, y: Number) -> Value:
        """x where the condition holds, else y."""
        x, y = self.same_type(x, y)
        return self.pure(x.type, f"select {_typed([condition, x, y])}")

    # Vectors

    def splat(self, scalar: Value, lanes: int) -> Value:
        """A vector with the scalar in each lane."""
        kind = vector(scalar.type, lanes)
        one = self.pure(kind, f"insertelement {kind} poison, {scalar.type} {scalar}, i64 0")
        return self.shuffle(one, one, [0] * lanes)

    def shuffle(self, x: Value, y: Value, lanes: Sequence[int]) -> Value:
        """The chosen lanes of x followed by y."""
        mask = ", ".join(f"i32 {lane}" for lane in lanes)
        kind = vector(scalar_of(x.type), len(lanes))
        return self.pure(kind, f"shufflevector {_typed([x, y])}, <{len(lanes)} x i32> <{mask}>")

    # Memory

    def at(self, pointer: Value, index: Index, kind: str) -> Value:
        """The address of element ``index`` of an array of scalars of type ``kind``."""
        sum_ = parted(index)
        here = self._depth(pointer.name)
        for depth, terms in self._by_loop(sum_):  # an inner loop adds to an address what changes in it, and no more
            ahead, here = self._plus(constant("i64", 0), terms, depth), max(here, depth)
            pointer = self._outside("ptr", f"getelementptr {kind}, ptr {pointer}, i64 {ahead}", here)
        return self.pure("ptr", f"getelementptr {kind}, ptr {pointer}, i64 {sum_.known}") if sum_.known else pointer

    def load(self, kind: str, pointer: Value, mask: Value | None = None) -> Value:
        """Load a scalar or vector; masked-off lanes are not touched and read as 0."""
        align = BYTES[scalar_of(kind)]
        if mask is None:
            return self.emit(kind, f"load {kind}, ptr {pointer}, align {align}")
        name = f"llvm.masked.load.{mangled(kind)}.p0"
        return self.call(kind, name, pointer, constant("i32", align), mask, zero(kind))

    def store(self, value: Value | Sum, pointer: Value, mask: Value | None = None) -> None:
        """Store a scalar or vector; masked-off lanes are not touched."""
        value = self.value(value)
        if is_first_lane(mask):  # LLVM 22 writes four bytes for a byte, with AVX-512: those that were cut off as well
            value, mask = self.emit(scalar_of(value.type), f"extractelement {value.type} {value}, i64 0"), None
        align = BYTES[scalar_of(value.type)]
        if mask is None:
            self.lines.append(f"  store {value.type} {value}, ptr {pointer}, align {align}")
            return
        name = f"llvm.masked.store.{mangled(value.type)}.p0"
        self.module.declare(name, f"declare void @{name}({value.type}, ptr, i32, {mask.type})")
        self.lines.append(f"  call void @{name}({_typed([value, pointer, constant('i32', align), mask])})")

    def prefetch(self, pointer: Value, written: bool) -> None:
        """Ask for a cache line that is read, or written, a little later."""
        name = "llvm.prefetch.p0"
        self.module.declare(name, f"declare void @{name}(ptr, i32, i32, i32)")
        self.lines.append(f"  call void @{name}(ptr {pointer}, i32 {int(written)}, i32 3, i32 1)")

    # Control flow

    @contextmanager
    def loop(
        self, begin: Index, end: Index, step: int = 1, carry: Sequence[Value] = ()
    ) -> Iterator[Turn]:
        """``for index in range(begin, end, step)``, with values carried from turn to turn.

        A loop that is known to take one turn is no loop at all, and of one that takes none nothing stays.
        """
        known = range(begin, end, step) if isinstance(begin, int) and isinstance(end, int) else None
        if known is not None and not known:
            place, block, turn = len(self.lines), self._block, Turn(begin, tuple(carry))
            with self._inside():
                yield turn
            del self.lines[place:]
            self._block, turn.index, turn.carry = block, begin, tuple(carry)
            return
        if known and len(known) == 1:
            turn = Turn(begin, tuple(carry))
            yield turn
            turn.index = self.add(begin, step)
            return
        starts, stop = (self._counter(begin), *carry), self._counter(end)
        head, tail, before = self._label(), self._label(), self._block
        runs = bool(known) or (known is None and self._is_after(begin, end))
        states = [Value(value.type, self._name()) for value in starts]
        around = Around(int(head.removeprefix("block")), states[0].name, [], self._scope, {})
        self.lines.append(around.before)
        if runs:
            self._jump(head)
        else:
            self._fork(self.compare("slt", starts[0], stop), head, tail)
        self._open(head)
        self._loops.append(around)
        place = len(self.lines)
        turn = Turn(self._index(states[0]), tuple(states[1:]))
        with self._inside():
            yield turn
            nexts = (self.op("add nsw", states[0], step), *turn.carry)
        self._loops.pop()
        more = self.counted(around, starts[0], step)
        after = self._block
        self._fork(self.compare("slt", nexts[0], stop), head, tail)
        arms = [[(x, before), (y, after)] for x, y in zip(starts, nexts, strict=True)]
        # The phi nodes stand at the head of the loop, but what they join is known only now.
        heads = [*zip(states, arms, strict=True)]
        heads += [(x, [(start, before), (after_it, after)]) for x, start, after_it in more]
        self.lines[place:place] = [f"  {state} = {_phi(arm)}" for state, arm in heads]
        self._open(tail)
        last, *ends = nexts if runs else [self.emit(arm[0][0].type, _phi(arm)) for arm in arms]
        turn.index, turn.carry = known[-1] + step if known else self._index(last), tuple(ends)

    def _counter(self, x: Index) -> Value:
        """x as the counter of a loop, as wide as an address: more would take two registers."""
        kind = f"i{8 * self.module.cpu.pointer_bytes}"
        x = self.value(x) if isinstance(x, Sum) else x
        if isinstance(x, int) or x.type == kind:
            return as_value(kind, x)
        return self.pure(kind, f"trunc {x.type} {x} to {kind}")

    def _index(self, counter: Value) -> Value:
        return counter if counter.type == "i64" else self.emit("i64", f"sext {counter.type} {counter} to i64")

    def _is_after(self, x: Index, y: Index) -> bool:
        """Whether y is known to be the greater one."""
        (a, known_a), (b, known_b) = parted(x), parted(y)
        return a == b and known_a < known_b

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """What is emitted inside runs only if the condition holds."""
        inside, after = self._label(), self._label()
        self._fork(condition, inside, after)
        self._open(inside)
        with self._inside():
            yield
        self._jump(after)
        self._open(after)

    def choose(
        self, condition: Value, then: Callable[[], Sequence[Value]], otherwise: Callable[[], Sequence[Value]]
    ) -> tuple[Value, ...]:
        """The values of one of two branches; only that branch runs."""
        yes, no, after = self._label(), self._label(), self._label()
        self._fork(condition, yes, no)
        arms = []
        for label, make in ((yes, then), (no, otherwise)):
            self._open(label)
            with self._inside():
                values = make()
            arms.append([(value, self._block) for value in values])
            self._jump(after)
        self._open(after)
        return tuple(self.emit(x[0].type, _phi([x, y])) for x, y in zip(*arms, strict=True))

    def buffer(self, kind: str, count: int) -> Value:
        """Room for ``count`` values of type ``kind`` on the stack, allocated when the function is entered."""
        room = Value("ptr", self._name())
        self.rooms.append(f"  {room} = alloca [{count} x {kind}], align 64")
        return room

    def _label(self) -> str:
        return f"block{next(self._names)}"

    def _open(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self._block = label

    def _jump(self, label: str) -> None:
        self.lines.append(f"  br label %{label}")

    def _fork(self, condition: Value, yes: str, no: str) -> None:
        self.lines.append(f"  br i1 {condition}, label %{yes}, label %{no}")


def _typed(values: Sequence[Value]) -> str:
    return ", ".join([f"{kind} {name}" for kind, name in values])


def _phi(arms: Sequence[tuple[Value, str]]) -> str:
    return f"phi {arms[0][0].type} " + ", ".join(f"[ {value}, %{block} ]" for value, block in arms)
