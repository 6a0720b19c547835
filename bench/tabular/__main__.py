"""``python -m bench.tabular``: which settings of the model for tables are best on the tables they are chosen on.

    python -m bench.tabular --list
    python -m bench.tabular catboost "normal" "normal hidden=(64,64)" --out results.json
    python -m bench.tabular normal "normal budget=500_000" --only letter cps --rows 16000 --splits 2
    python -m bench.tabular --given normal catboost lightgbm hgb mlp realmlp tabm --out bench/tabular/given.json
    python -m bench.tabular.ranks

The fourth runs the tables on which nothing was chosen, whole; the last writes what was found there into the docs.
Each method is run once on each table, and what was run before stands in the file. A score is log loss, or the root mean
squared error over the deviation of the targets; the last line has the geometric mean of scores over those of the first
method, and of seconds.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from bench.tabular import methods
from bench.tabular.tables import GIVEN, LARGE, SELECTION, is_regression, parted


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", help=f"{', '.join(methods.PEERS)}, or an effort with changes")
    parser.add_argument("--given", action="store_true", help="all rows of the tables on which nothing was chosen")
    parser.add_argument("--only", nargs="*", help="names of tables")
    parser.add_argument("--rows", type=int, default=4000, help="of each table at most, with those tested on")
    parser.add_argument("--splits", type=int, default=1, help="times that rows are drawn and parted")
    parser.add_argument("--out", type=Path, default=Path("tabular.json"))
    parser.add_argument("--list", action="store_true", help="print the tables")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    tables, rows = (GIVEN, None) if given.given else (SELECTION | LARGE, given.rows)
    if given.list:
        for name, source in tables.items():
            print(f"{name:14} {source.package:11} {source.name:20} {source.target or '(last column)'}")
        return
    results = json.loads(given.out.read_text()) if given.out.exists() else {}
    names = given.only or (GIVEN if given.given else SELECTION)
    drawn = [(name, split) for name in names for split in range(given.splits)]
    for name, split in drawn:
        frame, target = tables[name].frame()
        for method in given.methods:
            done = results.setdefault(method, {})
            if (own := called(name, split)) not in done:
                done[own] = measured(method, frame, target, rows, split)
                given.out.write_text(json.dumps(results, indent=1))
            print(f"{own:14} {method:40} {' '.join(f'{k} {v:.4g}' for k, v in done[own].items())}", flush=True)
    for line in table(results, given.methods, [called(*each) for each in drawn]):
        print(line)


def called(name: str, split: int) -> str:
    """A table in one of its splits, in the results."""
    return f"{name} {split}" if split else name


def measured(method: str, frame: Any, target: str, rows: int | None, split: int) -> dict[str, float]:
    """The score of a method on a table, and its seconds."""
    train, test = parted(frame, rows, split)
    classes = None if is_regression(frame[target]) else sorted(frame[target].unique())
    start, cpu, more = time.perf_counter(), time.process_time(), {}
    if method in methods.PEERS:
        answers = methods.PEERS[method](train, test, target, classes)
    else:
        answers, model = methods.subgrad(method, train, test, target, classes, split)
        more = {"held_out": model.scores["log_loss" if classes else "root_mean_squared_error"]}
        more |= {"look": model.history.best_epoch, "temperature": model.temperature}
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"score": methods.loss(test[target].to_numpy(), answers, classes), "s": seconds, "cpu": cpu, **more}


def table(results: dict[str, Any], names: list[str], tables: list[str]) -> list[str]:
    """The scores in Markdown, with the geometric means of their ratios to those of the first method."""
    lines = [f"| table | {' | '.join(names)} |", f"|---|{'--:|' * len(names)}"]
    for t in tables:
        scores = [results[n][t]["score"] for n in names]
        lines.append(f"| {t} | {' | '.join(f'{score:.4f}' for score in scores)} |")
    wins = [sum(results[n][t]["score"] < results[names[0]][t]["score"] for t in tables) for n in names]
    lines.append(f"| better | {' | '.join(map(str, wins))} |")
    for what in ("score", "s", "cpu"):
        logs = [[np.log(results[n][t][what] / results[names[0]][t][what]) for t in tables] for n in names]
        lines.append(f"| {what}, ratio | {' | '.join(f'{np.exp(np.mean(row)):.4f}' for row in logs)} |")
    return lines


main()
