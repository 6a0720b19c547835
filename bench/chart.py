"""The results as a picture: how many times longer each peer takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bench.peers import OURS, PEERS
from bench.workloads import BY_NAME as WORKLOADS

COLOURS = ("#ee4c2c", "#5e97f6", "#f7931e", "#888888")


def draw(times: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Bars of each peer's best time over that of this side, on a logarithmic axis."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "bench"  # the same results, the same file
    import matplotlib.pyplot as plt

    names = [n for n in WORKLOADS if _best(times.get(n, []), OURS.name)]
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    _bars(axes, names, times)
    axes.axhline(1, color="black", linewidth=1)
    axes.set(yscale="log", xticks=range(len(names)), xticklabels=names, ylabel=f"time / time of {OURS.title}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=4)
    partial = path.with_name(path.name + ".part")
    figure.savefig(partial, format="svg", metadata={"Date": None})
    os.replace(partial, path)


def _bars(axes: Any, names: list[str], times: dict[str, list[dict[str, Any]]]) -> None:
    others = [p for p in PEERS if p is not OURS]
    width = 0.8 / len(others)
    for i, (peer, colour) in enumerate(zip(others, COLOURS, strict=True)):
        found = [(k, _best(times[n], peer.name), _best(times[n], OURS.name)) for k, n in enumerate(names)]
        places = [(k + (i - 1.5) * width, theirs / ours) for k, theirs, ours in found if theirs and ours]
        if places:
            at, heights = zip(*places, strict=True)
            axes.bar(at, [h - 1 for h in heights], width, bottom=1, color=colour, label=peer.title)


def _best(rows: list[dict[str, Any]], peer: str) -> float | None:
    return min((r["seconds"] for r in rows if r["peer"] == peer and "seconds" in r and "avx2" not in r["variant"]),
               default=None)  # fmt: skip
