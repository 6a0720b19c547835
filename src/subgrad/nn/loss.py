"""Losses, as functions and by name. f is the score that a network gives, y what it should have been.

They share these rules. f and y have one shape: (N, 1) against (N,) is an error and not N² differences. ``reduction``
is ``"mean"``, ``"sum"`` or ``"none"`` (one loss for each sample). Weights multiply the losses, and a mean is then the
weighted mean Σ w l / Σ w, as in scikit-learn and as PyTorch does with class weights; it is 0 where all weights are.
``sample_weight`` has one weight for each sample, of shape (N,) or that of the losses; ``class_weight`` has one for each
class in order, for binary labels those of -1 and of +1. All are finite, with finite first and second derivatives, for
scores up to 1e4 in float32.

The binary losses take labels -1 and +1, `binary_cross_entropy` also 0 and 1. Labels that are others, and negative
weights, raise `DataError`, in compiled code too. Scores and labels that differ in shape raise `ShapeError`, an unknown
reduction raises `ArgumentError`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from subgrad import ops
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.hints import hinted
from subgrad.nn import loss_reduction
from subgrad.nn.lookup import look_up
from subgrad.nn.loss_reduction import Weights

Loss = Callable[..., Tensor]
F = TypeVar("F", bound=Loss)


@dataclass(frozen=True)
class Facts:
    """What training and the command line know of a loss.

    Attributes:
        function: the loss itself.
        targets: what it compares scores with: numbers, the signs -1 and +1, or classes with a score each.
        log_odds: how many times a score is the log-odds of +1; None if it has no such meaning.
    """

    function: Loss
    targets: Literal["numbers", "signs", "classes"]
    log_odds: float | None = None


TABLE: dict[str, Facts] = {}
"""Every loss by its first name; `register` enters them."""

NAMES: dict[str, Loss] = {}
"""Every loss by all of its names."""


def register(
    *names: str, targets: Literal["numbers", "signs", "classes"], log_odds: float | None = None
) -> Callable[[F], F]:
    """Enter the decorated function under these names: for ``fit``, ``evaluate`` and ``subgrad train --loss``."""

    def enter(function: F) -> F:
        taken = hinted(function)
        TABLE[names[0]] = Facts(taken, targets, log_odds)
        NAMES.update(dict.fromkeys(names, taken))
        return taken

    return enter


@register("squared", "mse", targets="numbers")
def squared_loss(f: TensorLike, y: TensorLike, *, sample_weight: Weights = None, reduction: str = "mean") -> Tensor:
    """(f - y)², for any real y (Legendre 1805). Some texts put 1/2 before it; this one does not.

    >>> float(squared_loss([1.0, 2.0], [0.0, 4.0]))
    2.5
    """
    f, y = loss_reduction.numbers("squared_loss", f, y)
    return loss_reduction.reduced(ops.square(f - y), sample_weight, None, reduction)


@register("absolute", "mae", targets="numbers")
def absolute_loss(f: TensorLike, y: TensorLike, *, sample_weight: Weights = None, reduction: str = "mean") -> Tensor:
    """\\|f - y\\|, for any real y. Its gradient where f = y is 0, the subgradient of least norm.

    >>> float(absolute_loss([1.0, 2.0], [0.0, 4.0]))
    1.5
    """
    f, y = loss_reduction.numbers("absolute_loss", f, y)
    return loss_reduction.reduced(ops.abs(f - y), sample_weight, None, reduction)


@register("huber", targets="numbers")
def huber_loss(
    f: TensorLike, y: TensorLike, delta: float = 1.0, *, sample_weight: Weights = None, reduction: str = "mean"
) -> Tensor:
    """(f - y)²/2 where \\|f - y\\| <= delta, delta (\\|f - y\\| - delta/2) beyond, for any real y (Huber 1964).

    Lecture notes often print delta \\|f - y\\| for the outer part. Without the -delta²/2 the loss jumps at delta; this
    is the continuous one, and its slope is continuous too.

    Args:
        f: scores.
        y: real numbers of the shape of f.
        delta: where the parabola ends; positive.
        sample_weight: see the module's documentation.
        reduction: see the module's documentation.

    Example:
        >>> huber_loss([0.5, 3.0], [0.0, 0.0], reduction="none").tolist()
        [0.125, 2.5]
    """
    if not delta > 0:
        raise ArgumentError(f"huber_loss needs a positive delta, got {delta}")
    f, y = loss_reduction.numbers("huber_loss", f, y)
    return loss_reduction.reduced(ops.huber(f - y, delta), sample_weight, None, reduction)


@register("quantile", targets="numbers")
def quantile_loss(
    f: TensorLike, y: TensorLike, q: float = 0.5, *, sample_weight: Weights = None, reduction: str = "mean"
) -> Tensor:
    """q (y - f) where f <= y, (1 - q)(f - y) beyond, for any real y (Koenker, Bassett 1978): the pinball loss.

    The constant with the least mean loss is the q-quantile of y, so a network learns that of y given x. Where f = y
    every slope from -q to 1 - q is a subgradient; the gradient there is 0, the one of least norm.

    Args:
        f: scores.
        y: real numbers of the shape of f.
        q: which quantile, in (0, 1); at 1/2 the loss is half the absolute one.
        sample_weight: see the module's documentation.
        reduction: see the module's documentation.

    Example:
        >>> quantile_loss([1.0, 1.0, 1.0], [0.0, 1.0, 2.0], 0.75, reduction="none").tolist()
        [0.25, 0.0, 0.75]
    """
    if not 0 < q < 1:
        raise ArgumentError(f"quantile_loss needs q between 0 and 1, got {q}")
    f, y = loss_reduction.numbers("quantile_loss", f, y)
    return loss_reduction.reduced(q * ops.relu(y - f) + (1 - q) * ops.relu(f - y), sample_weight, None, reduction)


@register("hinge", targets="signs")
def hinge_loss(
    f: TensorLike,
    y: TensorLike,
    *,
    sample_weight: Weights = None,
    class_weight: Weights = None,
    reduction: str = "mean",
) -> Tensor:
    """max(1 - yf, 0), y in {-1, +1} (Cortes, Vapnik 1995). Its gradient where yf = 1 is 0.

    >>> hinge_loss([2.0, 0.5, -1.0], [1, 1, 1], reduction="none").tolist()
    [0.0, 0.5, 2.0]
    """
    f, y = loss_reduction.signs("hinge_loss", f, y)
    return _binary(ops.relu(1 - y * f), y, sample_weight, class_weight, reduction)


@register("binomial", targets="signs", log_odds=2.0)
def binomial_loss(
    f: TensorLike,
    y: TensorLike,
    *,
    sample_weight: Weights = None,
    class_weight: Weights = None,
    reduction: str = "mean",
) -> Tensor:
    """ln(1 + exp(-2yf)), y in {-1, +1}: minus the binomial log-likelihood when f is half the log-odds (Friedman,
    Hastie, Tibshirani 2000; The Elements of Statistical Learning, 10.18).

    Some notes print exp(+2yf). That sign is an error: the loss would grow with the margin yf. At f it is
    `binary_cross_entropy` at 2f.

    >>> float(binomial_loss([0.0, 0.0], [-1, 1]))  # ln 2
    0.6931471824645996
    """
    f, y = loss_reduction.signs("binomial_loss", f, y)
    return _binary(ops.softplus(-2 * y * f), y, sample_weight, class_weight, reduction)


@register("binary_cross_entropy", targets="signs", log_odds=1.0)
def binary_cross_entropy(
    f: TensorLike,
    y: TensorLike,
    *,
    sample_weight: Weights = None,
    class_weight: Weights = None,
    pos_weight: TensorLike = None,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-[t ln σ(f) + (1 - t) ln(1 - σ(f))], f the log-odds: the score, and not a probability. It is computed as
    ln(1 + exp(-f)) for t = 1 and ln(1 + exp(f)) for t = 0, which is the same.

    Args:
        f: scores.
        y: labels of the shape of f: 0 and 1, which are t, or -1 and +1, of which t is (y + 1)/2.
        sample_weight: see the module's documentation.
        class_weight: of the negative class and of the positive one; a mean is divided by their sum.
        pos_weight: a factor for the losses of positive samples, by which a mean is not divided, as in PyTorch: a
            number, or one for each column of f.
        ignore_index: a label whose samples do not count, as in `cross_entropy`.
        reduction: see the module's documentation.

    Raises:
        DataError: if labels are others (in compiled code too), or known ones hold 0 beside -1.

    Example:
        >>> float(binary_cross_entropy([0.0, 0.0], [-1, 1])), float(binary_cross_entropy([0.0, 0.0], [0, 1]))  # ln 2
        (0.6931471824645996, 0.6931471824645996)
        >>> binary_cross_entropy([1e4, 1e4], [-1, 1], reduction="none").tolist()
        [10000.0, 0.0]
    """
    f, y, counts = loss_reduction.binary("binary_cross_entropy", f, y, ignore_index)
    losses = ops.softplus(-y * f)
    if pos_weight is not None:
        losses = ops.where(y > 0, losses * as_tensor(pos_weight, f.dtype).astype(f.dtype), losses)
    by_class = loss_reduction.of_signs(class_weight, y)
    losses = loss_reduction.weighted(losses, by_class)
    if counts is not None:
        losses, by_class = ops.where(counts, losses, 0), ops.where(counts, 1 if by_class is None else by_class, 0)
        by_class = by_class.astype(f.dtype)
    return loss_reduction.reduced(losses, sample_weight, by_class, reduction)


