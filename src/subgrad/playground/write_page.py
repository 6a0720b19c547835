"""``playground``: a page that trains networks in a browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from subgrad.io.atomic import require_writable, write_atomically
from subgrad.nn.module import Module
from subgrad.playground.compiled import compiled
from subgrad.playground.document import document
from subgrad.playground.family import Sizes
from subgrad.playground.given_data import given_data
from subgrad.playground.given_network import given_network


def playground(net: Module | None = None, data: Any = None, path: str | os.PathLike[str] = "playground.html") -> Path:
    """Write a page on which networks of two inputs are trained, looked at and taken apart: see the guide.

    The page is one file without links to others. It opens in any browser from where it lies, and asks no server for
    anything: its training step is the one that `subgrad` makes, compiled to WebAssembly by `subgrad.export`. It opens
    with XOR and a linear classifier, or with what is given here.

    Args:
        net: a `nn.Linear`, or a `nn.Sequential` of linear layers and activations, with two inputs; the page opens with
            its parameters.
        data: ``(X, y)`` with X (n, d), d at least 2, a DataFrame of pandas or polars, a `data.Table`, a dict of
            columns, or the path of a table that `data.read_table` reads; the last column is what is learnt, others can
            be chosen on the page. Two columns of numbers are shown as they are, more by their first two principal
            components. Of more than 500 rows, some are taken.
        path: where to; an existing file is replaced.

    Returns:
        The path.

    Raises:
        ArgumentError: for a network or data that the page cannot show.
        FileError: if the file cannot be written, or that of the data not be read.

    ``sg.playground(path="xor.html")`` takes a few seconds: LLVM compiles the page's routines.
    """
    require_writable(path)
    given: dict[str, Any] = {}
    sizes = Sizes()
    if data is not None:
        given["table"] = given_data(data, sizes.outputs)
    if net is not None:
        found = given_network(net)
        given |= {"architecture": found.architecture, "parameters": found.parameters}
        sizes = found.sizes
    text = document(compiled(sizes), given)
    write_atomically(path, text.encode("utf-8"))
    return Path(path)


__all__ = ["playground"]
