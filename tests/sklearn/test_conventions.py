"""scikit-learn's own checks of every estimator; none is expected to fail."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from subgrad.sklearn import (
    SVM,
    HiddenActivations,
    Huber,
    Lasso,
    LeastAbsolute,
    LogisticRegression,
    NeuralNetworkClassifier,
    NeuralNetworkRegressor,
)  # fmt: skip

SMALL = {"hidden": (8,), "learning_rate": 0.02, "max_iter": 30, "random_state": 0}

ESTIMATORS = [
    NeuralNetworkClassifier(**SMALL),
    NeuralNetworkRegressor(**SMALL),
    NeuralNetworkClassifier(**SMALL, solver="lbfgs", activation="tanh"),
    NeuralNetworkRegressor(**SMALL, solver="lbfgs", activation="tanh"),
    HiddenActivations(NeuralNetworkRegressor(**{**SMALL, "max_iter": 5})),
    SVM(),
    LogisticRegression(),
    LeastAbsolute(),
    Huber(),
    Lasso(alpha=0.01),
]


@parametrize_with_checks(ESTIMATORS)
def test_conventions(estimator, check):
    check(estimator)
