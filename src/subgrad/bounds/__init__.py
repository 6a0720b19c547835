"""Proven bounds: how far a network is from a function, and what its outputs do on a box."""

from subgrad.bounds.error import certify
from subgrad.bounds.verdict import Verdict

__all__ = ["Verdict", "certify"]
