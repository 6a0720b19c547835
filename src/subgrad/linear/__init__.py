"""Convex learning problems with a proof: `SVM`, `LogisticRegression`, `LeastAbsolute`, `Huber`, `Lasso`."""

from subgrad.linear.duality_gap import Epoch, GapWarning
from subgrad.linear.huber import Huber
from subgrad.linear.lasso import Lasso
from subgrad.linear.least_absolute import LeastAbsolute
from subgrad.linear.logistic import LogisticRegression
from subgrad.linear.svm import SVM

__all__ = ["SVM", "Epoch", "GapWarning", "Huber", "Lasso", "LeastAbsolute", "LogisticRegression"]
