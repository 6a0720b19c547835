"""``python -m bench.tabular.coverage``: how much of the truth prediction intervals hold on real tables.

    python -m bench.tabular.coverage --coverage 0.9 --rows 4000 --splits 2

Of the tables of numbers on which the defaults were chosen: the share of the test rows whose number is inside, for
intervals around the mean, around learnt quantiles, and for these quantiles as they are; and the interval score
(Gneiting, Raftery 2007), over that of the first. The last line has the means over the tables, geometric ones of the
scores.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np

from bench.tabular.tables import SELECTION, is_regression, parted
from subgrad.calibration import interval_score
from subgrad.tabular import fit_tabular

NAMES = ("mean", "around quantiles", "quantiles")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--coverage", type=float, default=0.9)
    parser.add_argument("--rows", type=int, default=4000, help="of each table at most, with those tested on")
    parser.add_argument("--splits", type=int, default=2, help="times that rows are drawn and parted")
    parser.add_argument("--only", nargs="*", help="names of tables")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"| table | {' | '.join(f'{name} | score' for name in NAMES)} |\n|---|{'--:|--:|' * len(NAMES)}")
    found = []
    for name in given.only or SELECTION:
        frame, target = SELECTION[name].frame()
        if not is_regression(frame[target]):
            continue
        each = [measured(frame, target, given.rows, split, given.coverage) for split in range(given.splits)]
        held, score = np.array(each).transpose(1, 2, 0)
        found.append((held.mean(1), np.exp(np.log(score / score[0]).mean(1))))
        print(line(name, *found[-1]), flush=True)
    held, score = np.array(found).swapaxes(0, 1)
    print(line("mean", held.mean(0), np.exp(np.log(score).mean(0))))


def measured(frame: Any, target: str, rows: int, split: int, coverage: float) -> tuple[list[float], list[float]]:
    """The share of the truth that is inside, and the mean interval score, by `NAMES`."""
    train, test = parted(frame, rows, split)
    y, tail = test[target].to_numpy(float), (1 - coverage) / 2
    plain = fit_tabular(train, target, task="regression", seed=split)
    learnt = fit_tabular(train, target, task="regression", seed=split, quantiles=[tail, 1 - tail])
    ends = [model.predict_interval(test, coverage).T for model in (plain, learnt)]
    ends.append(learnt.predict_quantiles(test).T)
    held = [float(np.mean((low <= y) & (y <= high))) for low, high in ends]
    return held, [float(interval_score(y, low, high, coverage).mean()) for low, high in ends]


def line(name: str, held: np.ndarray, score: np.ndarray) -> str:
    """A row of the table."""
    return f"| {name} | {' | '.join(f'{h:.3f} | {s:.3f}' for h, s in zip(held, score, strict=True))} |"


main()
