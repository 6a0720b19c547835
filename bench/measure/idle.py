"""How idle the machine was during a measurement, recorded so that the report can decide what it is worth.

Two looks, for neither sees everything: what a calculation in registers reaches of its best just before and after the
measurement (which also feels other tenants of the host), and what share of the processors' time other programs had
meanwhile.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measure.roofline import Probe

Found = dict[str, Any]

CALIBRATION = 0.85  # of the best rate, both before and after; on idle machines looks find 0.86 to 0.96 of it
OTHERS = 0.05  # of the time of all processors
UNRECORDED = "how idle the machine was is not recorded"
TRIES = 5  # of the calculation in a look; the middle one counts
SETTLE = 0.1  # seconds; threads of libraries spin for some milliseconds after their work


class Watch:
    """Looks at the machine around measurements; ``limit`` is the best rate that the calculation reached, in FLOP/s."""

    def __init__(self, threads: int) -> None:
        self._probe = Probe(threads)
        self.limit = self._probe.best()

    def around(self, measurement: Callable[[], Found]) -> tuple[Found, dict[str, Any]]:
        """What a measurement in a child process finds, among it the ``processor`` time it took, and how idle the
        machine was: ``share``, of the best rate, and ``others``."""
        before, clock = self._look(), _Clock()
        found = measurement()
        others = clock.others(found["processor"])
        time.sleep(SETTLE)
        return found, {"share": min(before, self._look()) / self.limit, "others": others}

    def _look(self) -> float:
        rates = sorted(self._probe.rate() for _ in range(TRIES))
        self.limit = max(self.limit, rates[-1])
        return rates[TRIES // 2]


class _Clock:
    """Processor time of everybody and of this process, since it was made."""

    def __init__(self) -> None:
        self._start = _everybody(), time.process_time()

    def others(self, child: float) -> float | None:
        """The share of all processors' time that others had, other virtual machines included, but for a child that had
        so much; None if unknown."""
        if self._start[0] is None:
            return None
        (busy, total), (busy_before, total_before) = _everybody(), self._start[0]
        ours = child + time.process_time() - self._start[1]
        return max(0.0, (busy - busy_before - ours) / max(total - total_before, 1e-9))


def _everybody() -> tuple[float, float] | None:
    """Seconds that all processors worked, and seconds altogether."""
    try:
        words = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    except (OSError, IndexError):
        return None
    ticks = [int(w) / os.sysconf("SC_CLK_TCK") for w in words]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)  # without those of idling and of waiting for disks


def crowded(look: dict[str, Any] | None) -> str:
    """Why other programs on this system spoil a comparison; nothing if they do not.

    >>> crowded({"share": 0.6, "others": 0.01})
    ''
    >>> crowded({"share": 0.98, "others": 0.3})
    'other programs had 30 % of the processors'
    """
    if look is None:
        return UNRECORDED
    if look["others"] is not None and look["others"] > OTHERS:
        return f"other programs had {100 * look['others']:.0f} % of the processors"
    return ""


def disturbed(look: dict[str, Any]) -> bool:
    """Whether a measurement is worth another try: by other programs, or by other tenants of the host.

    >>> disturbed({"share": 0.98, "others": 0.01}), disturbed({"share": 0.75, "others": 0.01})
    (False, True)
    """
    return bool(crowded(look)) or look["share"] < CALIBRATION
