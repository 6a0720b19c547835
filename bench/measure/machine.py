"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from bench.peers import Peer


def describe(peers: Sequence[Peer], threads: int) -> dict[str, object]:
    """The processor, the system and the versions, for the head of the report."""
    versions = {p.title: _version(p.packages[0]) for p in peers}
    return {
        "processor": _processor(), "level": _level(), "threads": threads, "system": platform.system(),
        "python": platform.python_version(), "versions": versions, "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip


def available_processors() -> int:
    """How many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _level() -> str:
    """LLVM's name of the processor, which tells generations apart that share a product name."""
    import llvmlite.binding as llvm

    return llvm.get_host_cpu_name()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "from its sources"
