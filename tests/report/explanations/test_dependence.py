"""Partial dependence against scikit-learn's brute force, for numbers, dates and categories."""

import numpy as np
import pytest
from explained import Classes, Numbers, table_of
from sklearn.inspection import partial_dependence as reference
from sklearn.linear_model import LogisticRegression

from subgrad.data import Table
from subgrad.errors import DataError
from subgrad.report import partial_dependence

X = np.random.default_rng(0).normal(size=(60, 3))


def test_agrees_with_scikit_learns_brute_force():
    y = X[:, 0] * X[:, 1] + X[:, 2] > 0
    other = LogisticRegression().fit(X, y)
    found = partial_dependence(Classes(other.predict_proba, "abc", classes=("no", "yes")), table_of(X), "b", points=7)
    theirs = reference(other, X, [1], method="brute", kind="both", custom_values={1: found.values})
    assert found.axis == "number"
    assert len(found.values) == 7
    np.testing.assert_allclose(found.mean[:, 1], theirs["average"][0])
    np.testing.assert_allclose(found.answers[:, :, 1].T, theirs["individual"][0])
    assert found.spread == pytest.approx(np.ptp(theirs["average"][0]))


def test_an_interaction_is_in_the_rows_and_not_in_their_mean():
    found = partial_dependence(Numbers(lambda X: X[:, 0] * X[:, 1], "abc"), table_of(X), "a")
    np.testing.assert_allclose(found.answers[:, :, 0], np.outer(found.values, X[:, 1]))
    np.testing.assert_allclose(found.mean[:, 0], found.values * X[:, 1].mean())


def test_values_are_written_as_the_file_writes_them():
    class Priced(Numbers):
        def features(self, table):
            assert set(table.series("price").to_list()) <= {"1,5", "2,5", "10.000,5", "n.d."}
            return np.nan_to_num(table["price"])[:, None]

    table = Table({"price": ["1,5", "2,5", "10.000,5", "n.d."] * 3})
    found = partial_dependence(Priced(lambda X: 2 * X[:, 0], ["price"]), table, "price")
    assert found.values.tolist() == [1.5, 2.5, 10000.5]
    assert found.mean[:, 0].tolist() == [3, 5, 20001]


def test_categories_come_by_their_frequency_and_dates_by_time():
    table = Table({"c": list("abbccc") + [None] * 3, "since": [f"2024-01-{d:02}" for d in (5, 2, 9) * 3]})
    model = Numbers(lambda X: X[:, 0], ["c"])
    model.features = lambda table: np.array([{"a": 1.0, "b": 2.0, "c": 3.0}.get(c, 0.0) for c in table["c"]])[:, None]
    found = partial_dependence(model, table, "c")
    assert (found.axis, found.values.tolist(), found.mean[:, 0].tolist()) == ("category", ["c", "b", "a"], [3, 2, 1])
    dates = partial_dependence(model, table, "since")
    assert (dates.axis, dates.values.astype("M8[s]").astype("M8[D]").astype(str).tolist()) == (
        "date", ["2024-01-02", "2024-01-05", "2024-01-09"]
    )  # fmt: skip
    with pytest.raises(DataError, match="no value of column 'c' is known in these 2 rows"):
        partial_dependence(model, table.take([7, 8]), "c")
