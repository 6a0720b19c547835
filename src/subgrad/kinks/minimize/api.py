"""`subgrad.minimize`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from subgrad.kinks.minimize.result import MinimizeResult

if TYPE_CHECKING:
    from subgrad.kinks.minimize.run import Callback
    from subgrad.optim.step import Rule


def minimize(
    f: Callable[..., Any],
    x0: Any,
    method: str = "auto",
    *,
    jac: bool = False,
    bounds: Any = None,
    constraints: Any = None,
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
    - ``"multipliers"``: L-BFGS on f with its kinks smoothed around the slopes that they have at the minimum, which are
      found on the way, and Newton's method at the end. For many variables and kinks; an iteration is the search for one
      set of slopes. BFGS goes on where it ends without a certificate, and takes its place with ``jac`` or bounds,
      or where no kink is one it knows: of ops of one variable with straight pieces, the largest or smallest of several.
    - ``"subgradient"``: steps along minus the gradient. The slowest; with R it bounds its error as it goes.
    - ``"auto"``: the first three in this order, until x is found stationary; beyond a hundred variables multipliers
      come soon after the beginning, and gradient sampling does not come at all.

    All but the subgradient method end by probing for gradients around the best point, until a convex combination of
    those within ``tol`` of x has a norm of at most ``tol``, as at a minimum (Goldstein, Optimization of Lipschitz
    continuous functions, 1977). Then gradients next to them, on no kink, make the certificate, which
    `verify_certificate` checks. If a few hundred are too few for that, as they can be at a point on more kinks, it
    claims nothing, and says so.

    Then second derivatives tell whether there is a strict local minimum: ``second_order`` of the result is true if that
    is proved (see `SecondOrder`). A point that is proved to be a saddle or a ridge is left. Where nothing is proved,
    short descents start around it, on several sides, and the method goes on from a lower point if one is found.

    With ``bounds`` the subgradient method projects. The others minimise f(P(x)) + w \\|x - P(x)\\|_1, P the projection,
    which makes a bound one more kink: its minima are those of f within the bounds for any w > 0, and f is never asked
    for anything outside. w is twice the largest slope at x0 (1 if all are 0). The certificate is of f in the bounds.

    Args:
        f: is given x, returns a scalar tensor.
        x0: where to start: an array or numbers, which are taken as float64, or a tensor; or a module, or a list or dict
            of tensors. In float32 a tolerance below 1e-4 is too much to ask.
        method: see above.
        jac: True, as in SciPy, if f is a plain function of an array that returns its value and its gradient. It is for
            functions that are not made of ops, and no faster: of those value and gradient are one native program in any
            case, and their graph tells what kinks there are, for multipliers and for what is proved.
        bounds: None, an object with ``lb`` and ``ub`` such as ``scipy.optimize.Bounds``, or a pair (low, high) for
            each element of x0, None for a bound that is not there.
        constraints: as in SciPy: a dict with ``type`` "ineq" (``fun(x) >= 0``) or "eq" (``fun(x) = 0``), an object with
            ``fun`` or ``A``, ``lb`` and ``ub`` such as ``scipy.optimize.NonlinearConstraint``, or a list of these.
            Functions are made of ops as f is, and may have kinks. What is minimised is f plus a weight times the sum of
            their violations, an exact penalty: the weight starts at twice the largest slope of f at x0 and is made ten
            times larger until the constraints hold within ``tol``. Constraints whose slopes around x0 are above 100 or
            below 1/100 are measured in units in which they are not; ``maxcv`` is in their own. The result's
            ``penalised`` is the function that is minimised, which the certificate is about, and ``maxcv`` the largest
            violation at x.
        callback: called after each iteration, as in SciPy: with x, or if its argument is ``intermediate_result`` with
            an object that has ``x`` and ``fun``. It ends the run by raising ``StopIteration``.
        tol: the radius and the norm of the certificate, and the violation that constraints may have, for lengths and
            slopes near 1. Where those of f are below 1/100 or above 100, as the start, the way from there and slopes
            around x show, x and f are measured in units in which they are not; the certificate says in ``delta`` and
            ``tolerance`` what that comes to. What counts as stationary in coarser units is tried in finer ones, and is
            left if that leads down. With R also the bound that is good enough. The subgradient method has no units.
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
        >>> disc = {"type": "ineq", "fun": lambda x: 2 - (x * x).sum()}
        >>> found = sg.minimize(lambda x: abs(x[0] - 3) + x[1], [0.0, 0.0], constraints=disc)
        >>> found.success, found.x.round(3).tolist(), found.maxcv <= 1e-6
        (True, [1.0, -1.0], True)
    """
    from subgrad.kinks.minimize.solve import solve  # the solvers are loaded by whoever needs them

    return solve(f, x0, method, jac, bounds, constraints, callback, tol, max_iter, step, R, G, seed)


__all__ = ["minimize"]
