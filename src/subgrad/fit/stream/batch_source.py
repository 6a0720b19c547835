"""Batches as they are given, and as a run takes them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, DataError, ShapeError, naming
from subgrad.fit.arrays import Part, as_batch
from subgrad.fit.several.batch_form import Form, described
from subgrad.fit.stream.prefetch import Prefetched
from subgrad.graph.source_location import Site, inherit, user_site
from subgrad.graph.tensor import Tensor
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.module import Module

WANTED = "batches are (x, y), (x, y, sample_weight), or dicts"


class Reader:
    """Makes arrays of batches, all of one form.

    Args:
        model: whose ``forward`` says which entries of a dict are inputs.
        outputs: the keys of the losses, if each output has its own: these entries are targets.

    Attributes:
        outputs: as given.
        form: of the first batch, and of all others.
    """

    def __init__(self, model: Module, outputs: tuple[Any, ...] | None) -> None:
        single = model.stacked if isinstance(model, Ensemble) else model
        self._takes, self.outputs, self._dtype = (
            [*inspect.signature(single.forward).parameters],
            outputs,
            model._dtype(),
        )
        self.form: Form | None = None
        self._shapes: list[Any] = []

    def __call__(self, given: Any, name: str) -> Part:
        """The arrays of a batch, copied: whoever makes batches may use one array again. Errors call it ``name``."""
        with naming(name):
            part = as_batch(self._dtype, *self._parts(given), form=self.form)
            shapes = [(a.shape[1:], a.dtype) for a in part.arrays]
            if self.form is None:
                self.form, self._shapes = part.form, shapes
            if part.form != self.form:
                raise ArgumentError("it has weights and the first one has not, or the other way round")
            for what, now, first in zip(part.form.names, shapes, self._shapes, strict=True):
                if now != first:
                    raise ShapeError(f"{what} has samples of shape {now[0]}, {now[1]}, and the first batch had samples "
                                     f"of shape {first[0]}, {first[1]}")  # fmt: skip
        return Part.all([np.array(a) for a in part.arrays], part.form)

    def _parts(self, given: Any) -> tuple[Any, ...]:
        """X, y and perhaps weights."""
        if isinstance(given, Mapping):
            return self._of_dict(dict(given))
        if isinstance(given, (tuple, list)) and len(given) in (2, 3):
            return tuple(given)
        raise ArgumentError(f"{WANTED}, got {_form_of(given)}")

    def _of_dict(self, given: dict[str, Any]) -> tuple[Any, ...]:
        weight = [given.pop("sample_weight")] if "sample_weight" in given else []
        inputs = {key: value for key, value in given.items() if key in self._takes}
        others = {key: value for key, value in given.items() if key not in inputs}
        if not inputs or not others:
            raise ArgumentError(f"a batch that is {described(tuple(given))} has inputs, which are arguments of forward "
                                f"({', '.join(self._takes)}), and targets")  # fmt: skip
        X = inputs if len(self._takes) > 1 else next(iter(inputs.values()))
        if self.outputs is not None:
            return X, others, *weight
        if len(others) > 1:
            raise ArgumentError(f"forward takes {', '.join(inputs)}; the loss has one target, got {', '.join(others)}: "
                                "give a dict of losses, or leave out what is of no use")  # fmt: skip
        return X, next(iter(others.values())), *weight


class Source:
    """Where batches come from, epoch after epoch.

    Args:
        given: an iterable of batches, or a function without arguments that makes one.
        reader: makes arrays of each.

    Raises:
        ArgumentError: for what is no such thing.
    """

    def __init__(self, given: Any, reader: Reader) -> None:
        no_batches = isinstance(given, (np.ndarray, Tensor, str, Mapping))
        if no_batches or not (isinstance(given, Iterable) or callable(given)):
            raise ArgumentError(
                f"without y, X is batches: {WANTED}, in a list, a generator or a function that makes one; "
                f"got {_form_of(given)}"
            )
        self._given: Any = given
        self._reader = reader
        self._now: Prefetched | None = None

    def batches(self) -> Prefetched:
        """Those that are left, or all again after `begin_anew`."""
        if self._now is not None:
            return self._now
        made: Iterable[Any] = self._given if isinstance(self._given, Iterable) else self._given()
        self._now = Prefetched(self._read(made, user_site()))
        return self._now

    def _read(self, made: Iterable[Any], site: Site) -> Iterator[Any]:
        """Arrays of each batch; errors about one name the line of `fit`, as a thread has no line of the user."""
        for i, batch in enumerate(made, 1):
            with inherit(site, ""):
                arrays = self._reader(batch, f"batch {i}")
            yield arrays

    def begin_anew(self) -> bool:
        """After the last batch: whether there are batches again. There are none of an iterator."""
        if isinstance(self._given, Iterator):
            return False
        self.close()
        return True

    def close(self) -> None:
        """Fetch no more."""
        if self._now is not None:
            self._now.close()
            self._now = None


def all_of(given: Iterable[Any], reader: Reader) -> Part:
    """All batches together, as arrays."""
    parts = [reader(batch, f"validation, batch {i}") for i, batch in enumerate(given, 1)]
    if not parts:
        raise DataError("the validation has no batches")
    return Part.all([np.concatenate(arrays) for arrays in zip(*(p.arrays for p in parts), strict=True)], parts[0].form)


def _form_of(given: Any) -> str:
    shape = getattr(given, "shape", None)
    return type(given).__name__ + ("" if shape is None else f" of shape {tuple(shape)}")