@register("cross_entropy", targets="classes")
def cross_entropy(
    f: TensorLike,
    y: TensorLike,
    *,
    sample_weight: Weights = None,
    class_weight: Weights = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-Σ_k p_k ln softmax(f)_k: for a class j it is -f_j + ln Σ_k exp(f_k).

    Lecture notes write the scores of a linear classifier as x·w_k; here f holds them, whatever network made them, and
    the softmax is inside the loss.

    Args:
        f: scores of shape (N, C), C >= 2; also (..., C).
        y: integer classes in 0..C-1 of shape (N,), or probabilities p of shape (N, C).
        sample_weight: N weights.
        class_weight: C weights, one for each term of the sum. A sample then counts Σ_k p_k w_k in the mean. PyTorch
            does the same for integer classes; for probabilities it divides by N.
        label_smoothing: eps in [0, 1): p becomes (1 - eps) p + eps/C (Szegedy et al. 2015, arXiv 1512.00567).
        ignore_index: a class outside or inside of 0..C-1 whose samples do not count, such as -100 in data made for
            PyTorch (where that is the default): their losses and gradients are 0, and a mean is over the others. A
            mean of none is 0 (in PyTorch NaN).
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ShapeError: for shapes other than these.
        DTypeError: if classes are not integers, or ``ignore_index`` is given with probabilities.
        DataError: if classes are out of range (in compiled code too), or known rows of p do not sum to 1.
        ArgumentError: for another label smoothing or reduction.

    Example:
        >>> float(cross_entropy([[0.0, 0.0], [1e4, -1e4]], [0, 0]))  # ln(2)/2 + 0
        0.3465735912322998
        >>> float(cross_entropy([[0.0, 0.0]], [[0.25, 0.75]]))
        0.6931471824645996
        >>> float(cross_entropy([[0.0, 0.0], [5.0, 0.0]], [1, -100], ignore_index=-100))
        0.6931471824645996
    """
    if not 0 <= label_smoothing < 1:
        raise ArgumentError(f"label_smoothing lies in [0, 1), got {label_smoothing}")
    y, counts = loss_reduction.without_ignored("cross_entropy", y, ignore_index)
    f, p = loss_reduction.distributions("cross_entropy", f, y)
    loss_reduction.warn_of_probabilities("cross_entropy", f)
    weight = None if class_weight is None else loss_reduction.of_classes(class_weight, f.shape[-1], f.dtype)
    target = (1 - label_smoothing) * p + label_smoothing / f.shape[-1] if label_smoothing else p
    terms = ops.scale(target if weight is None else target * weight, -ops.log_softmax(f))
    losses, by_class = terms.sum(-1), None if weight is None else (p * weight).sum(-1)
    if counts is not None:
        losses, by_class = ops.where(counts, losses, 0), ops.where(counts, 1 if by_class is None else by_class, 0)
    return loss_reduction.reduced(losses, sample_weight, by_class, reduction)


def _binary(losses: Tensor, y: Tensor, sample_weight: Weights, class_weight: Weights, reduction: str) -> Tensor:
    by_class = loss_reduction.of_signs(class_weight, y)
    return loss_reduction.reduced(loss_reduction.weighted(losses, by_class), sample_weight, by_class, reduction)


def get(loss: str | Loss) -> Loss:
    """The loss of that name, or the function itself. Raises `ArgumentError` for an unknown name.

    >>> get("mse").__name__
    'squared_loss'
    """
    return look_up(loss, NAMES, "loss")


__all__ = [
    "absolute_loss", "binary_cross_entropy", "binomial_loss", "cross_entropy", "hinge_loss", "huber_loss",
    "quantile_loss", "squared_loss",
]  # fmt: skip
