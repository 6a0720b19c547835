"""Which options each job of ``subgrad train`` uses: others are refused, as they would do nothing."""

from __future__ import annotations

from collections.abc import Mapping

import typer

_TRAINING = {"step", "epochs", "batch-size"}
_TABLE = {"target", "drop", "only", "test", "validation"}
_NETWORK = {"hidden", "activation", "loss"}
USED = {
    "digits": {"test", "validation", "model"} | _NETWORK | _TRAINING,
    "fashion-mnist": {"data", "validation", "model", "augment"} | _NETWORK | _TRAINING,
    "text": {"test", "model", "hidden", "window"} | _TRAINING,
    "series": {"series", "hidden", "window"} | _TABLE | _TRAINING,
    "FILE": {"model"} | _TABLE | _NETWORK | _TRAINING,
}
"""By the job; seed, optimizer, out and quiet are used by all."""

_WHY = {
    ("digits", "target"): "digits has its own target",
    ("fashion-mnist", "target"): "fashion-mnist has its own target",
    ("fashion-mnist", "test"): "fashion-mnist has its own test images",
    ("text", "target"): "a text has no columns",
    ("series", "model"): "a series is forecast by an LSTM",
    ("FILE", "augment"): "is for networks of images, see --model",
    ("digits", "augment"): "is for networks of images, see --model",
}


def check_used(job: str, given: Mapping[str, object]) -> None:
    """Raise a usage error for an option that was given, its value not None, and that the job does not use."""
    for option, value in given.items():
        if value is not None and option not in USED[job]:
            jobs = [f"`subgrad train {name}`" for name, used in USED.items() if option in used]
            why = _WHY.get((job, option), f"is for {' and '.join(jobs)}")
            raise typer.BadParameter(why, param_hint=f"'--{option}'")


__all__ = ["USED", "check_used"]
