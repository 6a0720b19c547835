"""Proven bounds: how far a network is from a function, and what its outputs do on a box."""

from subgrad.bounds.error import certify
from subgrad.bounds.outputs import output_bounds, verify
from subgrad.bounds.proofs.digest import network_digest
from subgrad.bounds.properties import And, Monotone, Or, Robust, Within, ball
from subgrad.bounds.verdict import Verdict
from subgrad.bounds.vnnlib.property_file import read_vnnlib
from subgrad.bounds.vnnlib.unreachable import Case, Unreachable

__all__ = [
    "And", "Case", "Monotone", "Or", "Robust", "Unreachable", "Verdict", "Within", "ball", "certify", "network_digest",
    "output_bounds", "read_vnnlib", "verify",
]  # fmt: skip
