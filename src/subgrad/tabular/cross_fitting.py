"""The training run: all members side by side, each tested on the rows that it is not trained on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from subgrad.fit.history import History
from subgrad.fit.options import says_stop
from subgrad.io.terminal import ProgressLine
from subgrad.tabular.defaults import Settings
from subgrad.tabular.member_programs import Scorer, Trainer
from subgrad.tabular.network import TabularNetwork

CHUNK_SECONDS = 0.1  # how often a run comes back for the progress bar and Ctrl-C
WAVES = 4  # of the step size, each twice as long as the one before: a run that is long enough earlier can end there
LOOKS_A_WAVE = 6  # times that the held-out rows are scored, in the second half of a wave, where the steps get smaller

Judge = Callable[[np.ndarray], float]
"""A loss of what the members score the rows with that they have not seen, (copies, n, outputs)."""


@dataclass
class Best:
    """The moment at which the members did best on rows that they are not trained on."""

    loss: float = np.inf
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
    """

    def __init__(
        self, net: TabularNetwork, data: Sequence[np.ndarray], parts: np.ndarray, settings: Settings, seed: int,
        judge: Judge,
    ) -> None:  # fmt: skip
        self.net, self.data, self.settings, self.seed, self.judge = net, data, settings, seed, judge
        folds = int(parts.max()) + 1
        self.own = [np.flatnonzero(parts != m % folds) for m in range(net.members)]
        self.held_out = [np.flatnonzero(parts == m % folds) for m in range(net.members)]
        fewest = min(map(len, self.own))
        self.batch = min(settings.batch_for(len(parts)), 2 ** int(np.log2(fewest)))
        self.steps_a_pass = fewest // self.batch
        self.steps = self.steps_a_pass * settings.passes_for(len(parts))
        self.trainer, self.scorer = Trainer(net, data, settings, self.batch, seed), Scorer(net)
        self.best, self.history = Best(), History()

    def train(self, verbose: bool | None, callbacks: Sequence[Callable[[History], object]], seconds: float) -> None:
        """Take all steps, or as many as ``seconds`` allow; the network ends with the values of the best moment.

        Ctrl-C and a callback that returns True end the run as well.
        """
        start = time.perf_counter()
        try:
            with ProgressLine(verbose, _columns) as line:
                self._steps(start, line, callbacks, seconds)
        except KeyboardInterrupt:
            self.history.stopped = "interrupted"
            if not len(self.history):
                self._look(np.nan, start)
        self.trainer.take(self.best.values)

    def _steps(self, start: float, line: ProgressLine, callbacks: Sequence, seconds: float) -> None:
        batches, done, size, losses = _Batches(self.own, self.batch, self.seed), 0, 1, []
        for end in self._looks():
            while done < end:
                began = time.perf_counter()
                rows = batches.next(min(size, end - done))
                losses.append(self.trainer.run(rows, self._sizes(done, len(rows))))
                done += len(rows)
                now = time.perf_counter()
                size = max(1, min(4 * size, int(len(rows) * CHUNK_SECONDS / (now - began))))
                line.show(self._said, done, self.steps)
                if now - start > seconds:
                    self.history.stopped = "deadline"
                    break
            self._look(float(np.concatenate(losses).mean()), start)
            losses = []
            answers = [callback(self.history) for callback in callbacks]  # each is called, whatever others say
            if any(map(says_stop, answers)):
                self.history.stopped = "callback"
            if done in self._ends() and not self._wave_was_of_use(done):
                self.history.stopped = "early stopping"
            if self.history.stopped != "finished":
                return

    def _ends(self) -> list[int]:
        """The steps after which the waves end."""
        return [round(self.steps * (2 ** (i + 1) - 1) / (2**WAVES - 1)) for i in range(WAVES)]

    def _looks(self) -> list[int]:
        """The steps after which the held-out rows are scored."""
        starts = [0, *self._ends()[:-1]]
        found = [end - (end - start) * i // (2 * LOOKS_A_WAVE)
                 for start, end in zip(starts, self._ends(), strict=True) for i in range(LOOKS_A_WAVE)]  # fmt: skip
        return sorted({step for step in found if step > 0})

    def _wave_was_of_use(self, end: int) -> bool:
        """Whether the best moment is in the wave that ends here."""
        ends = [0, *self._ends()]
        return self.best.step > ends[ends.index(end) - 1]

    def _said(self) -> str:
        return f"validation loss {self.history['validation_loss'][-1]:.4g}" if len(self.history) else "training"

    def _sizes(self, first: int, count: int) -> np.ndarray:
        """Step sizes: four waves from 0 up and down to 0 again, each twice as long as the one before (RealMLP)."""
        t = (np.arange(first, first + count) + 0.5) / self.steps
        return self.settings.lr * (0.5 - 0.5 * np.cos(2 * np.pi * np.log2(1 + (2**WAVES - 1) * t)))

    def _look(self, training: float, start: float) -> None:
        """Score the rows that members have not seen, and keep the values if they never did better."""
        self.trainer.publish()
        found = self.scorer.of(self.data[0], self.held_out)
        copies = sum(map(len, self.held_out)) // len(self.data[0])
        scores = np.empty((copies, len(self.data[0]), found.shape[-1]), found.dtype)
        for m, rows in enumerate(self.held_out):
            scores[m * copies // self.net.members, rows] = found[m, : len(rows)]
        loss = self.judge(scores)
        if loss < self.best.loss or not self.best.values:
            self.best = Best(loss, self.trainer.steps, self.trainer.values(), scores)
        self.history.epochs.append({"loss": training, "validation_loss": loss, "seconds": time.perf_counter() - start})


class _Batches:
    """The numbers of the rows of each member's batches, in a new order for each pass over them."""

    def __init__(self, own: Sequence[np.ndarray], batch: int, seed: int) -> None:
        self._own, self._batch = own, batch
        self._rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([abs(seed), 2])))
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


__all__ = ["Run"]
