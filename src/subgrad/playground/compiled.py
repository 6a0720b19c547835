"""The page's routines as WebAssembly, and the JavaScript that calls them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from subgrad.export import export
from subgrad.playground.family import ACTIVATIONS, LOSSES, RULES, Family, Sizes
from subgrad.playground.routines import CHUNK, ROW, drawn, routines


class Compiled(NamedTuple):
    """The module, the text of its host (an ES module that exports ``load``), and what the page has to know of both."""

    module: bytes
    host: str
    sizes: dict[str, Any]


def compiled(sizes: Sizes) -> Compiled:
    """The routines for networks up to these sizes."""
    each = routines(Family(sizes), sizes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "playground.wasm"
        export({n: f for n, (f, _) in each.items()}, path, {n: example for n, (_, example) in each.items()})
        module, host = path.read_bytes(), path.with_suffix(".mjs").read_text(encoding="utf-8")
    known = {"chunk": CHUNK, "row": ROW, "drawn": drawn(sizes)}
    names = {"activations": list(ACTIVATIONS), "losses": list(LOSSES), "rules": list(RULES)}
    return Compiled(module, host, {**sizes._asdict(), **known, **names})


__all__ = ["Compiled", "compiled"]
