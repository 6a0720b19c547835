"""Nonsmooth calculus: where the kinks are, one-sided derivatives, exact subgradients."""

from subgrad.kinks.directional import directional_derivative
from subgrad.kinks.locate import Kinks, Spot, kinks
from subgrad.kinks.subgradient import ClarkeElement, subgradient
from subgrad.kinks.units import Units, dead_units

__all__ = [
    "ClarkeElement", "Kinks", "Spot", "Units", "dead_units", "directional_derivative", "kinks", "subgradient",
]  # fmt: skip
