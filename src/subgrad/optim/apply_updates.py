"""One step of a training loop that is written by hand."""

from __future__ import annotations

from subgrad.errors import ArgumentError
from subgrad.graph import tracing
from subgrad.graph.evaluate import evaluate
from subgrad.graph.tensor import Parameter, Tensor, TensorLike, constant
from subgrad.graph.tree import Tree, leaves, named_leaves, tree_map
from subgrad.graph.values import assign_all
from subgrad.optim.optimizer import Optimizer, State


def update(params: Tree, grads: Tree, optimizer: Optimizer, state: State, loss: TensorLike = None) -> State:
    """Take one step: give the parameters their new values, and return the new state.

    Both are computed now and keep nothing of the graph they come from, so memory does not grow from step to step. In
    a function that is being traced by `subgrad.compile` they become part of the compiled program instead.

    Args:
        params: a module, or a list or dict of parameters; the same that ``optimizer.init`` was given.
        grads: the gradients in the same form, as `subgrad.grad` gives them.
        optimizer: an `Optimizer`.
        state: from ``optimizer.init`` or the last ``update``.
        loss: the value of the loss at ``params``, for the step rules and optimisers that need it.

    Raises:
        ArgumentError: if the two forms differ, or something in ``params`` is no `Parameter`.
        ShapeError, DTypeError: if a gradient does not fit its parameter.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> net = {"w": sg.Parameter([1.0]), "b": sg.Parameter(0.0)}
        >>> sgd = optim.SGD(0.125)
        >>> state = sgd.init(net)
        >>> for _ in range(50):
        ...     loss = (net["w"] * 2 + net["b"] - 5).sum() ** 2
        ...     state = optim.update(net, sg.grad(loss, net), sgd, state)
        >>> round(float(net["w"] * 2 + net["b"]), 4), int(state["step"])
        (5.0, 50)
    """
    named, given = dict(named_leaves(params)), dict(named_leaves(grads))
    if named.keys() != given.keys():
        differ = ", ".join(sorted(named.keys() ^ given.keys()))
        raise ArgumentError(f"gradients need the form of their parameters: only one of the two has {differ}")
    targets = [_parameter(name, tensor) for name, tensor in named.items()]
    updates, new = optimizer.update([given[name] for name in named], state, [p.node for p in targets], loss)
    values = [p.node + u for p, u in zip(targets, updates, strict=True)]
    if not tracing.is_tracing():
        evaluate([*values, *leaves(new)])
        values, new = [constant(v.numpy()) for v in values], tree_map(lambda leaf: constant(leaf.numpy()), new)
    assign_all(targets, values)
    return new


def _parameter(name: str, tensor: Tensor) -> Parameter:
    if not isinstance(tensor, Parameter):
        raise ArgumentError(f"only a subgrad.Parameter takes new values, got a {type(tensor).__name__} {name}".rstrip())
    return tensor


__all__ = ["update"]
