"""Nonsmooth calculus: where the kinks are, one-sided derivatives, exact subgradients."""

from subgrad.kinks.certificates import Certificate, load_certificate, verify_certificate
from subgrad.kinks.directional import directional_derivative
from subgrad.kinks.enclosure import Enclosure, enclosure
from subgrad.kinks.local_minimum import LocalMinimum, local_minimum
from subgrad.kinks.locate import Kinks, Spot, kinks
from subgrad.kinks.minimize import MinimizeResult, minimize
from subgrad.kinks.stationary import is_stationary
from subgrad.kinks.subdifferential import Subdifferential, subdifferential
from subgrad.kinks.subgradient import ClarkeElement, subgradient
from subgrad.kinks.units import Units, dead_units
from subgrad.kinks.watch import WatchUnits

__all__ = [
    "Certificate", "ClarkeElement", "Enclosure", "Kinks", "LocalMinimum", "MinimizeResult", "Spot",
    "Subdifferential", "Units", "WatchUnits", "dead_units", "directional_derivative", "enclosure", "is_stationary",
    "kinks", "load_certificate", "local_minimum", "minimize", "subdifferential", "subgradient", "verify_certificate",
]  # fmt: skip
