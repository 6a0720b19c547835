"""What is compiled: what a program takes and gives, and what the passes have made of it so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from subgrad.graph.tensor import Tensor

if TYPE_CHECKING:
    from subgrad.compile.code_target import Target
    from subgrad.compile.kernels.kernel import Kernel
    from subgrad.compile.kernels.placement import Placement


class Interface(NamedTuple):
    """What a program takes and gives: see `subgrad.compile.runtime.program.Program`, which has these as arguments."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    variables: dict[int, int]
    stepped: frozenset[int]
    measured: frozenset[int]

    @property
    def overwritten(self) -> set[Tensor]:
        """The inputs whose memory gets another value; not those that come out as they went in."""
        return {self.inputs[i] for k, i in self.variables.items() if self.outputs[k] is not self.inputs[i]}


@dataclass
class Unit:
    """A program on its way through the passes.

    Attributes:
        interface: its inputs and outputs now: passes replace the nodes.
        cpu: what to generate for.
        n_threads: how many threads run it; None until that is chosen.
        timed: whether each kernel counts its cycles.
        shared: whether others than this program read its variables, which then lie as their shapes say.
        orders: for inputs that are kept with their axes in another order, that order, by the input's number.
        kernels: what is computed together.
        placed: where nodes lie in memory, and with that the schedule.
        ir: the LLVM text.
        scratch: bytes of memory that each thread needs for itself.
        noted: the checks of indices that the code makes.
        ahead: takes functions of the text while the rest of it is written.
        sound: the nodes whose shapes and dtypes were found to be those of their ops' rules.
    """

    interface: Interface
    cpu: Target | None = None
    n_threads: int | None = None
    timed: bool = False
    shared: bool = False
    orders: dict[int, tuple[int, ...]] = field(default_factory=dict)
    kernels: list[Kernel] = field(default_factory=list)
    placed: Placement | None = None
    ir: str = ""
    scratch: int = 0
    noted: list[Tensor] = field(default_factory=list)
    ahead: Callable[[str], None] | None = None
    sound: set[Tensor] = field(default_factory=set)

    @classmethod
    def of(cls, outputs: Sequence[Tensor]) -> Unit:
        """A graph alone, for the passes that ask for no more."""
        return cls(Interface([], list(outputs), {}, frozenset(), frozenset()))

    @property
    def outputs(self) -> list[Tensor]:
        return self.interface.outputs

    @outputs.setter
    def outputs(self, nodes: Sequence[Tensor]) -> None:
        self.interface = self.interface._replace(outputs=list(nodes))


__all__ = ["Interface", "Unit"]
