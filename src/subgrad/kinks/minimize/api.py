"""`subgrad.minimize`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.kinks.minimize.auto import auto
from subgrad.kinks.minimize.bfgs import bfgs
from subgrad.kinks.minimize.bundle import bundle
from subgrad.kinks.minimize.gradient_sampling import gradient_sampling
from subgrad.kinks.minimize.objective import Objective, Point
from subgrad.kinks.minimize.probe import probe
from subgrad.kinks.minimize.result import MinimizeResult
from subgrad.kinks.minimize.run import OUT_OF_ITERATIONS, Callback, result, run
from subgrad.kinks.minimize.subgradient import default_rule, subgradient
from subgrad.kinks.minimize.target import of_function, of_graph
from subgrad.optim import domain
from subgrad.optim.step import Rule
from subgrad.optim.step.named import step_rule

METHODS = ("auto", "subgradient", "bundle", "gradient_sampling", "bfgs")


def minimize(
    f: Callable[..., Any],
    x0: Any,
    method: str = "auto",
    *,
    jac: bool = False,
    bounds: Any = None,
    callback: Callback | None = None,
    tol: float = 1e-6,
    max_iter: int = 10_000,
    step: Rule | float | str | None = None,
    R: float | None = None,
    G: float | None = None,
    seed: int = 0,
) -> MinimizeResult:
    """A local minimum of a function with kinks, and a certificate that it is stationary.

    Value and gradient come from one native program. No method needs f to be differentiable at its minimum, only almost
    everywhere. A minimum of a convex f is global.

    - ``"bundle"``: a model of linear pieces. The fewest evaluations, and the most work between them.
    - ``"bfgs"``: BFGS with a weak Wolfe search; L-BFGS beyond 300 variables. Little work, robust if f is not convex.
    - ``"gradient_sampling"``: gradients drawn around each point. Many evaluations; for up to a hundred variables.
    - ``"subgradient"``: steps along minus the gradient. The slowest; with R it bounds its error as it goes.
    - ``"auto"``: the first three in this order, until x is found stationary.

    All but the subgradient method end by probing for gradients around the best point, until a convex combination of
    those within ``tol`` of x has a norm of at most ``tol``, as at a minimum (Goldstein, Optimization of Lipschitz
    continuous functions, 1977). Then gradients next to them, on no kink, make the certificate, which
    `verify_certificate` checks. If a few hundred are too few for that, as they can be at a point on more kinks, it
    claims nothing, and says so.

    With ``bounds`` the subgradient method projects. The others minimise f(P(x)) + w \\|x - P(x)\\|_1, P the projection,
    which makes a bound one more kink: its minima are those of f within the bounds for any w > 0, and f is never asked
    for anything outside. w is twice the largest slope at x0 (1 if all are 0). The certificate is of f in the bounds.

    Args:
        f: is given x, returns a scalar tensor.
        x0: where to start: an array or numbers, which are taken as float64, or a tensor; or a module, or a list or dict
            of tensors. In float32 a tolerance below 1e-4 is too much to ask.
        method: see above.
        jac: True, as in SciPy, if f is a plain function of an array that returns its value and its gradient.
        bounds: None, an object with ``lb`` and ``ub`` such as ``scipy.optimize.Bounds``, or a pair (low, high) for
            each element of x0, None for a bound that is not there.
        callback: called after each iteration, as in SciPy: with x, or if its argument is ``intermediate_result`` with
            an object that has ``x`` and ``fun``. It ends the run by raising ``StopIteration``.
        tol: the radius and the norm of the certificate; with R also the bound that is good enough.
        max_iter: how many iterations there are at most. What the certificate takes at the end comes on top.
        step: the step rule of the subgradient method. If None, the one with the least bound after ``max_iter``
            steps: the constant step R / (G sqrt(max_iter)), without G the constant length R / sqrt(max_iter); without
            R it is guessed as the norm of x0, or 1 if that is smaller.
        R: how far x0 is from a minimum, at most. With it the result has a ``bound``, for convex f. It has none with
            bounds, unless the method is the subgradient method.
        G: a bound on the norm of all subgradients, for the default step.
        seed: for the gradients that are drawn.

    Returns:
        `MinimizeResult`: the best point, and what is known of it.

    Raises:
        ArgumentError: for an unknown method, a setting outside its domain, or NaN or inf in x0.
        ShapeError: for bounds or a gradient of another shape than x0.
        GradientError: if f does not return a float scalar.
        NotTraceableError: if f has an ``if`` on a value; see ``jac`` for plain functions.
        NonFiniteError: if the value or the gradient at x0 is not finite.

    Example:
        >>> import subgrad as sg
        >>> def f(x):
        ...     return sg.maximum(x[0] ** 2, sg.abs(x[1] - x[0])) + sg.abs(x[0] - 1)
        >>> found = sg.minimize(f, [3.0, -1.0])
        >>> found.success, round(found.fun, 6), found.x.round(3).tolist()
        (True, 0.75, [0.5, ...])
        >>> bool(found.certificate), sg.verify_certificate(found.certificate, f)
        (True, True)
    """
    if method not in METHODS:
        raise ArgumentError(f"method is one of {', '.join(METHODS)}, got {method!r}")
    if step is not None and method != "subgradient":
        raise ArgumentError(f"step is the step rule of the subgradient method, the method is {method!r}")
    tol, max_iter = domain.positive("tol", tol), domain.count("max_iter", max_iter)
    R, G = (domain.optional(domain.positive)(name, value) for name, value in (("R", R), ("G", G)))
    objective = Objective((of_function if jac else of_graph)(f, x0, bounds))
    if method == "subgradient":
        rule = default_rule(objective.start, R, G, max_iter) if step is None else step_rule("step", step)
        solver = subgradient(objective, objective.start, tol, rule, R)
    else:
        solver = _solver(method, objective, tol, seed)
    with np.errstate(over="ignore", invalid="ignore"):  # a step too long is seen by its value
        iterations, status = run(objective, solver, callback, max_iter)
        if status == OUT_OF_ITERATIONS and method != "subgradient":
            probe(objective, objective.best, tol / 2, tol)
        return result(objective, iterations, status, tol, R, seed)


def _solver(method: str, f: Objective, tol: float, seed: int) -> Iterable[Point]:
    if method == "bundle":
        return bundle(f, f.start, tol)
    if method == "bfgs":
        return bfgs(f, f.start, tol)
    sampled = gradient_sampling if method == "gradient_sampling" else auto
    return sampled(f, f.start, tol, seed)


__all__ = ["METHODS", "minimize"]
