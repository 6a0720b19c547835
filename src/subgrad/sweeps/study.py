"""The study of Optuna that a search lands in: it says what is tried next, and keeps what came of it.

One process asks and tells, so workers need not reach the storage.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from subgrad.entropy import entropy
from subgrad.errors import ArgumentError, FileError, missing_extra
from subgrad.sweeps.ranges import Range

Direction = Literal["minimize", "maximize"]
FACTS = "subgrad"  # the attribute of a study that says what it is of
PROCESS = "process"  # that of a trial, by which one that was left behind is known
NAMED = 60.0  # seconds after its begin, within which it is there
MOMENT = 0.2  # seconds between two looks whether it is

_running: set[tuple[str, int]] = set()  # studies and numbers of trials, of this process


class Asked(NamedTuple):
    """What is tried: the number of the trial, its values by name, and the trial itself where there is one process."""

    number: int
    values: dict[str, Any]
    trial: Any = None


class Trials:
    """The trials of a study, as a context: those that are under way at its end may be taken up again.

    Args:
        study: an ``optuna.Study``.
        space: what each value is chosen from, by name.
        one_process: whether the trials are run in this one.
    """

    def __init__(self, study: Any, space: Mapping[str, Range], one_process: bool) -> None:
        from optuna.trial import TrialState

        self._study, self._space, self._one_process = study, space, one_process
        self.states = TrialState
        self._own: set[tuple[str, int]] = set()

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        from optuna.exceptions import StorageInternalError

        _running.difference_update(self._own)
        if isinstance(error, StorageInternalError):
            why = str(error.__cause__ or error).splitlines()[0]
            raise FileError(f"the study cannot be kept: {why}; what ended before is in it, and the same call goes on "
                            "from there"[:400]) from error  # fmt: skip

    def enqueue(self, values: Mapping[str, Any]) -> None:
        """Try these values soon, unless they are in the study."""
        plain = {name: self._space[name].plain(value) for name, value in values.items()}
        self._study.enqueue_trial(plain, skip_if_exists=True)

    def ask(self, over: Callable[[], bool], count: int | None) -> Iterator[Asked]:
        """What to try, until it is over or the study has so many trials: first those that a killed process left, and at
        the end those that it had begun and not named yet, if nobody names them."""
        yield from self._left_behind(over)
        begun = [state for state in self.states if state is not self.states.WAITING]
        while not over() and (count is None or self.number_of(*begun) < count):
            yield self._begun(self._study.ask())
        while not over() and any((_unnamed_for(trial) or NAMED) < NAMED for trial in self._of_others()):
            time.sleep(MOMENT)
        yield from self._left_behind(over)

    def tell(self, number: int, value: float | None, state: Any = None) -> None:
        """What came of a trial: a value, NaN if there is none, or another state than ``COMPLETE`` and ``FAIL``."""
        failed = value is not None and math.isnan(value)
        self._study.tell(number, None if failed else value, self.states.FAIL if failed else state)
        self._end(number)

    def number_of(self, *states: Any) -> int:
        """How many trials there are."""
        return len(self._study.get_trials(deepcopy=False, states=states))

    def values_of(self, trial: Any) -> dict[str, Any]:
        """The values of a trial, by name."""
        return {name: self._space[name].restore(v) for name, v in trial.params.items() if name in self._space}

    def _left_behind(self, over: Callable[[], bool]) -> Iterator[Asked]:
        """Trials under way in a process that is not there any more: those are run again, with the values they have."""
        from optuna.trial import Trial

        for trial in self._of_others():
            if over():
                return
            if _is_left(trial):
                yield self._begun(Trial(self._study, trial._trial_id))

    def _of_others(self) -> list[Any]:
        """Trials under way that this process has not begun."""
        running = self._study.get_trials(deepcopy=False, states=(self.states.RUNNING,))
        return [trial for trial in running if (self._study.study_name, trial.number) not in _running]

    def _begun(self, trial: Any) -> Asked:
        """A trial that is under way here; the values that it has not yet are chosen."""
        trial.set_user_attr(PROCESS, _process())
        self._own.add((self._study.study_name, trial.number))
        _running.add((self._study.study_name, trial.number))
        values = {name: values.suggest(trial, name) for name, values in self._space.items()}
        return Asked(trial.number, values, trial if self._one_process else None)

    def _end(self, number: int) -> None:
        _running.discard((self._study.study_name, number))


def optuna_for(what: str, extra: str = "optuna") -> Any:
    """Optuna; without it `MissingExtraError`, which names the extra that brings all that is asked for."""
    try:
        import optuna
    except ImportError as error:
        raise missing_extra("Optuna", extra, what) from error
    return optuna


def opened(study: Any, direction: Direction, seed: int, of: str, facts: Mapping[str, Any]) -> Any:
    """A study itself, or that of a file of SQLite or an URL, a new one if there is none; in memory for None.

    Args:
        study: an ``optuna.Study``, a file, an URL, or None.
        direction: "minimize" or "maximize".
        seed: of the sampler, with the number of trials that are there: what goes on draws what was not drawn before.
        of: what is optimised, for a message.
        facts: what the study is of, by name: a study of other facts is refused.
    """
    import optuna

    if study is None or isinstance(study, (str, os.PathLike)):
        found = _stored(None if study is None else os.fspath(study), direction, seed)
    elif isinstance(study, optuna.Study):
        found = study
    else:
        raise ArgumentError(f"study is an optuna.Study, a file or an URL, got {type(study).__name__}")
    if (own := found.direction.name.lower()) != direction:
        raise ArgumentError(f"a study of {of} has to {direction} it, and this is to {own}")
    _require_facts(found, facts)
    return found


def _stored(place: str | None, direction: Direction, seed: int) -> Any:
    import optuna

    if place is not None and "://" not in place and not Path(place).absolute().parent.is_dir():
        raise FileError(f"there is no folder {Path(place).absolute().parent} for the study {place}")
    try:
        found = optuna.create_study(
            storage=place if place is None or "://" in place else f"sqlite:///{place}", study_name="subgrad",
            direction=direction, pruner=optuna.pruners.MedianPruner(), load_if_exists=True,
        )  # fmt: skip
        known = len(found.get_trials(deepcopy=False))
    except Exception as error:  # SQLAlchemy has many, for a file that is none of its own and for an unknown host
        raise FileError(f"{place} cannot be used as a study: {str(error).splitlines()[0]}"[:400]) from None
    if known or not 0 <= seed < 2**32:
        seed = int(entropy(seed, known).generate_state(1)[0])  # who goes on draws other values
    found.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    return found


def _require_facts(study: Any, facts: Mapping[str, Any]) -> None:
    """Raise `ArgumentError` if the study is of something else: numbers of other data say nothing."""
    known = study.user_attrs.get(FACTS)
    if known is None:
        study.set_user_attr(FACTS, dict(facts))
        return
    other = [f"{name} {known.get(name)!r} instead of {v!r}" for name, v in facts.items() if known.get(name) != v]
    if other:
        raise ArgumentError(f"the study is of something else, take a new one: it has {'; '.join(other)}"[:600])


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the line that Optuna writes for each trial: a callback says more."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _process() -> list[Any]:
    return [socket.gethostname(), os.getpid()]


def _is_left(trial: Any) -> bool:
    """Whether nobody runs a trial any more. Its process is named just after its begin: else it was killed there."""
    seconds = _unnamed_for(trial)
    return _is_gone(trial.user_attrs.get(PROCESS)) if seconds is None else seconds > NAMED


def _unnamed_for(trial: Any) -> float | None:
    """For how many seconds a trial has been under way whose process is not named; None if it is, or never will be."""
    if PROCESS in trial.user_attrs or trial.params or trial.datetime_start is None:
        return None
    return (datetime.now() - trial.datetime_start).total_seconds()


def _is_gone(process: Any) -> bool:
    """Whether a process of this machine has ended, or is this one; nothing is known of other machines."""
    if not isinstance(process, list) or len(process) != 2 or process[0] != socket.gethostname():
        return False
    if process[1] == os.getpid():
        return True
    try:
        os.kill(process[1], 0)
    except ProcessLookupError:
        return True
    except (OSError, TypeError):
        return False
    return False


__all__ = ["Asked", "Direction", "Trials", "opened", "optuna_for", "quiet"]
