"""What each installed framework returns as the gradient at a kink, beside this package: one table.

python examples/kinks_frameworks.py

PyTorch, JAX, TensorFlow and tinygrad are asked if they are installed; none is needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

import subgrad as sg
from subgrad.errors import GradientError
from subgrad.kinks import subgradient

# Each point: a name, x, and f written for a framework m whose functions have NumPy's names. All the f are of a vector.
POINTS: dict[str, tuple[list[float], Callable[[Any, Any], Any]]] = {
    "relu(x) at 0": ([0.0], lambda m, x: m.relu(x)),
    "abs(x) at 0": ([0.0], lambda m, x: m.abs(x)),
    "maximum(x₁, x₂), tie": ([1.0, 1.0], lambda m, x: m.maximum(x[0], x[1])),
    "max(x), three tied": ([2.0, 2.0, 2.0], lambda m, x: m.max(x)),
    "clip(x, 0, 1) at 0": ([0.0], lambda m, x: m.clip(x)),
    "norm(x) at 0": ([0.0, 0.0], lambda m, x: m.norm(x)),
    "sqrt(x) at 0": ([0.0], lambda m, x: m.sqrt(x)),
    "relu(x) − relu(−x) at 0": ([0.0], lambda m, x: m.relu(x) - m.relu(-x)),
    "relu(relu(x)) − relu(x) at 0": ([0.0], lambda m, x: m.relu(m.relu(x)) - m.relu(x)),
    "maximum(x, −x) − abs(x) + x at 0": ([0.0], lambda m, x: m.maximum(x, -x) - m.abs(x) + x),
    "relu(2x) − 2 maximum(x, 0) + x at 0": ([0.0], lambda m, x: m.relu(2 * x) - 2 * m.maximum(x, 0 * x) + x),
    "softplus(x) at 0": ([0.0], lambda m, x: m.softplus(x)),
    "ln(x + √(x² + 1)) at 0": ([0.0], lambda m, x: m.log(x + m.sqrt(x * x + 1))),
    "where(x < 1, x, √(x − 1)) at 0": ([0.0], lambda m, x: m.where(x < 1, x, m.sqrt(x - 1))),
    "where(x > 0, √x, x) at 0": ([0.0], lambda m, x: m.where(x > 0, m.sqrt(x), x)),
}


class Functions:
    """The functions that a row uses, by NumPy's names."""

    def __init__(self, **functions: Any) -> None:
        self.__dict__.update(functions)


def ours(f: Callable[[Any, Any], Any], x: list[float]) -> list[float]:
    return np.ravel(sg.grad(f(OURS, at := sg.tensor(x)).sum(), at).numpy()).tolist()


def exact(f: Callable[[Any, Any], Any], x: list[float]) -> list[float] | str:
    """The exact subgradient in lexicographic mode, which always decides alike."""
    try:
        return subgradient(lambda at: f(OURS, at).sum(), x, mode="lexicographic").gradient.tolist()
    except GradientError:
        return "raises"


OURS = Functions(
    relu=sg.relu, abs=sg.abs, maximum=sg.maximum, max=sg.max, clip=lambda x: sg.clip(x, 0, 1), norm=sg.norm,
    sqrt=sg.sqrt, softplus=sg.softplus, log=sg.log, where=sg.where,
)  # fmt: skip


def torch_column(torch: ModuleType) -> Callable[..., list[float]]:
    m = Functions(
        relu=torch.relu, abs=torch.abs, maximum=torch.maximum, max=torch.amax, clip=lambda x: torch.clamp(x, 0, 1),
        norm=torch.linalg.norm, sqrt=torch.sqrt, softplus=torch.nn.functional.softplus, log=torch.log,
        where=torch.where,
    )  # fmt: skip

    def column(f: Callable[[Any, Any], Any], x: list[float]) -> list[float]:
        at = torch.tensor(x, requires_grad=True)
        f(m, at).sum().backward()
        return at.grad.tolist()

    return column


def jax_column(jax: ModuleType) -> Callable[..., list[float]]:
    jnp = jax.numpy
    m = Functions(
        relu=jax.nn.relu, abs=jnp.abs, maximum=jnp.maximum, max=jnp.max, clip=lambda x: jnp.clip(x, 0, 1),
        norm=jnp.linalg.norm, sqrt=jnp.sqrt, softplus=jax.nn.softplus, log=jnp.log, where=jnp.where,
    )  # fmt: skip
    return lambda f, x: jax.grad(lambda at: f(m, at).sum())(jnp.array(x)).tolist()


def tensorflow_column(tf: ModuleType) -> Callable[..., list[float]]:
    m = Functions(
        relu=tf.nn.relu, abs=tf.abs, maximum=tf.maximum, max=tf.reduce_max,
        clip=lambda x: tf.clip_by_value(x, 0.0, 1.0), norm=tf.norm, sqrt=tf.sqrt, softplus=tf.nn.softplus,
        log=tf.math.log, where=tf.where,
    )  # fmt: skip

    def column(f: Callable[[Any, Any], Any], x: list[float]) -> list[float]:
        at = tf.Variable(x)
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(f(m, at + 0.0))
        return tape.gradient(y, at).numpy().tolist()

    return column


def tinygrad_column(tinygrad: ModuleType) -> Callable[..., list[float]]:
    tensor = tinygrad.Tensor
    m = Functions(
        relu=tensor.relu, abs=tensor.abs, maximum=tensor.maximum, max=tensor.max, clip=lambda x: x.clip(0, 1),
        norm=lambda x: x.square().sum().sqrt(), sqrt=tensor.sqrt, softplus=tensor.softplus, log=tensor.log,
        where=lambda condition, a, b: condition.where(a, b),
    )  # fmt: skip

    def column(f: Callable[[Any, Any], Any], x: list[float]) -> list[float]:
        at = tensor(x, requires_grad=True)
        f(m, at).sum().backward()
        return at.grad.tolist()

    return column


FRAMEWORKS = {"torch": torch_column, "jax": jax_column, "tensorflow": tensorflow_column, "tinygrad": tinygrad_column}


def columns() -> dict[str, Callable[..., list[float] | str]]:
    """This package's two columns, then one for each framework that is installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    found: dict[str, Callable[..., Any]] = {"sg.subgradient": exact, "sg.grad": ours}
    for name, column in FRAMEWORKS.items():
        try:
            module = __import__(name)
        except ImportError:
            continue
        found[f"{name} {getattr(module, '__version__', '')}".strip()] = column(module)
    return found


def text(slopes: list[float] | str) -> str:
    """A cell: numbers with three digits."""
    return slopes if isinstance(slopes, str) else ", ".join(f"{s + 0.0:.3g}" for s in slopes)


def main() -> dict[str, dict[str, str]]:
    """Print the table; returns its cells by row and column."""
    by = columns()
    rows = {name: {c: text(column(f, x)) for c, column in by.items()} for name, (x, f) in POINTS.items()}
    print("| | " + " | ".join(by) + " |")
    print("|---" * (1 + len(by)) + "|")
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(cells.values()) + " |")
    return rows


if __name__ == "__main__":
    main()
