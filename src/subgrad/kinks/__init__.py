"""Nonsmooth calculus: where the kinks are, one-sided derivatives, exact subgradients."""

import warnings
from typing import Any

import subgrad
from subgrad.kinks.certify.certificates import Certificate, load_certificate, verify_certificate
from subgrad.kinks.certify.enclosure import Enclosure, enclosure
from subgrad.kinks.certify.stationary import is_stationary
from subgrad.kinks.hull.local_minimum import LocalMinimum, local_minimum
from subgrad.kinks.hull.subdifferential import Subdifferential, subdifferential
from subgrad.kinks.locate import Kinks, Spot, kinks
from subgrad.kinks.minimize import MinimizeResult, minimize
from subgrad.kinks.one_sided.directional import directional_derivative
from subgrad.kinks.one_sided.subgradient import ClarkeElement, subgradient
from subgrad.kinks.units import Units, dead_units

__all__ = [
    "Certificate", "ClarkeElement", "Enclosure", "Kinks", "LocalMinimum", "MinimizeResult", "Spot",
    "Subdifferential", "Units", "dead_units", "directional_derivative", "enclosure", "is_stationary", "kinks",
    "load_certificate", "local_minimum", "minimize", "subdifferential", "subgradient", "verify_certificate",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name != "WatchUnits":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn("WatchUnits is a callback of fit: use sg.WatchUnits", DeprecationWarning, stacklevel=2)
    return subgrad.WatchUnits
