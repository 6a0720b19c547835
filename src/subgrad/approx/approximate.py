"""`approximate`: a network with one hidden layer for a function, with what is known of its error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from subgrad.errors import ArgumentError

if TYPE_CHECKING:
    from subgrad.approx.report import Report
    from subgrad.nn.layers.compose import Sequential

Method = Literal["auto", "exact1d", "barron", "greedy", "sampled", "train"]


class Approximation(NamedTuple):
    """A network, and what is known of its error."""

    net: Sequential
    report: Report

    def _repr_html_(self) -> str:
        return self.report._repr_html_()


def approximate(
    f: Any,
    box: Any = None,
    *,
    eps: float | None = None,
    n: int | None = None,
    activation: str = "relu",
    method: Method = "auto",
    seed: int = 0,
    verbose: bool | None = None,
) -> Approximation:
    """A network F(x) = Σ v_i φ(w_i·x + b_i) + c for ``f`` on a box, with a report of its error.

    The network is an ordinary module with float64 parameters, from points (N, d) to (N, 1). The report keeps apart what
    was measured, on points that were not used to build it, what is proven for the whole box, and what a theorem
    promises.

    Args:
        f: a function of tensors, from points (N, d) to (N,) or (N, 1), a module among them; a formula such as
            ``"exp(-x**2) * sin(5*x)"`` (`subgrad.approx.Expression`); a function of NumPy arrays; or samples (X, y).
            Something can be proven of the first two, which are traced.
        box: a pair (low, high) for one variable, or a pair for each; for samples the box around them if it is None.
        eps: the sup error to reach. n then is the most units that may be used.
        n: how many units there may be.
        activation: the hidden layer's, by its name.
        method: how the network is built.

            - "exact1d": relu units of one variable, as few as a continuous piecewise linear function takes, wherever
              its knots are (Imai, Iri 1986), with a proof by h²/8 max |f''|
            - "barron": units of step or relu drawn from f's Fourier transform, where rules give one (see
              `subgrad.barron`), and outer weights by least squares
            - "greedy": the unit that helps most, then the next one, and at last all weights together
            - "sampled": hidden units drawn from pairs of points and never trained (Bolager et al. 2023)
            - "train": Adam, for comparison
            - "auto": "exact1d" if it fits, else "greedy"
        seed: of what is random.
        verbose: show the progress; None does if standard error is a terminal. Ctrl-C ends the search with a
            ``KeyboardInterrupt``.

    Returns:
        ``(net, report)``. With ``eps`` the report's ``achieved`` says whether that error is proven; if it is not, the
        network is the best one found, and ``proven`` the best bound.

    Raises:
        ArgumentError: for neither eps nor n, or an argument outside its domain.
        DataError: if f is not finite in the box, or a sample is not.
        ShapeError: if f does not return one number for each point.

    Example:
        >>> import subgrad as sg
        >>> net, report = sg.approximate(lambda x: sg.exp(-(x**2)) * sg.sin(5 * x), (-2, 2), eps=1e-2)
        >>> report.n, report.achieved, report.sup <= report.proven <= 1e-2
        (23, True, True)
        >>> net
        Sequential(
          (hidden): Linear(1, 23)
          (relu): ReLU()
          (out): Linear(23, 1)
        )
    """
    _check(eps, n, method)
    from subgrad.approx.build import Options, build

    return Approximation(*build(f, box, Options(eps, n, activation, method, seed, verbose)))


def _check(eps: float | None, n: int | None, method: str) -> None:
    if method not in get_args(Method):
        raise ArgumentError(f"unknown method {method!r}: expected one of {', '.join(get_args(Method))}")
    if eps is None and n is None:
        raise ArgumentError("say how near or how large: eps=1e-3, n=100, or both")
    if eps is not None and not 0 < eps < float("inf"):
        raise ArgumentError(f"eps is a positive number, got {eps}")
    if n is not None and n < 1:
        raise ArgumentError(f"a network has at least one unit, got n={n}")
