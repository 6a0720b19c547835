"""What a user pays besides the steps: start, import, disk, and compilation as networks get deeper."""

from __future__ import annotations

import re
import shutil
import statistics
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata, util
from pathlib import Path
from typing import Any

from bench.peers import Peer
from bench.spawn import ChildError, ask

STARTED = ("W3", "W7")
"""A small network and one of many layers, whose first step is timed, compilation included."""


def starts(peers: Sequence[Peer], repeats: int, threads: int) -> list[dict[str, Any]]:
    """Seconds from the start of a process to its first trained step; for this side with an empty cache and a full one.

    One start that does not count comes first, for the operating system's own cache of files.
    """
    found = []
    for peer in (p for p in peers if p.quickest):
        ways = ("empty cache", "warm cache") if peer.name == "subgrad" else (peer.quickest,)
        found += [_start(peer, way, name, repeats, threads) for way in ways for name in STARTED]
    return [row for row in found if not row.get("error", "").startswith(NotImplementedError.__name__)]


def _start(peer: Peer, how: str, workload: str, repeats: int, threads: int) -> dict[str, Any]:
    row = {"workload": workload, "peer": peer.name, "how": how}
    folder = tempfile.mkdtemp(prefix="bench")
    times = []
    try:
        for _ in range(repeats + 1):
            times.append(ask("first_step", peer.name, workload, threads=threads, SUBGRAD_CACHE=folder)["wall"])
            if how == "empty cache":
                shutil.rmtree(folder)
    except ChildError as error:
        return {**row, "error": str(error)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {**row, "seconds": statistics.median(times[1:])}


def imports(peers: Sequence[Peer], repeats: int, threads: int) -> list[dict[str, Any]]:
    """Seconds that the import takes in a process that has NumPy already, and bytes of all that pip installs."""
    found = []
    for peer in peers:
        seconds = _median(lambda p=peer: ask("importing", p.needs[0], threads=threads)["seconds"], repeats)
        found.append({"peer": peer.name, "seconds": seconds, "bytes": installed_bytes(peer)})
    return found


def _median(once: Callable[[], float], repeats: int) -> float:
    return statistics.median([once() for _ in range(repeats + 1)][1:])


def installed_bytes(peer: Peer) -> int | None:
    """The files of the peer's packages and of all that they require; None if pip did not install them."""
    if not all(_distribution(name) for name in peer.packages):
        return None
    names, pending = set(), list(peer.packages)
    while pending:
        name = re.sub(r"[-_.]+", "-", pending.pop()).lower()
        if name not in names and _distribution(name):
            names.add(name)
            pending += _required(name)
    return sum(_package_bytes(name) for name in names)


def _distribution(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _required(name: str) -> list[str]:
    """Names of what is required without extras."""
    needs = metadata.requires(name) or []
    return [re.split(r"[^\w.-]", need)[0] for need in needs if "extra ==" not in need]


def _package_bytes(name: str) -> int:
    """The size of a distribution's files; of its folder, if it is installed as a link to its sources."""
    listed = [Path(f.locate()) for f in metadata.files(name) or []]  # pyright: ignore[reportArgumentType]
    sizes = sum(f.stat().st_size for f in listed if f.is_file() and f.suffix != ".pyc")
    spec = util.find_spec(name.replace("-", "_")) if sizes < 100_000 else None
    if spec is None or spec.submodule_search_locations is None:
        return sizes
    folder = Path(spec.submodule_search_locations[0])
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and f.suffix != ".pyc")


def growth(depths: Sequence[int], threads: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Seconds to compile a training step against the number of its linear layers."""
    found = []
    for layers in depths:
        try:
            row = {"layers": layers, **ask("growth", layers, threads=threads, SUBGRAD_CACHE="off")}
        except ChildError as error:
            row = {"layers": layers, "error": str(error)}
        say(f"{layers} layers: {row.get('error') or format(row['seconds'], '.2f') + ' s'}")
        found.append(row)
    return found
