"""A network that is not there: what it would take to add up, and a communicator that takes as long."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ethernet:
    """From one rank to the next: seconds until a message arrives, and bytes a second."""

    name: str
    latency: float
    bandwidth: float

    def all_reduce(self, ranks: int, size: int) -> float:
        """Seconds of the ring all-reduce of ``size`` bytes: 2 (n - 1) messages of a share of them, one after the other
        (Patarasuk, Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of workstations")."""
        return 2 * (ranks - 1) * (self.latency + size / ranks / self.bandwidth)


ETHERNETS = (Ethernet("10 Gb/s", 30e-6, 1.25e9), Ethernet("100 Gb/s", 5e-6, 12.5e9))
"""Latencies of TCP through one switch, and of RDMA over converged Ethernet."""


class Delayed:
    """A communicator whose sums take as long as between so many ``ranks`` on a network, whatever it is itself."""

    def __init__(self, comm: Any, network: Ethernet, ranks: int) -> None:
        self._comm, self._network, self._ranks = comm, network, ranks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._comm, name)

    def Split_type(self, _: int) -> Any:
        """Each rank is on a machine of its own."""
        return self._comm.Split(self._comm.Get_rank())

    def Allreduce(self, given: Any, buffer: Any) -> None:
        """The sum, and then the delay: who sleeps leaves the processor to others, as who waits for a network does."""
        self._comm.Allreduce(given, buffer)
        end = time.perf_counter() + self._network.all_reduce(self._ranks, buffer.nbytes)
        time.sleep(max(0.0, end - time.perf_counter() - 1e-4))
        while time.perf_counter() < end:
            pass
