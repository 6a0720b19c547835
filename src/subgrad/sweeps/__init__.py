"""Many runs at once, in processes or on a cluster, by joblib; what a sweep has found stays in a study of Optuna."""

from subgrad.sweeps.ranges import Choice, Integers, LogUniform, Range, Uniform
from subgrad.sweeps.sweep import Run, Sweep, sweep
from subgrad.sweeps.workers import in_workers

__all__ = ["Choice", "Integers", "LogUniform", "Range", "Run", "Sweep", "Uniform", "in_workers", "sweep"]
