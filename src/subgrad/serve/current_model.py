"""The model that a server answers with: from a file, and anew when the file is replaced."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from subgrad import io
from subgrad.errors import ArgumentError, FileError, message_of
from subgrad.nn.module import Module
from subgrad.serve.served import Served
from subgrad.serve.served_network import ServedNetwork
from subgrad.serve.served_table import ServedTable

EVERY = 1.0  # seconds between two looks at the file
log = logging.getLogger("subgrad.serve")


class Current:
    """The model in use. A file that cannot be read leaves the one before in its place.

    Attributes:
        served: the model; a request keeps the one that has read its rows.
        problem: why the file as it is now is not in use; None if it is.
        loaded: when the model was loaded.
    """

    def __init__(self, model: Any, modules: Sequence[type[Module]] = ()) -> None:
        self._modules = modules
        self.path = Path(model) if isinstance(model, str | os.PathLike) else None
        self._seen = None if self.path is None else _state(self.path)
        self.served = served(model, modules)
        self.served.warm(None)
        self.problem: str | None = None
        self.loaded = datetime.now(UTC)

    async def watch(self, count: Any) -> None:
        """Look at the file again and again; ``count`` is told whether it could be loaded."""
        while self.path is not None:
            await asyncio.sleep(EVERY)
            if _state(self.path) != self._seen:
                count(await asyncio.to_thread(self.reload))

    def reload(self) -> bool:
        """Take the model that is in the file now, if it is one, compiled before it is taken."""
        assert self.path is not None
        self._seen = _state(self.path)
        try:
            new = served(self.path, self._modules)
            new.warm(self.served)
        except Exception as error:
            self.problem = message_of(error)
            log.error("%s was replaced by what cannot be used, the model before stays: %s", self.path, self.problem)
            return False
        self.served, self.problem, self.loaded = new, None, datetime.now(UTC)
        log.info("%s was replaced, and is in use: %s", self.path, new.about())
        return True


def served(model: Any, modules: Sequence[type[Module]] = ()) -> Served:
    """What answers for a model: a file, a network, a model for tables, or something that is `Served` already."""
    if isinstance(model, str | os.PathLike):
        return _of_file(Path(model), modules)
    if isinstance(model, Module):
        return ServedNetwork(model)
    from subgrad.tabular import TabularModel

    if isinstance(model, TabularModel):
        from subgrad.cli.jobs.trained.trained_tabular import TrainedTabular

        return ServedTable(TrainedTabular.of(model))
    if callable(getattr(model, "answer", None)):
        return model
    raise ArgumentError(f"what is served is a model file, a module or a TabularModel, got {type(model).__name__}")


def _of_file(path: Path, modules: Sequence[type[Module]]) -> Served:
    """Files of ``subgrad train`` hold the preparation of a table besides a network; those of `subgrad.save` do not."""
    info = io.read_info(path)
    if info.get("task") in ("text", "series"):
        raise FileError(f"{path} is a model of a {info['task']}; what is served are models of tables, and networks")
    if "preprocessing" not in info:
        return ServedNetwork(io.load_module(path, modules))
    from subgrad.cli.jobs.kinds import TABLES

    return ServedTable(TABLES.load(path))


def _state(path: Path) -> tuple[int, ...] | None:
    """By what a replaced file is told from the one before; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


__all__ = ["Current", "served"]
