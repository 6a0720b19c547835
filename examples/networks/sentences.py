"""Positive or negative? A bidirectional LSTM reads sentences of several lengths, filled up at the end.

    python examples/networks/sentences.py

The sentences are made up: good and bad words among others, and a "not" turns the word behind it around.
"""

from __future__ import annotations

import numpy as np

import subgrad as sg
from subgrad import nn

WORDS = ["", "good", "fine", "bad", "dull", "not", "the", "film", "was", "and", "plot"]  # the first one fills up
WORTH = {"good": 1, "fine": 1, "bad": -1, "dull": -1}
LONGEST, EPOCHS = 12, 8


def sentence(rng: np.random.Generator) -> tuple[list[str], int]:
    """Words, and 1 if they praise more than they blame."""
    while True:
        words = list(rng.choice(WORDS[1:], rng.integers(4, LONGEST + 1)))
        turned = [-1 if before == "not" else 1 for before in ["", *words[:-1]]]
        total = sum(sign * WORTH.get(word, 0) for sign, word in zip(turned, words, strict=True))
        if total:
            return words, int(total > 0)


def sentences(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of words (n, LONGEST), how many each sentence has, and labels 0 and 1."""
    rng = np.random.default_rng(seed)
    made = [sentence(rng) for _ in range(n)]
    tokens = np.zeros((n, LONGEST), np.int64)
    for row, (words, _) in zip(tokens, made, strict=True):
        row[: len(words)] = [WORDS.index(word) for word in words]
    return tokens, np.array([len(words) for words, _ in made]), np.array([label for _, label in made])


class Reader(nn.Module):
    """Scores (n, 1) of sentences, above 0 for praise."""

    def __init__(self) -> None:
        self.embedding = nn.Embedding(len(WORDS), 8, seed=0)
        self.lstm = nn.LSTM(8, 16, bidirectional=True, returns="last", seed=1)
        self.out = nn.Linear(32, 1, seed=2)

    def forward(self, tokens: sg.Tensor, lengths: sg.Tensor) -> sg.Tensor:
        there = sg.tensor(np.arange(LONGEST)) < lengths[:, None]
        return self.out(self.lstm(self.embedding(tokens), mask=there))


def main() -> float:
    """Train, and give the accuracy on sentences that were not read."""
    tokens, lengths, labels = sentences(2000, seed=0)
    net = Reader()
    sg.fit(
        net, (tokens, lengths), labels[:, None], loss="binary_cross_entropy", optimizer=sg.Adam(0.01), epochs=EPOCHS,
        batch_size=32, seed=0,
    )  # fmt: skip
    tokens, lengths, labels = sentences(500, seed=1)
    accuracy = np.mean((sg.predict(net, (tokens, lengths))[:, 0] > 0) == labels)
    print(f"accuracy on 500 new sentences: {accuracy:.3f}")
    return float(accuracy)


if __name__ == "__main__":
    main()
