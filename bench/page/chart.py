"""The results as a picture: how fast each peer is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bench.page.ratios import best
from bench.peers import OURS, PEERS
from bench.work.workloads import BY_NAME as WORKLOADS

COLOURS = ("#ee4c2c", "#5e97f6", "#f7931e", "#888888")


def draw(times: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Bars from 0 to the speed of each peer's best variant over that of this side; a faster peer is above the line."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "bench"  # the same results, the same file
    import matplotlib.pyplot as plt

    names = [n for n in WORKLOADS if best(times.get(n, []), OURS.name)]
    figure, axes = plt.subplots(figsize=(10, 3.6), layout="constrained")
    _bars(axes, names, times)
    axes.axhline(1, color="black", linewidth=1)
    axes.set(xticks=range(len(names)), xticklabels=names, ylabel=f"speed / speed of {OURS.title}")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    if names:
        axes.legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))
    partial = path.with_name(path.name + ".part")
    figure.savefig(partial, format="svg", metadata={"Date": None})
    os.replace(partial, path)


def _bars(axes: Any, names: list[str], times: dict[str, list[dict[str, Any]]]) -> None:
    others = [p for p in PEERS if p is not OURS]
    width = 0.8 / len(others)
    for i, (peer, colour) in enumerate(zip(others, COLOURS, strict=True)):
        found = [(k, best(times[n], OURS.name), best(times[n], peer.name)) for k, n in enumerate(names)]
        places = [(k + (i - 1.5) * width, a["seconds"] / b["seconds"]) for k, a, b in found if a and b]
        if places:
            at, heights = zip(*places, strict=True)
            axes.bar(at, heights, width, color=colour, label=peer.title)
