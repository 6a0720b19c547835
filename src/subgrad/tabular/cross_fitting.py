"""The training run: all members side by side, each tested on the rows that it is not trained on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from subgrad.entropy import philox
from subgrad.fit.callbacks.callback import says_stop
from subgrad.fit.history import History
from subgrad.io.terminal import ProgressLine
from subgrad.tabular.defaults import Settings
from subgrad.tabular.member_programs import Scorer, Trainer
from subgrad.tabular.network import TabularNetwork

CHUNK_SECONDS = 0.1  # how often a run comes back for the progress bar and Ctrl-C
WAVES = 4  # of the step size, at most, each twice as long as the one before: a run that is long enough can end there
LONG = 600_000  # rows that a network sees from which on there is a wave more: what is noisy then ends a seventh sooner
PILOT = 1  # waves after which the best of several runs is known: a second one changed nothing that counts
GAIN = 0.005  # the part of the loss that a wave takes away at least, if one of twice the length is to follow
LOOKS = 6  # times that the held-out rows are scored in a wave, at most, in its second half, where steps get smaller
LOOKING = 0.1  # the share of the arithmetic that these may take
ENDINGS = ("callback", "deadline")  # of all runs together, where a wave that brought nothing ends its own run alone

Judge = Callable[[np.ndarray], tuple[float, float]]
"""A loss of what the members score the rows with that they have not seen, (copies, n, outputs); and another one, for
moments that are equal by the first, as counts of right answers often are."""


@dataclass
class Best:
    """The moment at which the members did best on rows that they are not trained on."""

    loss: tuple[float, float] = (np.inf, np.inf)
    step: int = 0
    values: list[np.ndarray] = field(default_factory=list)
    scores: np.ndarray = field(default_factory=lambda: np.empty(0))


class Run:
    """Members in training.

    Args:
        net: the members.
        data: features (n, d), targets (n,) and perhaps weights (n,).
        parts: the fold (n,) of each row; member m is not trained on those of fold m modulo the number of folds.
        settings, seed: see `subgrad.tabular.fit_tabular`.
        judge: what makes one moment better than another.
        quantiles: what is learnt of numbers, in the place of their mean.
    """

    def __init__(
        self, net: TabularNetwork, data: Sequence[np.ndarray], parts: np.ndarray, settings: Settings, seed: int,
        judge: Judge, quantiles: Sequence[float] = (),
    ) -> None:  # fmt: skip
        self.net, self.data, self.settings, self.seed, self.judge = net, data, settings, seed, judge
        folds = int(parts.max()) + 1
        self.own = [np.flatnonzero(parts != m % folds) for m in range(net.members)]
        self.held_out = [np.flatnonzero(parts == m % folds) for m in range(net.members)]
        fewest = min(map(len, self.own))
        self.batch = min(settings.batch_for(len(parts)), 2 ** int(np.log2(fewest)))
        self.steps_a_pass = fewest // self.batch
        passes = settings.passes_for(len(parts))
        self.steps = self.steps_a_pass * passes
        waves = WAVES + (self.steps * self.batch >= LONG)
        self._waves = min(waves, int(np.log2(passes + 1)))  # the first has a pass at least
        # A look is a forward pass for the rows of one fold, a step's three are for those of the others.
        self._looks_a_wave = min(LOOKS, max(1, round(LOOKING * 3 * (folds - 1) * passes / self._waves)))
        self.trainer, self.scorer = Trainer(net, data, settings, self.batch, seed, quantiles), Scorer(net)
        self.best, self.history = Best(), History()

        self._batches, self._done, self.waves = _Batches(self.own, self.batch, seed), 0, 0

    @property
    def over(self) -> bool:
        """Whether nothing is left to do, or something ended the run."""
        return self._done >= self.steps or self.history.stopped != "finished"

    def wave(self, watch: Watch) -> None:
        """Take the steps of the next wave."""
        end = next(end for end in self._ends() if end > self._done)
        before, reached, losses, size = self._done, self.best.loss[0], [], 1
        for look in self._looks(before, end):
            while self._done < look and not watch.is_late:
                began = time.perf_counter()
                rows = self._batches.next(min(size, look - self._done))
                losses.append(self.trainer.run(rows, self._sizes(self._done, len(rows))))
                self._done += len(rows)
                elapsed = time.perf_counter() - began
                size = max(1, min(4 * size, int(len(rows) * CHUNK_SECONDS / elapsed)))
                watch.line.show(self._said, self._done, self.steps)
            self.look(float(np.concatenate(losses).mean()) if losses else np.nan, watch)
            losses = []
            if self.history.stopped != "finished":
                return
        self.waves += 1
        loss = self.best.loss[0]
        if np.isfinite(loss) and (self.best.step <= before or reached - loss < GAIN * max(loss, 0.0)):
            self.history.stopped = "early stopping"

    def _ends(self) -> list[int]:
        """The steps after which the waves end."""
        return [round(self.steps * (2 ** (i + 1) - 1) / (2**self._waves - 1)) for i in range(self._waves)]

    def _looks(self, start: int, end: int) -> list[int]:
        """The steps of a wave after which the held-out rows are scored."""
        count = self._looks_a_wave
        found = [end - (end - start) * i // (2 * count) for i in range(count)]
        return sorted({step for step in found if step > start})

    def _said(self) -> str:
        return f"validation loss {self.history['validation_loss'][-1]:.4g}" if len(self.history) else "training"

    def _sizes(self, first: int, count: int) -> np.ndarray:
        """Step sizes: waves from 0 up and down to 0 again, each twice as long as the one before (RealMLP)."""
        t = (np.arange(first, first + count) + 0.5) / self.steps
        return self.settings.lr * (0.5 - 0.5 * np.cos(2 * np.pi * np.log2(1 + (2**self._waves - 1) * t)))

    def look(self, training: float, watch: Watch) -> None:
        """Score the rows that members have not seen, and keep the values if they never did better."""
        self.trainer.publish()
        found = self.scorer.of(self.data[0], self.held_out)
        copies = sum(map(len, self.held_out)) // len(self.data[0])
        scores = np.empty((copies, len(self.data[0]), found.shape[-1]), found.dtype)
        for m, rows in enumerate(self.held_out):
            scores[m * copies // self.net.members, rows] = found[m, : len(rows)]
        loss, other = self.judge(scores)
        # the precision of a class that is not answered yet is unknown
        known = (np.inf if np.isnan(loss) else loss, other)
        if known < self.best.loss or not self.best.values:
            self.best = Best(known, self.trainer.steps, self.trainer.values(), scores)
        self.history.epochs.append({"loss": training, "validation_loss": loss, "seconds": watch.seconds})
        watch.ask(self.history)

    def finish(self) -> None:
        """The network ends with the values of the best moment."""
        self.trainer.take(self.best.values)


class Watch:
    """What goes on beside a run: the clock, the progress bar, and the user's functions."""

    def __init__(self, line: ProgressLine, callbacks: Sequence[Callable[[History], object]], most: float) -> None:
        self.line, self._callbacks, self._most, self._start = line, callbacks, most, time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long it has gone on."""
        return time.perf_counter() - self._start

    @property
    def is_late(self) -> bool:
        """Whether its time is over."""
        return self.seconds > self._most

    def ask(self, history: History) -> None:
        """Let the clock and the functions end the run."""
        answers = [callback(history) for callback in self._callbacks]  # each is called, whatever others say
        if any(map(says_stop, answers)):
            history.stopped = "callback"
        elif self.is_late:
            history.stopped = "deadline"


def train(
    runs: Sequence[Run], verbose: bool | None, callbacks: Sequence[Callable[[History], object]], most: float
) -> Run:
    """The best of some runs, to its end: after `PILOT` waves of each, only that one goes on.

    Ctrl-C, a callback that returns True and the end of the time end it as well.
    """
    with ProgressLine(verbose, _columns) as line:
        watch = Watch(line, callbacks, most)
        run = runs[0]
        try:
            for run in runs if len(runs) > 1 else []:
                while not run.over and run.waves < PILOT:
                    run.wave(watch)
                if run.history.stopped in ENDINGS:
                    break
            stopped = run.history.stopped
            run = min(runs, key=lambda run: run.best.loss)
            if stopped in ENDINGS:
                run.history.stopped = stopped
            while not run.over:
                run.wave(watch)
        except KeyboardInterrupt:
            run = min(runs, key=lambda run: run.best.loss)
            run.history.stopped = "interrupted"
            if not len(run.history):
                run.look(np.nan, Watch(line, (), np.inf))
    run.finish()
    return run


class _Batches:
    """The numbers of the rows of each member's batches, in a new order for each pass over them."""

    def __init__(self, own: Sequence[np.ndarray], batch: int, seed: int) -> None:
        self._own, self._batch = own, batch
        self._rng = philox(seed, 2)
        self._left = np.empty((0, len(own), batch), np.int64)

    def next(self, steps: int) -> np.ndarray:
        """The rows of the next steps (steps, members, batch), of fewer where a pass ends."""
        if not len(self._left):
            used = min(map(len, self._own)) // self._batch * self._batch
            orders = [self._rng.permutation(own)[:used].reshape(-1, self._batch) for own in self._own]
            self._left = np.stack(orders, axis=1)
        found, self._left = self._left[:steps], self._left[steps:]
        return found


def _columns() -> Sequence:
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    return TextColumn("tabular"), BarColumn(20), TextColumn("{task.description}"), TimeRemainingColumn()


__all__ = ["Run", "train"]
