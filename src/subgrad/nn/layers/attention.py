"""Attention, and the block of a transformer that is made of it."""

from __future__ import annotations

import math

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.dtype import bool_
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, constant
from subgrad.nn import init, validation
from subgrad.nn.layers.activation import get as activation_class
from subgrad.nn.layers.dropout import Dropout
from subgrad.nn.layers.linear import Linear
from subgrad.nn.layers.normalise import LayerNorm
from subgrad.nn.module import Module
from subgrad.ops import einsum, logical_and, softmax, where


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: TensorLike = None, causal: bool = False
) -> Tensor:
    """softmax(Q Kᵀ / sqrt(d)) V: for each query the mean of the values, weighted by how well their keys fit (Vaswani
    et al. 2017, arXiv 1706.03762).

    Args:
        query: shape (..., T, d).
        key: shape (..., S, d).
        value: shape (..., S, e).
        mask: bool, broadcast to (..., T, S): True where a query may look. A query that may look at nothing gets the
            mean of all values.
        causal: query t looks at the keys up to t alone.

    Returns:
        shape (..., T, e).

    Example:
        >>> import subgrad as sg
        >>> from subgrad.nn.layers.attention import scaled_dot_product_attention
        >>> q, v = sg.zeros((3, 2)), sg.tensor([[1.0], [3.0], [8.0]])
        >>> scaled_dot_product_attention(q, q, v, causal=True).tolist()
        [[1.0], [2.0], [4.0]]
    """
    scores = einsum("...td,...sd->...ts", query * (1 / math.sqrt(query.shape[-1])), key)
    allowed = _allowed(mask, causal, scores)
    if allowed is not None:  # not -inf: of a row without any number it would make NaN
        scores = where(allowed, scores, float(np.finfo(scores.dtype).min) / 2)
    return einsum("...ts,...se->...te", softmax(scores), value)


def _allowed(mask: TensorLike, causal: bool, scores: Tensor) -> Tensor | None:
    given = None if mask is None else as_tensor(mask)
    if given is not None and given.dtype != bool_:
        raise ArgumentError(f"a mask of attention is bool, True where a query may look; got {given.dtype}")
    if not causal:
        return given
    before = constant(np.tri(*scores.shape[-2:], dtype=bool))
    return before if given is None else logical_and(given, before)


