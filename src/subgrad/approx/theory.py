"""What theorems promise for a number of units, beside which a network's measured error is reported."""

from __future__ import annotations

import numpy as np

from subgrad.approx.barron import barron_bound
from subgrad.approx.fourier.barron_sampling import FACTOR, expected
from subgrad.approx.fourier.harmonic import Unknown, harmonic
from subgrad.approx.target_function import TargetFunction
from subgrad.approx.univariate.piecewise_bounds import estimated
from subgrad.io.number_text import at_most


def promise(target: TargetFunction, method: str, activation: str, n: int) -> tuple[str, float | None]:
    """A sentence, and the bound of the mean squared error if it is one of that."""
    if target.traced is None or not np.ptp(target.box, axis=1).any():
        return "", None
    if method == "exact1d":
        least = (estimated(target, *target.box[0]).units(1) / n) ** 2
        return f"the best {n} knots reach a sup error of about {least:.3g}, for large n", None
    if method == "barron" and activation in FACTOR:
        bound = expected(target, n, activation)
        return (
            f"{n} random units have a mean squared error of {at_most(bound, 3)} on average, at most "
            "(Barron's argument)",
            bound,
        )
    found = harmonic(target.traced, target.box)
    if isinstance(found, Unknown):
        return "", None
    bound = barron_bound(found.box, 1, n)
    return f"some {n} sigmoidal units have a mean squared error of at most {at_most(bound, 3)} (Barron 1993)", bound
