"""Contractions: one primitive, a sum of products of two tensors, of which matmul and einsum are forms.

Both gradients of a contraction are contractions again: the subscripts trade places.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.op import Kind, apply, defop
from subgrad.graph.tensor import Tensor, TensorLike
from subgrad.ops import rules
from subgrad.ops.indexing import diagonal
from subgrad.ops.shape import squeeze, transpose

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def sizes_of(spec: str, a: Tensor, b: Tensor) -> dict[str, int]:
    """The length of each subscript in ``spec``, such as ``ij,jk->ik``; `ShapeError` if two lengths disagree."""
    found: dict[str, int] = {}
    terms = spec.split("->")[0].split(",")
    for term, x in zip(terms, (a, b), strict=True):
        for letter, n in zip(term, x.shape, strict=True):
            if found.setdefault(letter, n) != n:
                raise ShapeError(f"shapes {a.shape} and {b.shape} do not contract as {spec!r}: {letter!r} differs")
    return found


def multiplications(spec: str, a: Tensor, b: Tensor) -> int:
    """How many products the contraction sums."""
    return math.prod(sizes_of(spec, a, b).values())


def _contract_shape(a, b, *, spec):
    rules.common_float(a, b, "a contraction")
    sizes = sizes_of(spec, a, b)
    return tuple(sizes[letter] for letter in spec.split("->")[1]), a.dtype


def _contract_vjp(g, y, a, b, *, spec):
    terms, out = spec.split("->")
    left, right = terms.split(",")
    return _contract(g, b, f"{out},{right}->{left}"), _contract(a, g, f"{left},{out}->{right}")


@defop(
    kind=Kind.CONTRACTION,
    linear="each",
    prepare=rules.unchanged,
    shape=_contract_shape,
    vjp=_contract_vjp,
    text="{0} @ {1}",
    slopes=("{1}", "{0}"),
)
def contract(a, b, *, spec):
    """The sum of products that ``spec`` says, as in ``numpy.einsum`` with two operands.

    Every subscript of one operand stands in the other or in the result, and none stands twice in a term.
    """
    terms, out = spec.split("->")
    left, right = terms.split(",")
    batch = [c for c in left if c in right and c in out]
    inner = [c for c in left if c in right and c not in out]
    rows = [c for c in left if c not in right]
    cols = [c for c in right if c not in left]
    size = {**dict(zip(left, a.shape, strict=True)), **dict(zip(right, b.shape, strict=True))}

    def block(*groups: list[str]) -> list[int]:
        return [*[size[c] for c in batch], *[math.prod(size[c] for c in g) for g in groups]]

    a = a.transpose([left.index(c) for c in batch + rows + inner]).reshape(block(rows, inner))
    b = b.transpose([right.index(c) for c in batch + inner + cols]).reshape(block(inner, cols))
    made = batch + rows + cols
    return rules.product(a, b).reshape([size[c] for c in made]).transpose([made.index(c) for c in out])


def _contract(a: Tensor, b: Tensor, spec: str) -> Tensor:
    return apply(contract, (a, b), {"spec": spec})


def matmul(a: TensorLike, b: TensorLike) -> Tensor:
    """The matrix product of the last two axes, broadcast over those before; vectors as in NumPy's ``@``.

    Args:
        a: shape (..., m, k) or (k,).
        b: shape (..., k, n) or (k,).

    Raises:
        ShapeError: naming both shapes, if the inner lengths differ or an operand is a scalar.

    Example:
        >>> import subgrad as sg
        >>> sg.matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
        [[11.0]]
    """
    a, b = (rules.as_float(x) for x in rules.match(a, b))
    if not a.ndim or not b.ndim or a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise ShapeError(f"shapes {a.shape} and {b.shape} do not multiply as matrices")
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) if _broadcastable(a, b) else None
    if batch is None:
        raise ShapeError(f"shapes {a.shape} and {b.shape} do not multiply: their leading axes do not broadcast")
    shared = LETTERS[3 : 3 + len(batch)]
    left, a = _operand(a, shared, "a" if a.ndim > 1 else "", "b", batch)
    right, b = _operand(b, shared, "b", "c" if b.ndim > 1 else "", batch)
    out = "".join(c for c in shared if c in left or c in right)
    return _contract(a, b, f"{left},{right}->{out}{left[-2:-1] if 'a' in left else ''}{'c' if 'c' in right else ''}")


def _broadcastable(a: Tensor, b: Tensor) -> bool:
    lead = zip(reversed(a.shape[:-2]), reversed(b.shape[:-2]), strict=False)
    return all(m == n or 1 in (m, n) for m, n in lead)


def _operand(x: Tensor, shared: str, row: str, col: str, batch: tuple[int, ...]) -> tuple[str, Tensor]:
    """Subscripts for one side of a matmul. Leading axes that the other side alone has are left out, not copied."""
    lead = x.ndim - len(row + col)
    if lead == 0:
        return row + col, x
    target = (*batch[len(batch) - lead :], *x.shape[lead:])
    return shared[len(batch) - lead :] + row + col, rules.expand(x, target)


def einsum(spec: str, *operands: TensorLike) -> Tensor:
    """A sum of products in Einstein's notation, as in ``numpy.einsum``: ``"ij,jk->ik"`` is a matmul.

    Ellipses (axes that broadcast), repeated subscripts (diagonals) and any number of operands are allowed; several
    operands are contracted in the order that NumPy's ``einsum_path`` finds.

    Args:
        spec: the subscripts of each operand, and of the result after ``->`` (if left out: those that stand once, in
            alphabetical order).
        operands: tensors, one for each term.

    Raises:
        ArgumentError: if the number of terms is not that of the operands, or a subscript is no letter.
        ShapeError: if lengths disagree.

    Example:
        >>> import subgrad as sg
        >>> sg.einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0]).tolist()
        [21.0, 43.0]
        >>> float(sg.einsum("ii", [[1.0, 2.0], [3.0, 4.0]]))
        5.0
    """
    tensors = [rules.as_float(x) for x in rules.match(*operands)]
    terms, out, dots = _parse(spec, tensors)
    tensors, terms = _without_ones(tensors, terms, dots)
    _check_terms(spec, terms, out, tensors)
    others = [terms[:i] + terms[i + 1 :] for i in range(len(terms))]
    pending = [_single(x, t, out, o) for x, t, o in zip(tensors, terms, others, strict=True)]
    for pair in _path(pending, out):
        taken = [pending.pop(i) for i in sorted(pair, reverse=True)]
        pending.append(_pairwise(taken, out, [t for _, t in pending]))
    x, term = pending[0]
    return _arrange(x, term, out)


def _parse(spec: str, tensors: Sequence[Tensor]) -> tuple[list[str], str, str]:
    """The terms and the result of ``spec`` with ellipses and an implied result spelled out; the letters of ellipses."""
    spec = spec.replace(" ", "")
    inputs, arrow, out = spec.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(tensors):
        raise ArgumentError(f"einsum {spec!r} has {len(terms)} terms for {len(tensors)} operands")
    free = "".join(c for c in LETTERS if c not in spec)
    extra = max((x.ndim - len(t) + 3 for t, x in zip(terms, tensors, strict=True) if "..." in t), default=0)
    dots = free[:extra]
    terms = [t.replace("...", dots[extra - (x.ndim - len(t) + 3) :]) for t, x in zip(terms, tensors, strict=True)]
    if not arrow:
        once = sorted(c for c in set("".join(terms)) if "".join(terms).count(c) == 1 and c not in dots)
        out = "..." + "".join(once)
    return terms, out.replace("...", dots), dots


def _without_ones(tensors: list[Tensor], terms: list[str], dots: str) -> tuple[list[Tensor], list[str]]:
    """Operands without those axes of an ellipsis where they have length 1 and another operand has more."""
    long = {c for t, x in zip(terms, tensors, strict=True) for c, n in zip(t, x.shape, strict=False) if n != 1}
    for k, (t, x) in enumerate(zip(terms, tensors, strict=True)):
        ones = [i for i, (c, n) in enumerate(zip(t, x.shape, strict=False)) if n == 1 and c in dots and c in long]
        if ones:
            tensors[k], terms[k] = squeeze(x, ones), "".join(c for i, c in enumerate(t) if i not in ones)
    return tensors, terms


def _check_terms(spec: str, terms: list[str], out: str, tensors: Sequence[Tensor]) -> None:
    if not all(c in LETTERS for c in "".join(terms) + out) or any(c not in "".join(terms) for c in out):
        raise ArgumentError(f"einsum {spec!r}: subscripts are letters, and those of the result stand in a term")
    if len(set(out)) != len(out):
        raise ArgumentError(f"einsum {spec!r} repeats a subscript in the result")
    lengths: dict[str, int] = {}
    for t, x in zip(terms, tensors, strict=True):
        if len(t) != x.ndim:
            raise ShapeError(f"einsum {spec!r}: the term {t!r} does not fit the shape {x.shape}")
        for c, n in zip(t, x.shape, strict=True):
            if lengths.setdefault(c, n) != n:
                raise ShapeError(f"einsum {spec!r}: the subscript {c!r} has the lengths {lengths[c]} and {n}")


def _single(x: Tensor, term: str, out: str, others: list[str]) -> tuple[Tensor, str]:
    """One operand with diagonals taken and its own sums done: subscripts that nobody else has."""
    while repeated := [c for c in term if term.count(c) > 1]:
        c = repeated[0]
        i = term.index(c)
        j = term.index(c, i + 1)
        x, term = diagonal(x, i, j), term[:i] + term[i + 1 : j] + term[j + 1 :] + c
    alone = [i for i, c in enumerate(term) if c not in out and not any(c in o for o in others)]
    return (x.sum(alone) if alone else x), "".join(c for i, c in enumerate(term) if i not in alone)


def _path(pending: list[tuple[Tensor, str]], out: str) -> list[tuple[int, int]]:
    """Which pairs to contract in turn."""
    if len(pending) < 3:
        return [(0, 1)] * (len(pending) - 1)
    shapes = [np.broadcast_to(np.float32(0), x.shape) for x, _ in pending]
    steps = np.einsum_path(",".join(t for _, t in pending) + "->" + out, *shapes, optimize="greedy")[0][1:]
    pairs: list[tuple[int, int]] = []
    for step in steps:  # a step may take more than two operands: then their results follow one another at the end
        pairs.append((step[-2], step[-1]))
        left = len(pending) - len(pairs)
        for k in reversed(step[:-2]):
            pairs.append((k, left - 1))
            left -= 1
    return pairs


def _pairwise(pair: Sequence[tuple[Tensor, str]], out: str, others: list[str]) -> tuple[Tensor, str]:
    (b, right), (a, left) = pair
    needed = set(out).union(*others)
    made = "".join(dict.fromkeys(c for c in left + right if c in needed))
    for_a = [i for i, c in enumerate(left) if c not in made and c not in right]
    for_b = [i for i, c in enumerate(right) if c not in made and c not in left]
    a, left = (a.sum(for_a) if for_a else a), "".join(c for i, c in enumerate(left) if i not in for_a)
    b, right = (b.sum(for_b) if for_b else b), "".join(c for i, c in enumerate(right) if i not in for_b)
    return _contract(a, b, f"{left},{right}->{made}"), made


def _arrange(x: Tensor, term: str, out: str) -> Tensor:
    alone = [i for i, c in enumerate(term) if c not in out]
    if alone:
        x, term = x.sum(alone), "".join(c for c in term if c in out)
    order = [term.index(c) for c in out]
    return x if order == sorted(order) else transpose(x, order)


def outer(a: TensorLike, b: TensorLike) -> Tensor:
    """All products of an element of the vector a with one of the vector b: shape (len(a), len(b))."""
    return einsum("i,j->ij", a, b)


__all__ = ["einsum", "matmul", "outer"]
