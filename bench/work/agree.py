"""Whether all peers did the same work: their losses, or their answers, must agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.work.workloads import BY_NAME as WORKLOADS
from bench.work.workloads import RESNET20

TOLERANCE = 2e-3  # relative; float32 sums in another order drift apart over some hundred steps
# scikit-learn adds Adam's epsilon before the bias correction, the others after it: another, equally costly formula.
# With an epsilon of 1e-12, where the place does not matter, it agrees as the others do.
ADAM_OF_SKLEARN = 5e-3
# ResNet-20's loss still rises in these steps, and what rounding changes in it grows some 25-fold in eight of them.
SECOND_RUN_OF_RESNET = 1e-2


def disagreements(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence for each row of one workload whose answers are not those of the middle of all rows."""
    done = [row for row in rows if "error" not in row]
    if not done:
        return []
    middle = np.median([row["answers"] for row in done], axis=0)
    return [_sentence(row, middle) for row in done if not np.allclose(row["answers"], middle, tolerance(row), 1e-5)]


def tolerance(row: dict[str, Any]) -> float | np.ndarray:
    """How far, relatively, the row's answers, or each of them, may lie from those of the others."""
    workload = WORKLOADS[row["workload"]]
    if workload.infers:
        return TOLERANCE
    if workload.layers == RESNET20:
        return np.array([TOLERANCE, SECOND_RUN_OF_RESNET])
    return ADAM_OF_SKLEARN if row["peer"] == "sklearn" and workload.optimizer[0] == "adam" else TOLERANCE


def _sentence(row: dict[str, Any], middle: np.ndarray) -> str:
    given, expected = (", ".join(f"{a:.6g}" for a in list(x)[:2]) for x in (row["answers"], middle))
    return f"{row['workload']} {row['peer']} {row['variant']}: {given}, where the others have {expected}"