class MultiHeadAttention(Module):
    """Attention by several heads, each with projections of its own (Vaswani et al. 2017, arXiv 1706.03762).

    Names, shapes and initial values of the parameters are those of PyTorch's ``MultiheadAttention`` with
    ``batch_first=True``; masks have the opposite sense, that of its ``scaled_dot_product_attention``.

    Args:
        features: E, the length of the last axis.
        heads: how many; they divide the features.
        bias: whether projections have a bias.
        causal: each place looks at itself and at those before it alone.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        in_proj_weight: shape (3 E, E), those of query, key and value one below the other.
        in_proj_bias: shape (3 E,), zeros to start with, or None.
        out_proj: `Linear` from E to E.

    Raises:
        ArgumentError: for sizes below 1, heads that do not divide the features, or a mask that is not bool.
        ShapeError: when called, if an input is not (N, T, E), or the lengths of keys and values differ.

    Example:
        >>> import subgrad as sg
        >>> attend = sg.nn.MultiHeadAttention(16, heads=4)
        >>> x, memory = sg.zeros((2, 5, 16)), sg.zeros((2, 7, 16))
        >>> attend(x).shape, attend(x, memory).shape
        ((2, 5, 16), (2, 5, 16))
    """

    def __init__(
        self, features: int, heads: int, bias: bool = True, causal: bool = False, *, seed: int | None = None
    ) -> None:
        validation.sizes("MultiHeadAttention", features=features, heads=heads)
        if features % heads:
            raise ArgumentError(f"MultiHeadAttention needs heads that divide the features, got {heads} for {features}")
        random = init.generator(seed)
        self.heads, self.causal = heads, causal
        self.in_proj_weight = init.parameter((3 * features, features), init.glorot_uniform, random)
        self.in_proj_bias = init.parameter((3 * features,), init.zeros) if bias else None
        self.out_proj = Linear(features, features, bias, seed=seed)
        if bias:
            self.out_proj.bias = init.parameter((features,), init.zeros)

    def forward(
        self, query: TensorLike, key: TensorLike = None, value: TensorLike = None, mask: TensorLike = None
    ) -> Tensor:
        """Attention of ``query`` to ``key`` and ``value``.

        Args:
            query: shape (N, T, E).
            key: shape (N, S, E); the query itself if it is None.
            value: shape (N, S, E); the key if it is None.
            mask: bool, broadcast to (N, heads, T, S): True where a query may look.

        Returns:
            shape (N, T, E).
        """
        key = query if key is None else key
        value = key if value is None else value
        heads = [self._projected(i, x) for i, x in enumerate((query, key, value))]
        if heads[1].shape != heads[2].shape:
            raise ShapeError(f"as many keys as values are needed, got {heads[1].shape[2]} and {heads[2].shape[2]}")
        found = scaled_dot_product_attention(heads[0], heads[1], heads[2], mask, self.causal)
        n, h, t, d = found.shape
        return self.out_proj(found.transpose(0, 2, 1, 3).reshape(n, t, h * d))

    def _projected(self, i: int, x: TensorLike) -> Tensor:
        """The i-th projection of x for each head: shape (N, heads, T, features of a head)."""
        x, features = as_tensor(x, self.in_proj_weight.dtype), self.in_proj_weight.shape[1]
        if x.ndim != 3 or x.shape[2] != features:
            raise ShapeError(f"MultiHeadAttention takes a shape (N, T, {features}), got {x.shape}")
        rows = slice(i * features, (i + 1) * features)
        y = einsum("nti,oi->nto", x, self.in_proj_weight[rows])
        if self.in_proj_bias is not None:
            y = y + self.in_proj_bias[rows]
        return y.reshape(*x.shape[:2], self.heads, features // self.heads).transpose(0, 2, 1, 3)


class TransformerBlock(Module):
    """Attention, and a network of one hidden layer for each place, both with a shortcut around them.

    With ``norm_first`` each of the two sees its input normalised, ``x + attention(norm(x))``: deep stacks of such
    blocks train without a warm-up (Xiong et al. 2020, arXiv 2002.04745). Without it the sum is normalised, as in the
    first paper (Vaswani et al. 2017, arXiv 1706.03762). The names of parameters are those of PyTorch's
    ``TransformerEncoderLayer``.

    Args:
        features: E, the length of the last axis.
        heads: of the attention.
        hidden: width of the hidden layer; 4 E if it is None.
        dropout: probability, after the attention, in and after the hidden layer.
        activation: of the hidden layer, by name.
        norm_first: where to normalise.
        causal: each place sees itself and those before it alone, as for predicting the next one.
        seed: for the initial values; the default stream if it is None.

    Raises:
        ArgumentError: for sizes below 1, heads that do not divide the features, or an unknown activation.
        ShapeError: when called, if the input is not (N, T, E).

    Example:
        >>> import subgrad as sg
        >>> block = sg.nn.TransformerBlock(16, heads=4, causal=True)
        >>> block(sg.zeros((2, 5, 16))).shape
        (2, 5, 16)
    """

    def __init__(
        self, features: int, heads: int, hidden: int | None = None, dropout: float = 0.0, activation: str = "gelu",
        norm_first: bool = True, causal: bool = False, *, seed: int | None = None,
    ) -> None:  # fmt: skip
        own = [None if seed is None else seed + i for i in range(3)]
        self.norm_first = norm_first
        self.self_attn = MultiHeadAttention(features, heads, causal=causal, seed=own[0])
        self.linear1 = Linear(features, hidden or 4 * features, seed=own[1])
        self.linear2 = Linear(hidden or 4 * features, features, seed=own[2])
        self.norm1, self.norm2 = LayerNorm(features), LayerNorm(features)
        self.activation, self.dropout = activation_class(activation)(), Dropout(dropout)

    def forward(self, x: TensorLike, mask: TensorLike = None) -> Tensor:
        """The block's output for x of shape (N, T, E); ``mask`` as in `MultiHeadAttention`."""
        x = as_tensor(x, self.linear1.weight.dtype)
        if self.norm_first:
            x = x + self._attend(self.norm1(x), mask)
            return x + self._hidden(self.norm2(x))
        x = self.norm1(x + self._attend(x, mask))
        return self.norm2(x + self._hidden(x))

    def _attend(self, x: Tensor, mask: TensorLike) -> Tensor:
        return self.dropout(self.self_attn(x, mask=mask))

    def _hidden(self, x: Tensor) -> Tensor:
        return self.dropout(self.linear2(self.dropout(self.activation(self.linear1(x)))))


__all__ = ["MultiHeadAttention", "TransformerBlock", "scaled_dot_product_attention"]
