"""The block of a transformer that reads a second sequence."""

from __future__ import annotations

from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn.layers.activation import get as activation_class
from subgrad.nn.layers.attention import MultiHeadAttention
from subgrad.nn.layers.dropout import Dropout
from subgrad.nn.layers.linear import Linear
from subgrad.nn.layers.normalise import LayerNorm
from subgrad.nn.module import Module


class TransformerDecoderBlock(Module):
    """Causal attention to itself, attention to a second sequence, and a hidden layer, each with a shortcut around it
    (Vaswani et al. 2017, arXiv 1706.03762). The names of parameters are those of PyTorch's ``TransformerDecoderLayer``.

    Args:
        features: E, the length of the last axis.
        heads: of both attentions.
        hidden: width of the hidden layer; 4 E if it is None.
        dropout: probability, after the attentions, in and after the hidden layer.
        activation: of the hidden layer, by name.
        norm_first: normalise the input of each of the three, as in `TransformerBlock`, and not the sums.
        causal: each place sees itself and those before it alone; PyTorch leaves that to a mask.
        seed: for the initial values; the default stream if it is None.

    Raises:
        ArgumentError: for sizes below 1, heads that do not divide the features, or an unknown activation.
        ShapeError: when called, if an input is not (N, T, E).

    Example:
        >>> import subgrad as sg
        >>> block = sg.nn.TransformerDecoderBlock(16, heads=4)
        >>> block(sg.zeros((2, 5, 16)), sg.zeros((2, 7, 16))).shape
        (2, 5, 16)
    """

    def __init__(
        self, features: int, heads: int, hidden: int | None = None, dropout: float = 0.0, activation: str = "gelu",
        norm_first: bool = True, causal: bool = True, *, seed: int | None = None,
    ) -> None:  # fmt: skip
        own = [None if seed is None else seed + i for i in range(4)]
        self.norm_first = norm_first
        self.self_attn = MultiHeadAttention(features, heads, causal=causal, seed=own[0])
        self.multihead_attn = MultiHeadAttention(features, heads, seed=own[1])
        self.linear1 = Linear(features, hidden or 4 * features, seed=own[2])
        self.linear2 = Linear(hidden or 4 * features, features, seed=own[3])
        self.norm1, self.norm2, self.norm3 = LayerNorm(features), LayerNorm(features), LayerNorm(features)
        self.activation, self.dropout = activation_class(activation)(), Dropout(dropout)

    def forward(
        self, x: TensorLike, memory: TensorLike, mask: TensorLike = None, memory_mask: TensorLike = None
    ) -> Tensor:
        """The block's output for x of shape (N, T, E) that reads ``memory`` of shape (N, S, E); masks as in
        `MultiHeadAttention`."""
        x = as_tensor(x, self.linear1.weight.dtype)
        parts = [
            (self.norm1, lambda y: self.self_attn(y, mask=mask)),
            (self.norm2, lambda y: self.multihead_attn(y, memory, mask=memory_mask)),
            (self.norm3, lambda y: self.linear2(self.dropout(self.activation(self.linear1(y))))),
        ]
        for norm, part in parts:
            x = x + self.dropout(part(norm(x))) if self.norm_first else norm(x + self.dropout(part(x)))
        return x


__all__ = ["TransformerDecoderBlock"]
