"""Which data a model is of: a second training must not overwrite the model of other data unasked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import typer

from subgrad import io
from subgrad.cli import options
from subgrad.errors import SubgradError


def origin_of(data: str) -> str:
    """A digest of where data lie, which tells nothing else of the place; built-in data by their name."""
    path = Path(data)
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16] if path.exists() else data


def origin_in(model: Path) -> str | None:
    """What a model file says of it; None if it says nothing, or is no model."""
    try:
        info = io.read_model_file(model)[1].get("info")
    except SubgradError:
        return None
    record = info.get("training") if isinstance(info, dict) else None
    return record.get("origin") if isinstance(record, dict) else None


def place_of_model(data: str, out: Path | None, force: bool, origin: str) -> Path:
    """Where the model of some data goes: where it was asked for, else beside nothing that is not of these data."""
    chosen = out or Path(Path(data).name.split(".")[0] + ".safetensors")
    options.place(chosen, "--out", [data])
    if out is None and not force and chosen.exists() and origin_in(chosen) != origin:
        raise typer.BadParameter(
            f"{chosen} is there, and is no model of {data}: name another file, or give --force", param_hint="'--out'"
        )
    return chosen


__all__ = ["origin_in", "origin_of", "place_of_model"]
