"""More losses of classes and labels: of log-probabilities, with margins, for rare classes, for several at once."""

from __future__ import annotations

from subgrad import ops
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn import loss_reduction
from subgrad.nn.loss import register
from subgrad.nn.loss_reduction import Weights


def nll_loss(
    f: TensorLike, y: TensorLike, *, sample_weight: Weights = None, class_weight: Weights = None,
    ignore_index: int | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """-f_j for a class j, where f holds log-probabilities, such as those of `log_softmax`: the second half of
    `cross_entropy`, which takes scores.

    Args:
        f: log-probabilities of shape (N, C); also (..., C).
        y: integer classes in 0..C-1 of shape (N,), or probabilities of shape (N, C).
        sample_weight, class_weight, ignore_index, reduction: as for `cross_entropy`.

    Example:
        >>> float(nll_loss([[-1.0, -2.0]], [1]))
        2.0
    """
    y, counts = loss_reduction.without_ignored("nll_loss", y, ignore_index)
    f, p = loss_reduction.distributions("nll_loss", f, y)
    weight = None if class_weight is None else loss_reduction.of_classes(class_weight, f.shape[-1], f.dtype)
    losses = ops.scale(p if weight is None else p * weight, -f).sum(-1)
    by_class = None if weight is None else (p * weight).sum(-1)
    if counts is not None:
        losses, by_class = ops.where(counts, losses, 0), ops.where(counts, 1 if by_class is None else by_class, 0)
    return loss_reduction.reduced(losses, sample_weight, by_class, reduction)


def kl_divergence(
    f: TensorLike, p: TensorLike, *, log_target: bool = False, sample_weight: Weights = None, reduction: str = "mean"
) -> Tensor:
    """Σ_k p_k (ln p_k - f_k), the divergence of the distribution of the log-probabilities f from p (Kullback, Leibler
    1951). 0 ln 0 is 0.

    The mean is over the rows, as the definition has it: PyTorch's ``reduction="batchmean"``, and not its default.

    Args:
        f: log-probabilities of shape (..., C).
        p: probabilities of that shape; their logarithms with ``log_target``.
        log_target: what p holds.
        sample_weight: see the module `loss`.
        reduction: see the module `loss`.

    Example:
        >>> import subgrad as sg
        >>> float(kl_divergence(sg.log([[0.5, 0.5]]), [[1.0, 0.0]]))  # ln 2
        0.6931471824645996
    """
    f, p = loss_reduction.numbers("kl_divergence", f, p)
    if not f.ndim:
        raise ShapeError("kl_divergence takes rows of log-probabilities, got a number")
    log_p, p = (p, ops.exp(p)) if log_target else (ops.log(ops.where(p > 0, p, 1)), p)
    return loss_reduction.reduced(ops.scale(p, log_p - f).sum(-1), sample_weight, None, reduction)


@register("focal", targets="signs")
def focal_loss(
    f: TensorLike, y: TensorLike, gamma: float = 2.0, alpha: float | None = None, *, sample_weight: Weights = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """(1 - q)^gamma times the binary cross-entropy, where q is the probability of the right label: what is right
    already counts little, so that a rare class is not drowned (Lin, Goyal, Girshick, He, Dollár 2017, arXiv
    1708.02002).

    Args:
        f: scores, log-odds.
        y: labels 0 and 1, or -1 and +1, of the shape of f.
        gamma: 0 or more; at 0 it is `binary_cross_entropy`.
        alpha: the weight of positive samples in [0, 1], negative ones weigh 1 - alpha; None for 1 each.
        sample_weight: see the module `loss`.
        reduction: see the module `loss`.

    Example:
        >>> float(focal_loss([0.0], [1]))  # ln(2) / 4
        0.1732867956161499
    """
    if not gamma >= 0:
        raise ArgumentError(f"focal_loss needs a gamma of 0 or more, got {gamma}")
    if alpha is not None and not 0 <= alpha <= 1:
        raise ArgumentError(f"focal_loss needs an alpha in [0, 1], got {alpha}")
    f, y, _ = loss_reduction.binary("focal_loss", f, y)
    losses = ops.softplus(-y * f)
    losses = losses * ops.exp(-gamma * ops.softplus(y * f)) if gamma else losses
    losses = losses if alpha is None else losses * ops.where(y > 0, ops.full((), alpha, f.dtype), 1 - alpha)
    return loss_reduction.reduced(losses, sample_weight, None, reduction)


def dice_loss(
    f: TensorLike, y: TensorLike, *, smooth: float = 1.0, sample_weight: Weights = None, reduction: str = "mean"
) -> Tensor:
    """1 - (2 Σ p t + smooth) / (Σ p + Σ t + smooth) for each example, with p = σ(f): how far a segmentation is from the
    labelled region (Milletari, Navab, Ahmadi 2016, arXiv 1606.04797, with sums in place of squares).

    Args:
        f: scores, log-odds, of shape (N, ...).
        y: labels 0 and 1, or -1 and +1, of that shape.
        smooth: above 0; what an empty region is compared by.
        sample_weight: see the module `loss`.
        reduction: see the module `loss`.

    Example:
        >>> dice_loss([[1e4, -1e4], [-1e4, 1e4]], [[1, 0], [1, 0]], reduction="none").numpy().round(4).tolist()
        [0.0, 0.666700005531311]
    """
    if not smooth > 0:
        raise ArgumentError(f"dice_loss needs a smooth above 0, got {smooth}")
    f, y, _ = loss_reduction.binary("dice_loss", f, y)
    if f.ndim < 2:
        raise ShapeError(f"dice_loss takes a shape (N, ...), got {f.shape}")
    p, t = ops.sigmoid(f).reshape(f.shape[0], -1), ops.where(y > 0, y, 0).reshape(f.shape[0], -1)
    common = 2 * (p * t).sum(1) + smooth
    return loss_reduction.reduced(1 - common / (p.sum(1) + t.sum(1) + smooth), sample_weight, None, reduction)


@register("multi_margin", targets="classes")
def multi_margin_loss(
    f: TensorLike, y: TensorLike, p: int = 1, margin: float = 1.0, *, sample_weight: Weights = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Σ_{k ≠ j} max(0, margin - f_j + f_k)^p / C for a class j: the hinge loss of several classes (Weston, Watkins
    1999).

    Args:
        f: scores of shape (..., C).
        y: integer classes in 0..C-1.
        p: 1 or 2.
        margin: by how much the right score has to lead.
        sample_weight: see the module `loss`.
        reduction: see the module `loss`.

    Example:
        >>> multi_margin_loss([[1.0, 0.5], [3.0, 0.0]], [0, 0], reduction="none").tolist()
        [0.25, 0.0]
    """
    if p not in (1, 2):
        raise ArgumentError(f"multi_margin_loss takes p = 1 or 2, got {p!r}")
    f, chosen = loss_reduction.distributions("multi_margin_loss", f, y)
    right = ops.scale(chosen, f).sum(-1, keepdims=True)
    short = ops.relu(margin - right + f)
    terms = ops.scale(1 - chosen, short if p == 1 else ops.square(short))
    return loss_reduction.reduced(terms.sum(-1) / f.shape[-1], sample_weight, None, reduction)


def multi_label_loss(
    f: TensorLike, y: TensorLike, *, pos_weight: TensorLike = None, sample_weight: Weights = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean of the binary cross-entropies of C labels, each of which may be there or not: one loss for each row.

    Args:
        f: scores, log-odds, of shape (..., C).
        y: labels 0 and 1, or -1 and +1, of that shape.
        pos_weight: a factor for labels that are there: a number, or C of them.
        sample_weight: see the module `loss`.
        reduction: see the module `loss`.

    Example:
        >>> float(multi_label_loss([[0.0, 0.0, 0.0]], [[1, 0, 1]]))  # ln 2
        0.6931471824645996
    """
    f, y, _ = loss_reduction.binary("multi_label_loss", f, y)
    if not f.ndim:
        raise ShapeError("multi_label_loss takes rows of scores, got a number")
    losses = ops.softplus(-y * f)
    if pos_weight is not None:
        losses = ops.where(y > 0, losses * as_tensor(pos_weight, f.dtype).astype(f.dtype), losses)
    return loss_reduction.reduced(losses.mean(-1), sample_weight, None, reduction)


__all__ = [
    "dice_loss", "focal_loss", "kl_divergence", "multi_label_loss", "multi_margin_loss", "nll_loss",
]  # fmt: skip
