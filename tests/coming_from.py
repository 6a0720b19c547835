"""The page for those who come from other libraries; ``python tests/coming_from.py`` writes it.

Its tables are those of `subgrad.hints`, which error messages are made of as well.
"""

from __future__ import annotations

from pathlib import Path

from subgrad.hints import KEYWORD_REMARKS, KEYWORDS, NAMES, REMARKS

PAGE = Path(__file__).parents[1] / "docs" / "coming-from.md"

LIBRARIES = {
    "PyTorch": ("torch.", "nn."),
    "Keras and TensorFlow": ("keras.", "tf."),
    "JAX": ("jax.", "jnp.", "flax.", "optax."),
    "NumPy and SciPy": ("np.", "scipy."),
    "scikit-learn": ("sklearn.",),
}
"""By the heading of their section, what names of a library begin with."""

HEAD = """\
# Coming from another library

Most names are those of NumPy and PyTorch. This page has the others, and what a program looks like here. A name that is
none here is answered with the one that is: `sg.cat` says "did you mean sg.concatenate?". The tables are of the list
of these answers (`python tests/coming_from.py` writes this page).

Below, `sg` is `subgrad` and `nn` is `subgrad.nn`.
"""

GUIDES = {
    "PyTorch": """\
A module has `__init__` and `forward`; there is no `super().__init__()` to call. `nn.Linear`, `nn.Conv2d` and `nn.LSTM`
have PyTorch's shapes and parameters, and [parameters that PyTorch has trained can be loaded](api/files.md). A loss is a
function: `nn.cross_entropy(scores, labels)`. There are no devices, no `no_grad` and no `zero_grad`.

```py
for x, y in loader:                      # PyTorch
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
```

```python
import numpy as np
import subgrad as sg
from subgrad import nn

rng = np.random.default_rng(0)
X = rng.normal(size=(256, 2)).astype(np.float32)
labels = (X[:, 0] * X[:, 1] > 0).astype(np.int64)

net = nn.Sequential(nn.Linear(2, 16, seed=0), nn.ReLU(), nn.Linear(16, 2, seed=1))
adam = sg.Adam(0.01)
state = adam.init(net)


@sg.compile                              # one native program: loss, gradients and update
def step(x, y, state):
    loss = nn.cross_entropy(net(x), y)
    return loss, sg.update(net, sg.grad(loss, net), adam, state, loss)


for epoch in range(40):
    for i in range(0, len(X), 32):
        loss, state = step(X[i : i + 32], labels[i : i + 32], state)
print(loss < 0.2)
```

```text
True
```

`loss.backward()` and `parameter.grad` are there as well. Most loops are better left to `sg.fit(net, X, labels,
loss="cross_entropy", optimizer=adam, epochs=40)`, which compiles many steps into one call.
""",
    "Keras and TensorFlow": """\
There is no `compile` of a model: `sg.fit` takes loss, optimiser and metrics, and returns the history. Layers take the
size of their input, `nn.Linear(64, 10)`; images have their channels first. Labels are integers for
`loss="cross_entropy"`, and a network ends with scores, not with a softmax.

```python
history = sg.fit(
    nn.Sequential(nn.Linear(2, 16, seed=0), nn.ReLU(), nn.Linear(16, 2, seed=1)),
    X, labels, loss="cross_entropy", optimizer=sg.Adam(0.01), epochs=40, batch_size=32,
    metrics=["accuracy"], validation=0.2, seed=0,
)  # fmt: skip
print(history["validation_accuracy"][-1] > 0.9)
```

```text
True
```
""",
    "JAX": """\
`sg.grad(f)(x)`, `sg.value_and_grad`, `sg.vmap`, `sg.jvp`, `sg.vjp`, `sg.scan` work on functions of tensors as in JAX.
`sg.compile` is `jit`. Parameters stand in modules, whose values change; for a function of them give `sg.grad` the loss
and the module. Random numbers come from a key of two integers, or from a stream that `sg.manual_seed` starts. At a kink
the subgradient of least norm is returned, see [the table](maths/kinks.md).

```python
print(sg.grad(lambda x: (x**3).sum())(np.array([1.0, 2.0])))
print(sg.vmap(lambda a, b: sg.dot(a, b))(np.ones((3, 2)), np.ones((3, 2))).tolist())
```

```text
tensor([ 3., 12.])
[2.0, 2.0, 2.0]
```
""",
    "NumPy and SciPy": """\
Functions have NumPy's names and arguments, with `axis` and `keepdims`. Values of tensors never change: instead of
`x[i] = v` there is `sg.scatter`. Arithmetic of float32 and float64 is an error that says how to convert. The array is
`np.asarray(x)` or `x.numpy()`.
""",
    "scikit-learn": """\
The [estimators](guide/scikit-learn.md) take the place of `MLPClassifier` and of linear models, in pipelines, searches
and cross-validation; `sg.tabular` has models for tables of any columns.
""",
}


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for library, starts in LIBRARIES.items():
        parts += [f"## {library}\n", GUIDES[library], _table(library, starts)]
    remarks = [f"- `{name}`: {text}" for name, text in REMARKS.items()]
    remarks += [f"- the argument `{name}`: {text}" for name, text in KEYWORD_REMARKS.items()]
    return "\n".join([*parts, _arguments(), "## What has no counterpart\n", *remarks, ""])


def of(starts: tuple[str, ...]) -> dict[str, list[str]]:
    """The names of a library, by those here."""
    found = {ours: [name for name in names.split() if name.startswith(starts)] for ours, names in NAMES.items()}
    return {ours: names for ours, names in found.items() if names}


def _arguments() -> str:
    """What arguments are called, by the names here."""
    found: dict[str, list[str]] = {}
    for theirs, ours in KEYWORDS.items():
        found.setdefault(ours.replace(" ", "` or `"), []).append(f"`{theirs}`")
    rows = [f"| {', '.join(theirs)} | `{ours}` |" for ours, theirs in found.items()]
    return "\n".join(["## Arguments of all of them\n", "| elsewhere | here |", "|---|---|", *rows, ""])


def _table(library: str, starts: tuple[str, ...]) -> str:
    rows = [f"| {', '.join(f'`{name}`' for name in names)} | `{ours}` |" for ours, names in of(starts).items()]
    return "\n".join([f"| {library} | here |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
