"""A transformer that writes characters: causal attention, a warm-up, sampling with a temperature and the k best.

    python examples/networks/character_transformer.py
"""

from __future__ import annotations

import numpy as np

import subgrad as sg
from subgrad.data.characters import Characters, windows

TEXT = "a kink is where a slope jumps, and a slope is how fast a value climbs. " * 12
LENGTH, DEPTH, EPOCHS, BATCH = 32, 2, 40, 8


def write(net: sg.nn.Module, known: Characters, start: str, count: int, temperature: float, k: int) -> str:
    """``start`` and what the network writes behind it, each character one of the k likeliest."""

    @sg.compile
    def following(tokens):
        best, which = sg.topk(net(tokens)[0, -1] / temperature, k)
        return which[sg.random.categorical(best)]

    said = list(known.encode(start))
    for _ in range(count):
        said.append(int(following(np.array([said[-LENGTH:]]))))
    return known.decode(said)


def main() -> tuple[float, str]:
    """Train, and give the loss and a text."""
    sg.manual_seed(0)
    known = Characters.of(TEXT)
    X, y = windows(known.encode(TEXT), LENGTH)
    net = sg.models.transformer_small(len(known), LENGTH, features=32, heads=4, depth=DEPTH, seed=0)
    steps = EPOCHS * -(-len(X) // BATCH)
    schedule = sg.step.Warmup(sg.step.Cosine(5e-3, steps=steps), steps=steps // 10)
    history = sg.fit(
        net, X, y, loss="cross_entropy", optimizer=sg.Adam(schedule), epochs=EPOCHS, batch_size=BATCH, seed=0
    )
    print(f"loss {history['loss'][0]:.2f} at first, {history['loss'][-1]:.3f} at last")
    written = ""
    for temperature, k in ((0.5, 3), (1.5, 10)):
        text = write(net, known, TEXT[:LENGTH], 60, temperature, k)
        print(f"temperature {temperature}, the {k} best: {text!r}")
        written = written or text
    return history["loss"][-1], written


if __name__ == "__main__":
    main()
