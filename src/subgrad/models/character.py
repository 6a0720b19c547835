"""Recurrent networks that predict the next character."""

from __future__ import annotations

from subgrad import nn
from subgrad.models.seeds import seeds


def char_rnn(
    characters: int = 256, features: int = 64, hidden: int = 256, layers: int = 1, dropout: float = 0.0,
    seed: int | None = None,
) -> nn.Sequential:  # fmt: skip
    """A tanh RNN (`subgrad.nn.RNN`) of integers (N, T) to scores (N, T, characters): row t of the result scores what
    follows character t (Sutskever, Martens, Hinton 2011, "Generating text with recurrent neural networks").

    Args:
        characters: how many different ones there are.
        features: of the vector of each character.
        hidden: of the state.
        layers: recurrent ones.
        dropout: probability, between the layers.
        seed: for the initial values; the default stream if it is None.

    Raises:
        ArgumentError: for sizes below 1.

    Example:
        >>> import subgrad as sg
        >>> sg.models.char_rnn(characters=5, hidden=8)(sg.tensor([[0, 4, 1]])).shape
        (1, 3, 5)
    """
    return _network(nn.RNN, characters, features, hidden, layers, dropout, seed)


def char_lstm(
    characters: int = 256, features: int = 64, hidden: int = 256, layers: int = 1, dropout: float = 0.0,
    seed: int | None = None,
) -> nn.Sequential:  # fmt: skip
    """As `char_rnn`, with an LSTM, which remembers for longer (Graves 2013, arXiv 1308.0850).

    Example:
        >>> import subgrad as sg
        >>> print(sg.models.char_lstm(characters=5, features=4, hidden=8).summary((1, 3), dtype="int64"))
        Layer                   Output     Parameters  FLOPs
        Sequential              (1, 3, 5)         513  2,544
          embedding: Embedding  (1, 3, 4)          20      0
          recurrent: LSTM       (1, 3, 8)         448  2,304
          out: Linear           (1, 3, 5)          45    240
    """
    return _network(nn.LSTM, characters, features, hidden, layers, dropout, seed)


def _network(
    kind: type[nn.RNN | nn.LSTM], characters: int, features: int, hidden: int, layers: int, dropout: float,
    seed: int | None,
) -> nn.Sequential:  # fmt: skip
    own = seeds(seed)
    return nn.Sequential({
        "embedding": nn.Embedding(characters, features, seed=next(own)),
        "recurrent": kind(features, hidden, layers, dropout=dropout, returns="sequence", seed=next(own)),
        "out": nn.Linear(hidden, characters, seed=next(own)),
    })  # fmt: skip
