"""Minimisation of functions with kinks, with certificates of stationarity; one solver a file."""

from subgrad.kinks.minimize.api import METHODS, minimize
from subgrad.kinks.minimize.result import Iterate, MinimizeResult

__all__ = ["METHODS", "Iterate", "MinimizeResult", "minimize"]
