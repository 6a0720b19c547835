"""Activations: functions of one input, as modules and by name."""

from __future__ import annotations

import numpy as np

from subgrad import ops, validators
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn import validation
from subgrad.nn.config import BUILT_IN
from subgrad.nn.init import parameter
from subgrad.nn.module import Module


class ReLU(Module):
    """max(x, 0), elementwise. At 0 its gradient is 0.

    >>> import subgrad as sg
    >>> sg.nn.ReLU()(sg.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    forward = staticmethod(ops.relu)


class GELU(Module):
    """x Φ(x) with the standard normal distribution function Φ, exact (Hendrycks, Gimpel 2016, arXiv 1606.08415).

    >>> import subgrad as sg
    >>> sg.nn.GELU()(sg.tensor([-100.0, 0.0, 100.0])).numpy().round(3).tolist()
    [-0.0, 0.0, 100.0]
    """

    forward = staticmethod(ops.gelu)


class SiLU(Module):
    """x σ(x), also named swish (Elfwing, Uchibe, Doya 2018, arXiv 1702.03118).

    >>> import subgrad as sg
    >>> sg.nn.SiLU()(sg.tensor([0.0, 100.0])).tolist()
    [0.0, 100.0]
    """

    forward = staticmethod(ops.silu)


class Tanh(Module):
    """The hyperbolic tangent, elementwise.

    >>> import subgrad as sg
    >>> sg.nn.Tanh()(sg.tensor([0.0, 100.0])).tolist()
    [0.0, 1.0]
    """

    forward = staticmethod(ops.tanh)


class Sigmoid(Module):
    """σ(x) = 1 / (1 + exp(-x)), elementwise and without overflow.

    >>> import subgrad as sg
    >>> sg.nn.Sigmoid()(sg.tensor([-1e4, 0.0, 1e4])).tolist()
    [0.0, 0.5, 1.0]
    """

    forward = staticmethod(ops.sigmoid)


class Softplus(Module):
    """ln(1 + exp(x)), elementwise and without overflow: a smooth relu.

    >>> import subgrad as sg
    >>> sg.nn.Softplus()(sg.tensor([-1e4, 1e4])).tolist()
    [0.0, 10000.0]
    """

    forward = staticmethod(ops.softplus)


class Step(Module):
    """1 where x > 0, 0 elsewhere, as in the first approximation theorems. Its gradient is 0: it cannot be trained.

    >>> import subgrad as sg
    >>> sg.nn.Step()(sg.tensor([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 1.0]
    """

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        return ops.where(x > 0, ops.ones_like(x), 0)


class LeakyReLU(Module):
    """x where x > 0, ``slope`` times x elsewhere (Maas, Hannun, Ng 2013).

    >>> import subgrad as sg
    >>> sg.nn.LeakyReLU(0.1)(sg.tensor([-10.0, 2.0])).tolist()
    [-1.0, 2.0]
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: TensorLike) -> Tensor:
        return ops.leaky_relu(x, self.slope)


class ELU(Module):
    """x where x > 0, alpha (exp(x) - 1) elsewhere (Clevert, Unterthiner, Hochreiter 2015, arXiv 1511.07289).

    >>> import subgrad as sg
    >>> sg.nn.ELU(2.0)(sg.tensor([-1e4, 2.0])).tolist()
    [-2.0, 2.0]
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: TensorLike) -> Tensor:
        return ops.elu(x, self.alpha)


class Mish(Module):
    """x tanh(ln(1 + exp(x))), smooth, with a minimum of -0.31 at -1.19 (Misra 2019, arXiv 1908.08681).

    >>> import subgrad as sg
    >>> sg.nn.Mish()(sg.tensor([-1e4, 0.0, 1e4])).tolist()
    [-0.0, 0.0, 10000.0]
    """

    forward = staticmethod(ops.mish)


class SELU(Module):
    """An `ELU` that keeps mean 0 and variance 1; see `subgrad.selu`. For weights that start with ``"lecun_normal"``.

    >>> import subgrad as sg
    >>> sg.nn.SELU()(sg.tensor([0.0, 2.0])).numpy().round(3).tolist()
    [0.0, 2.1010000705718994]
    """

    forward = staticmethod(ops.selu)


class ReLU6(Module):
    """max(x, 0), and 6 at most (Howard et al. 2017, arXiv 1704.04861).

    >>> import subgrad as sg
    >>> sg.nn.ReLU6()(sg.tensor([-1.0, 3.0, 9.0])).tolist()
    [0.0, 3.0, 6.0]
    """

    forward = staticmethod(ops.relu6)


class Hardsigmoid(Module):
    """x/6 + 1/2 moved into [0, 1].

    >>> import subgrad as sg
    >>> sg.nn.Hardsigmoid()(sg.tensor([-4.0, 0.0, 4.0])).tolist()
    [0.0, 0.5, 1.0]
    """

    forward = staticmethod(ops.hardsigmoid)


class Hardswish(Module):
    """x times `Hardsigmoid` of x (Howard et al. 2019, arXiv 1905.02244).

    >>> import subgrad as sg
    >>> sg.nn.Hardswish()(sg.tensor([-4.0, 0.0, 4.0])).tolist()
    [-0.0, 0.0, 4.0]
    """

    forward = staticmethod(ops.hardswish)


class Softsign(Module):
    """x / (1 + \\|x\\|), between -1 and 1.

    >>> import subgrad as sg
    >>> sg.nn.Softsign()(sg.tensor([-1.0, 0.0, 3.0])).tolist()
    [-0.5, 0.0, 0.75]
    """

    forward = staticmethod(ops.softsign)


class LogSigmoid(Module):
    """ln σ(x), without overflow.

    >>> import subgrad as sg
    >>> sg.nn.LogSigmoid()(sg.tensor([-1e4, 1e4])).tolist()
    [-10000.0, -0.0]
    """

    forward = staticmethod(ops.log_sigmoid)


class CELU(Module):
    """x where x > 0, alpha (exp(x/alpha) - 1) elsewhere, with a continuous slope (Barron 2017, arXiv 1704.07483).

    >>> import subgrad as sg
    >>> sg.nn.CELU(0.5)(sg.tensor([-1e4, 2.0])).tolist()
    [-0.5, 2.0]
    """

    def __init__(self, alpha: float = 1.0) -> None:
        if not alpha > 0:
            raise ArgumentError(f"CELU needs an alpha above 0, got {alpha}")
        self.alpha = alpha

    def forward(self, x: TensorLike) -> Tensor:
        return ops.celu(x, self.alpha)


class Hardtanh(Module):
    """x moved into [low, high].

    >>> import subgrad as sg
    >>> sg.nn.Hardtanh()(sg.tensor([-3.0, 0.5, 3.0])).tolist()
    [-1.0, 0.5, 1.0]
    """

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        if not low < high:
            raise ArgumentError(f"Hardtanh needs low below high, got {low} and {high}")
        self.low, self.high = low, high

    def forward(self, x: TensorLike) -> Tensor:
        return ops.hardtanh(x, self.low, self.high)


class Softshrink(Module):
    """x moved towards 0 by ``threshold``, and 0 if it is nearer.

    >>> import subgrad as sg
    >>> sg.nn.Softshrink()(sg.tensor([-2.0, 0.25, 1.0])).tolist()
    [-1.5, 0.0, 0.5]
    """

    def __init__(self, threshold: float = 0.5) -> None:
        if not threshold >= 0:
            raise ArgumentError(f"Softshrink needs a threshold of 0 or more, got {threshold}")
        self.threshold = threshold

    def forward(self, x: TensorLike) -> Tensor:
        return ops.softshrink(x, self.threshold)


class PReLU(Module):
    """x where x > 0, a x elsewhere, with slopes a that are learnt (He et al. 2015, arXiv 1502.01852). As in PyTorch.

    Args:
        num_parameters: 1 for one slope, or the number of channels (axis 1) for a slope each.
        init: the slopes at the start.

    Its parameter ``weight`` has the shape (num_parameters,). A weight decay pulls it to 0, which makes it a `ReLU`.

    Raises:
        ArgumentError: if ``num_parameters`` is no positive integer, or ``init`` no finite number.
        ShapeError: if there are several slopes, and axis 1 of the input is not as long.

    >>> import subgrad as sg
    >>> sg.nn.PReLU()(sg.tensor([-10.0, 2.0])).tolist()
    [-2.5, 2.0]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        validation.sizes("PReLU", num_parameters=num_parameters)
        init = validators.number("init of PReLU", init)
        self.weight = parameter((num_parameters,), lambda shape, seed: np.full(shape, init))

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x, self.weight.dtype)
        return ops.where(x > 0, x, self._slopes(x) * x)

    def _slopes(self, x: Tensor) -> Tensor:
        """The slopes, with axes to broadcast them along all axes of ``x`` but that of the channels."""
        n = self.weight.shape[0]
        if n == 1:
            return self.weight[0]
        if x.ndim < 2 or x.shape[1] != n:
            raise ShapeError(f"PReLU({n}) takes a shape (N, {n}, ...), got {x.shape}")
        return self.weight.reshape(n, *[1] * (x.ndim - 2))


