"""What is known of a network that approximates a function."""

from __future__ import annotations

from dataclasses import dataclass

from subgrad.display.html_table import facts, shown
from subgrad.io.number_text import at_most, given


@dataclass(frozen=True)
class Report:
    """How near a network comes to a function, and how that is known.

    Attributes:
        method, activation: how the network was built.
        n: the number of hidden units.
        sup: the largest error that was measured.
        l2: the root of the mean squared error that was measured, over points of the uniform distribution.
        points: how many points were measured.
        proven: an upper bound of the largest error on the whole box, in exact arithmetic and for the weights as they
            are stored; None if nothing is proven.
        theory: what a theorem promises for n units, in words and numbers; empty if none applies.
        bound: that theorem's bound of the mean squared error, or None.
        eps: the error that was asked for, or None.
        seconds: how long it took.
        notes: what else there is to say.
    """

    method: str
    activation: str
    n: int
    sup: float
    l2: float
    points: int
    proven: float | None
    theory: str
    bound: float | None
    eps: float | None
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def achieved(self) -> bool:
        """Whether the error that was asked for is proven."""
        return self.eps is not None and self.proven is not None and self.proven <= self.eps

    def __str__(self) -> str:
        lines = [f"{self.n} {self.activation} units by {self.method} in {self.seconds:.2g} s"]
        lines.append(f"measured on {self.points:,} points: sup {self.sup:.4g}, root mean square {self.l2:.4g}")
        lines.append(self._proof())
        lines += [f"theory: {self.theory}"] if self.theory else []
        return "\n".join([*lines, *self.notes])

    def facts(self) -> list[tuple[str, str]]:
        """What is known, as names and values."""
        found = [
            ("network", f"{self.n} {self.activation} units by {self.method}"),
            ("proven", self._proof().removeprefix("proven: ")),
            ("measured", f"sup {self.sup:.4g}, root mean square {self.l2:.4g}, on {self.points:,} points"),
            ("theory", self.theory),
            ("time", f"{self.seconds:.2g} s"),
            *(("note", note) for note in self.notes),
        ]
        return [(name, value) for name, value in found if value]

    def _repr_html_(self) -> str:
        return shown(facts("Approximation", self.facts()))

    def _proof(self) -> str:
        if self.proven is None:
            return "proven: nothing"
        asked = "" if self.eps is None else f", asked {given(self.eps)}" + ("" if self.achieved else ": not reached")
        return f"proven: sup <= {at_most(self.proven, 6)}{asked}"
