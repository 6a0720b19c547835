"""Convex learning problems with a proof: `SVM`, `LogisticRegression`, `LeastAbsolute`, `Huber`, `Lasso`.

Each minimises an objective P of x.w + b, and finds a bound D(u) <= P along with it. In ``fit(X, y, sample_weight)`` the
weight k_i of a sample says how often it is there, a fraction or 0 included: each sum over samples has it as a factor, n
is the sum of all, and both ways to say the same have the same objective and bounds. In common they have:

Args:
    fit_intercept: whether there is a b, free of penalty.
    gap: stop at objective - bound <= gap * objective: then the objective is at most 1/(1 - gap) times the optimum.
    max_iter: epochs at most; `GapWarning` if they were too few.
    verbose: prints each epoch on standard error.

Attributes:
    coef_, intercept_: (d,) and a number; of a classifier (1, d) and (1,).
    classes_: of a classifier, the two labels, sorted; the second is y = +1.
    dual_: the best u (n,), feasible, at which D is ``bound_``; k_i times the u_i of one sample, if there are weights.
    objective_, bound_, gap_: what was reached and proved; ``gap_`` = ``objective_`` - ``bound_``.
    history_: an `Epoch` for each epoch; n_iter_ of them.

Raises:
    ArgumentError: a parameter outside its domain.
    DataError: NaN, inf or text in X, or in the y of a regressor; an empty X; a y of a classifier with other than two
        classes; weights that are negative, or all 0.
    ShapeError: an X that is no table, or a y or weights of another length.
"""

from subgrad.linear.duality_gap import Epoch, GapWarning
from subgrad.linear.huber import Huber
from subgrad.linear.lasso import Lasso
from subgrad.linear.least_absolute import LeastAbsolute
from subgrad.linear.logistic import LogisticRegression
from subgrad.linear.svm import SVM

__all__ = ["SVM", "Epoch", "GapWarning", "Huber", "Lasso", "LeastAbsolute", "LogisticRegression"]
