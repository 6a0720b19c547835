"""``subgrad train text FILE``: a network that predicts the next character."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console

import subgrad
from subgrad import io, models, nn
from subgrad.cli.epochs import epoch_lines
from subgrad.cli.failure import fail, usage
from subgrad.cli.jobs.job import Answers, Request, descent, heading, next_commands, share, widths
from subgrad.cli.pages import of_text
from subgrad.cli.pages.asked_page import UNSEEN, Page, check_training, page, page_of_file
from subgrad.cli.screen import bullets
from subgrad.cli.shared import fit
from subgrad.data.characters import Characters, read_text, windows
from subgrad.entropy import pcg64
from subgrad.errors import ArgumentError, FileError
from subgrad.fit import History, evaluate
from subgrad.optim.optimizer import Descent

NETWORKS: dict[str, Callable[..., nn.Sequential]] = {"char_lstm": models.char_lstm, "char_rnn": models.char_rnn}
EPOCHS, BATCH_SIZE, WINDOW, TEST, STEP = 10, 32, 100, 0.1, "cosine(0.005, steps={steps})"


@dataclass(frozen=True, kw_only=True)
class TextPlan:
    """How to train on a text; ``hidden`` are the units of each recurrent layer, all alike."""

    file: Path
    model: str
    hidden: tuple[int, ...]
    window: int
    epochs: int
    batch_size: int
    test: float
    optimizer: Callable[[int], Descent]
    seed: int
    out: Path
    origin: str
    fit: dict[str, Any]
    page: Page | None = None

    def network(self, characters: int) -> nn.Sequential:
        """The network before the training. Raises `ArgumentError` for layers of different widths, or none."""
        if len(set(self.hidden)) != 1:
            raise ArgumentError(
                f"the recurrent layers have one width, got {', '.join(map(str, self.hidden)) or 'none'}"
            )
        return NETWORKS[self.model](characters, hidden=self.hidden[0], layers=len(self.hidden), seed=self.seed)


def run(plan: TextPlan, console: Console) -> None:
    """Train on the first part of a text, test on the rest, save."""
    text = read_text(plan.file)
    known = Characters.of(text)
    numbers = known.encode(text)
    cut = len(numbers) - round(plan.test * len(numbers))
    learn, held_out = windows(numbers[:cut], plan.window), windows(numbers[cut:], plan.window) if plan.test else None
    model = plan.network(len(known))
    _introduce(console, plan, len(numbers), len(known), cut)
    steps = plan.epochs * math.ceil(len(learn[0]) / plan.batch_size)
    history = _fit(model, learn, plan, steps, console)
    bits = evaluate(model, *held_out, loss="cross_entropy")["loss"] / math.log(2) if held_out else None
    _save(model, known, plan, bits)
    console.print(
        f"{len(history)} epochs in {sum(history['seconds']):.0f} s: {history['loss'][-1] / math.log(2):.3f} bits"
    )
    if bits is not None and held_out:
        frequencies = _bits_by_frequency(numbers[:cut], held_out[1], len(known))
        told = f"Test: {bits:.3f} bits a character; by their frequencies alone it takes {frequencies:.3f}."
        console.print(f"\n{told}", style="bold")
    console.print(f"\nSaved {plan.out}. Next:", style="bold")
    bullets(console, [f"subgrad generate {shlex.quote(str(plan.out))}"])
    if plan.page is not None and held_out:
        counts = np.bincount(numbers[:cut], minlength=len(known))
        data, told = f"{plan.file.name}: {len(numbers):,} characters", [f"{_title(plan)}; seed {plan.seed}"]
        of_text.write(plan.page, model, known, held_out, data, console, history, counts, told, UNSEEN)
    if history.stopped == "interrupted":
        fail(f"interrupted: the model of epoch {history.best_epoch} is in {plan.out}")


def _introduce(console: Console, plan: TextPlan, length: int, kinds: int, cut: int) -> None:
    console.print(f"{plan.file.name}: {length:,} characters, {kinds - 1} different ones", style="bold")
    bullets(
        console, [f"The first {cut:,} to learn from, in pieces of {plan.window}; the last {length - cut:,} to test on."]
    )
    console.print(f"Network: {_title(plan)}")
    console.print(f"Training: {plan.epochs} epochs in batches of {plan.batch_size}")


def _title(plan: TextPlan) -> str:
    return f"{plan.model}, {'-'.join(map(str, plan.hidden))}"


def _fit(
    model: nn.Module, learn: tuple[np.ndarray, np.ndarray], plan: TextPlan, steps: int, console: Console
) -> History:
    history = fit(
        model, *learn, loss="cross_entropy", optimizer=plan.optimizer(steps), epochs=plan.epochs,
        batch_size=plan.batch_size, seed=plan.seed, verbose=False if console.quiet else None,
        callbacks=epoch_lines(console, plan.epochs), **plan.fit,
    )  # fmt: skip
    if not len(history):
        fail("interrupted in the first epoch: there is no model to save")
    return history


def _bits_by_frequency(learn: np.ndarray, test: np.ndarray, kinds: int) -> float:
    """Bits a character of the test if each is expected as often as it came before, one time more than that."""
    counts = np.bincount(learn, minlength=kinds) + 1
    return float(-np.log2(counts / counts.sum())[test].mean())


def _save(model: nn.Module, known: Characters, plan: TextPlan, bits: float | None) -> None:
    record = {"data": plan.file.name, "network": plan.model, "epochs": plan.epochs, "seed": plan.seed, "bits": bits,
              "window": plan.window, "origin": plan.origin}  # fmt: skip
    io.save(model, plan.out, {"task": "text", "characters": known.known, "training": record})


def load(path: Path) -> tuple[Any, Characters]:
    """The network and its characters; `FileError` for any other file."""
    model: Any = io.load_module(path)
    info, parts = io.read_info(path), model.children
    known = info.get("characters")
    kinds = {"embedding": nn.Embedding, "recurrent": (nn.RNN, nn.LSTM), "out": nn.Linear}
    fits = info.get("task") == "text" and all(isinstance(parts.get(name), kind) for name, kind in kinds.items())
    if not fits or not isinstance(known, str) or not 1 < len(known) == model.embedding.weight.shape[0]:
        raise FileError(f"{path} is no model of text; `subgrad train text` makes one")
    return model, Characters(known)


def generate(model: Any, known: Characters, prompt: str, length: int, temperature: float, seed: int) -> Iterator[str]:
    """Characters that follow ``prompt``, each drawn with the probabilities of the network; at ``temperature`` 0 the
    likeliest one."""
    random = pcg64(seed)

    @subgrad.compile
    def step(number: Any, state: Any) -> Any:
        y, state = model.recurrent.run(model.embedding(number), state)
        return model.out(y)[0, 0], state

    scores, state = np.zeros(len(known), np.float32), _first_state(model.recurrent)
    for number in known.encode(prompt or "\n"):
        scores, state = step(np.full((1, 1), number), state)
    for _ in range(length):
        number = _drawn(scores, temperature, random)
        yield known.known[number]
        scores, state = step(np.full((1, 1), number), state)


def _first_state(layer: Any) -> Any:
    zeros = np.zeros((layer.num_layers, 1, layer.hidden_size), np.float32)
    return (zeros, zeros) if isinstance(layer, nn.LSTM) else zeros


def _drawn(scores: np.ndarray, temperature: float, random: np.random.Generator) -> int:
    """A number other than 0, which stands for characters that are not known."""
    if temperature == 0:
        return 1 + int(scores[1:].argmax())
    powers = np.exp((scores[1:] - scores[1:].max()).astype(np.float64) / temperature)
    return 1 + int(random.choice(len(powers), p=powers / powers.sum()))


class TextJob:
    """Training on a text; see `subgrad.cli.jobs.job.Job`."""

    def check(self, asked: Request) -> None:
        asked.check("text")
        if asked.given.model is not None and asked.given.model.value not in NETWORKS:
            raise typer.BadParameter(f"for text: {', '.join(NETWORKS)}", param_hint="'--model'")
        check_training(asked)

    def plan(self, asked: Request) -> TextPlan:
        given = asked.given
        plan = TextPlan(
            file=Path(asked.data),
            model="char_lstm" if given.model is None else given.model.value,
            hidden=widths(given, "256"),
            window=given.window or WINDOW,
            epochs=given.epochs or EPOCHS,
            batch_size=given.batch_size or BATCH_SIZE,
            test=share(given.test, TEST),
            optimizer=descent(given, STEP),
            seed=given.seed,
            out=asked.out,
            origin=asked.origin,
            fit=given.for_fit(),
            page=page(asked),
        )
        with usage("--hidden"):
            plan.network(2)
        return plan

    def run(self, plan: TextPlan, console: Console) -> None:
        run(plan, console)

    def load(self, path: Path) -> tuple[Any, Characters]:
        return load(path)

    def predict(self, model: Path, file: Path, keep: Sequence[str] = ()) -> Answers:
        raise _no_table(model)

    def evaluate(self, model: Path, file: Path, console: Console, report: Path | None = None) -> None:
        """How surprising each character of a text is, in pieces as they were in the training."""
        asked, (network, known), text = page_of_file(report, model, file), self.load(model), read_text(file)
        pieces = windows(known.encode(text), io.read_info(model)["training"].get("window", WINDOW))
        strange = int(np.sum(pieces[1] == 0))
        bits = evaluate(network, *pieces, loss="cross_entropy")["loss"] / math.log(2)
        console.print(f"{len(text):,} characters of {file}", style="bold")
        bullets(console, [f"{strange:,} are characters that it does not know."] if strange else [])
        console.print(f"{bits:.3f} bits a character", style="bold")
        if asked is not None:
            of_text.write(asked, network, known, pieces, f"{len(text):,} characters of {file}", console)

    def show(self, model: Path, console: Console) -> None:
        network, known = self.load(model)
        record = io.read_info(model)["training"]
        console.print(f"{model}: text", style="bold")
        bullets(console, [f"The next character, one of {len(known) - 1} that it knows, from those before it."])
        heading(console, "Layers")
        console.print(network.summary((1, 1), dtype="int64"))
        heading(console, "Training")
        bits = record["bits"]
        tested = f"Test: {bits:.3f} bits a character" if bits else "No part was held out to test on."
        told = f"{record['data']}; {record['network']}; {record['epochs']} epochs; seed {record['seed']}"
        bullets(console, [told, tested])
        next_commands(console, model, ["generate"], "--prompt TEXT")
        bullets(console, [f"subgrad evaluate {shlex.quote(str(model))} FILE"])


def _no_table(model: Path) -> FileError:
    return FileError(f"{model} is a model of text, for which there are `subgrad generate`, `evaluate` and `show`")


__all__ = ["NETWORKS", "TextJob", "TextPlan", "generate", "load", "run"]
