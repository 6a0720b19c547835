"""The results as one JSON file; what a run measures replaces what was there of the same section and workload."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from bench.spawn import ROOT

PATH = ROOT / "bench" / "results.json"
Results = dict[str, Any]


def read(path: Path = PATH) -> Results:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep(new: Results) -> None:
    """Add what was measured to the file."""
    write(merged(read(), new))


def write(results: Results, path: Path = PATH) -> None:
    write_text(path, json.dumps(results, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """All or nothing: write beside the target, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def merged(old: Results, new: Results) -> Results:
    """``new`` over ``old``: a workload's rows come from one run, and nothing stays of another machine or setting."""
    conditions = ("processor", "level", "threads", "percentile")
    same = all(old.get("machine", {}).get(k) == new["machine"][k] for k in conditions)
    if not same:
        return new
    by_workload = {k: {**old.get(k, {}), **new.get(k, {})} for k in ("times", "busy", "compiles")}
    limit = max(old.get("limit", 0.0), new.get("limit", 0.0))
    return {**old, **new, **by_workload, "limit": limit}
