"""scikit-learn's estimators of networks, tables and linear models: in pipelines, searches, ensembles and calibrations.

They follow scikit-learn's conventions where these differ from this package's: parameters are looked at by ``fit``, and
a model that was not fitted raises ``sklearn.exceptions.NotFittedError``. Errors of the network itself, such as those of
shapes, are those of `subgrad.errors`, which are ``ValueError`` and the like as well.

Needs scikit-learn 1.9 or newer: ``pip install 'subgrad[sklearn]'``.
"""

from subgrad.errors import missing_extra

try:
    import sklearn.callback  # noqa: F401  (came with version 1.9)
except ImportError as error:
    raise missing_extra("scikit-learn 1.9 or newer", "sklearn", "subgrad.sklearn") from error

from subgrad.sklearn.hidden_activations import HiddenActivations
from subgrad.sklearn.linear_estimators import SVM, Huber, Lasso, LeastAbsolute, LogisticRegression
from subgrad.sklearn.neural_classifier import NeuralNetworkClassifier
from subgrad.sklearn.neural_regressor import NeuralNetworkRegressor
from subgrad.sklearn.tabular_estimators import TabularClassifier, TabularRegressor

__all__ = [
    "SVM", "HiddenActivations", "Huber", "Lasso", "LeastAbsolute", "LogisticRegression", "NeuralNetworkClassifier",
    "NeuralNetworkRegressor", "TabularClassifier", "TabularRegressor",
]  # fmt: skip