class Softmax(Module):
    """exp(x) normalised to sum to 1 along ``axis``, without overflow. `cross_entropy` takes the scores before it.

    >>> import subgrad as sg
    >>> sg.nn.Softmax()(sg.tensor([1e4, 1e4])).tolist()
    [0.5, 0.5]
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: TensorLike) -> Tensor:
        return ops.softmax(x, self.axis)


NAMES = {name.lower(): cls for name, cls in BUILT_IN.items() if cls.__module__ == __name__}
"""The activations, which are the layers of this file, by name: ``relu``, ``leakyrelu``, ``elu`` and so on."""

Swish = SiLU
NAMES["swish"] = SiLU

FIXED = [name for name, cls in NAMES.items() if name != "softmax" and not cls().parameters()]
"""Those that are one function of one number: a softmax couples the units, and a PReLU learns its slopes."""

HIDDEN = [name for name in NAMES if name not in ("softmax", "step")]
"""Those for hidden layers: a softmax couples the units, and a step cannot be trained."""


def get(name: str) -> type[Module]:
    """The class of the activation of that name. Raises `ArgumentError` for an unknown name.

    >>> get("tanh")()
    Tanh()
    """
    if name not in NAMES:
        raise ArgumentError(f"unknown activation {name!r}: expected one of {', '.join(NAMES)}")
    return NAMES[name]


__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Step",
    "Swish",
    "Tanh",
]  # fmt: skip
