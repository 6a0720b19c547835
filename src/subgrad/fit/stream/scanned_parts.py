"""Rows in files as a model and a loss take them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from subgrad.data.scanned import ScannedTable
from subgrad.fit.arrays import Part
from subgrad.fit.several.batch_form import Form
from subgrad.fit.several.several_outputs import plain
from subgrad.nn.loss import TABLE
from subgrad.nn.module import Module

HEAD = 64  # rows that a model and a loss are tried on, at least


def targets(loss: Any, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Targets as the loss takes them: one of two signs wants -1 for the first of two classes, and 1 for the second."""
    signs = any(facts.targets == "signs" and facts.function is plain(loss) for facts in TABLE.values())
    return (2 * y - 1).astype(dtype) if signs and y.dtype.kind == "i" else y


def parts_of(model: Module, loss: Any, rows: ScannedTable, rank: int = 0, ranks: int = 1) -> Iterator[Part]:
    """All rows whose target is known, some at a time; of several ranks each has its part of them."""
    dtype = model._dtype()
    return (Part.all([X, targets(loss, y, dtype)], Form()) for X, y in rows.parts(dtype, rank, ranks))


def whole_part(model: Module, loss: Any, rows: ScannedTable) -> Part:
    """All of them in memory."""
    parts = [part.arrays for part in parts_of(model, loss, rows)]
    return Part.all([np.concatenate(one) for one in zip(*parts, strict=True)], Form())


def first_rows(model: Module, loss: Any, rows: ScannedTable) -> Part:
    """Some rows, among which each class occurs: what a loss has against targets shows in them."""
    dtype, classes = model._dtype(), len(rows.preparation.classes)
    X, y = rows.head(HEAD)
    if classes:
        n = max(HEAD, classes)
        X, y = np.resize(X, (n, X.shape[1])), np.arange(n, dtype=np.int64) % classes
    return Part.all([X.astype(dtype), targets(loss, y.astype(np.int64 if classes else dtype), dtype)], Form())


def inputs_of(model: Module, rows: ScannedTable) -> Iterator[Part]:
    """The features of all rows, some at a time."""
    return (Part.all([X], Form()) for X in rows.inputs(model._dtype()))


__all__ = ["first_rows", "inputs_of", "parts_of", "targets", "whole_part"]
