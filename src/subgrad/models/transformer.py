"""A small transformer that predicts the next token."""

from __future__ import annotations

from subgrad import nn
from subgrad.models.seeds import seeds


def transformer_small(
    tokens: int = 256, length: int = 128, features: int = 128, heads: int = 4, depth: int = 4, dropout: float = 0.0,
    seed: int | None = None,
) -> nn.Sequential:  # fmt: skip
    """A decoder as GPT-2's (Radford et al. 2019), of integers (N, T) to scores (N, T, tokens): row t of the result
    scores what follows token t, and depends on the tokens up to it alone.

    Args:
        tokens: how many different ones there are.
        length: of the longest sequence.
        features: of the vector of each place.
        heads: of each attention.
        depth: how many blocks.
        dropout: probability.
        seed: for the initial values; the default stream if it is None.

    Raises:
        ArgumentError: for sizes below 1, or heads that do not divide the features.

    Example:
        >>> import subgrad as sg
        >>> net = sg.models.transformer_small(tokens=5, length=7, features=8, heads=2, depth=2)
        >>> net(sg.tensor([[0, 4, 1]])).shape
        (1, 3, 5)
    """
    own = seeds(seed)
    blocks = [nn.TransformerBlock(features, heads, None, dropout, causal=True, seed=next(own)) for _ in range(depth)]
    return nn.Sequential({
        "embedding": nn.Embedding(tokens, features, seed=next(own)),
        "position": nn.PositionalEmbedding(length, features, seed=next(own)),
        "blocks": nn.Sequential(*blocks),
        "norm": nn.LayerNorm(features),
        "out": nn.Linear(features, tokens, bias=False, seed=next(own)),
    })  # fmt: skip
