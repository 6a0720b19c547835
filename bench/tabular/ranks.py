"""``python -m bench.tabular.ranks``: who is best on the tables on which nothing was chosen, from stored results.

Writes the part of docs/benchmarks.md between its marks.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from bench.page.section import put
from bench.tabular.tables import GIVEN

RESULTS = Path(__file__).with_name("given.json")
TITLES = {
    "normal": "subgrad", "best": "subgrad, best", "catboost": "CatBoost", "lightgbm": "LightGBM",
    "hgb": "HistGradientBoosting", "mlp": "scikit-learn's MLP", "realmlp": "RealMLP-TD-S", "tabm": "TabM-D",
}  # fmt: skip
OURS = "normal"
Scores = dict[str, dict[str, float]]
Results = dict[str, Scores]


def main() -> None:
    """Write the page."""
    put("tabular", text(json.loads(RESULTS.read_text(encoding="utf-8"))))


def text(results: Results) -> str:
    """The scores, the ranks and the ratios of processor time."""
    names = [name for name in TITLES if name in results]
    lines = [f"| table | {' | '.join(TITLES[name] for name in names)} |", f"|---|{'--:|' * len(names)}"]
    for table in GIVEN:
        scores = {name: results[name][table]["score"] for name in names if table in results[name]}
        least = min(scores.values())
        cells = [_score(scores.get(name), least) for name in names]
        lines.append(f"| {table} | {' | '.join(cells)} |")
    whole = [name for name in names if set(GIVEN) <= set(results[name])]
    some = [name for name in names if name != "best"]
    common = [table for table in GIVEN if all(table in results[name] for name in some)]
    told = [_ranked(results, whole, list(GIVEN))]
    if len(some) > len(whole):
        told.append(_ranked(results, some, common))
    told += [_worse(results, name) for name in some if name != OURS]
    return "\n".join(lines) + "\n\n" + "\n".join(f"- {sentence}" for sentence in told)


def _score(score: float | None, least: float) -> str:
    if score is None:
        return ""
    return f"**{score:.4f}**" if score == least else f"{score:.4f}"


def ranks(results: Results, names: list[str], tables: list[str]) -> dict[str, float]:
    """The mean rank of each method over the tables, 1 for the best; who are equal share theirs."""
    scores = np.array([[results[name][table]["score"] for name in names] for table in tables])
    below = (scores[:, None, :] < scores[:, :, None]).sum(2)
    equal = (scores[:, None, :] == scores[:, :, None]).sum(2)
    return dict(zip(names, (below + (equal + 1) / 2).mean(0).tolist(), strict=True))


def _ranked(results: Results, names: list[str], tables: list[str]) -> str:
    found = sorted(ranks(results, names, tables).items(), key=lambda pair: pair[1])
    listed = ", ".join(f"{TITLES[name]} {rank:.2f}" for name, rank in found)
    which = f"the {len(tables)} tables" if len(tables) == len(GIVEN) else f"{', '.join(tables)} alone"
    return f"Mean rank among {len(names)} over {which}: {listed}."


def _worse(results: Results, name: str) -> str:
    """How often another is worse, and its time over ours, where both were measured."""
    ours, theirs = results[OURS], results[name]
    both = [table for table in GIVEN if table in theirs]
    won = sum(ours[table]["score"] < theirs[table]["score"] for table in both)
    measures = (("s", "the time"), ("cpu", "the processor time"))
    took = " and ".join(filter(None, (_times(ours, theirs, both, what, said) for what, said in measures)))
    return f"{TITLES[name]} is worse than subgrad on {won} of {len(both)} tables{took and f', and took {took}'}."


def _times(ours: Scores, theirs: Scores, tables: list[str], what: str, said: str) -> str:
    ratios = [theirs[t][what] / ours[t][what] for t in tables if what in theirs[t] and what in ours[t]]
    return f"{np.median(ratios):.2g} times {said} (median of {len(ratios)})" if ratios else ""


if __name__ == "__main__":
    main()

__all__ = ["ranks", "text"]
