"""scikit-learn's own checks of every estimator; none is expected to fail."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from subgrad import sklearn as ours
from subgrad.tabular import Settings

SMALL = {"hidden": (8,), "learning_rate": 0.02, "max_iter": 20, "random_state": 0}
LITTLE = Settings(folds=2, hidden=(8,), passes=25, dropout=0.0, lr=0.2)

ESTIMATORS = [
    ours.NeuralNetworkClassifier(**SMALL),
    ours.NeuralNetworkRegressor(**SMALL),
    ours.HiddenActivations(ours.NeuralNetworkRegressor(**{**SMALL, "max_iter": 5})),
    ours.TabularClassifier(LITTLE, random_state=0),
    ours.TabularRegressor(LITTLE, random_state=0),
    ours.SVM(),
    ours.LogisticRegression(),
    ours.LeastAbsolute(),
    ours.Huber(),
    ours.Lasso(alpha=0.01),
]


def test_all_estimators_are_there():
    assert {type(e).__name__ for e in ESTIMATORS} == set(ours.__all__)


@parametrize_with_checks(ESTIMATORS)
def test_conventions(estimator, check):
    check(estimator)
