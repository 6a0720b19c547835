"""Minimisation of functions with kinks, with certificates of stationarity; one solver a file."""

from subgrad.kinks.minimize.api import minimize
from subgrad.kinks.minimize.result import Iterate, MinimizeResult

__all__ = ["Iterate", "MinimizeResult", "minimize"]
