"""Preparing tables: against scikit-learn and pandas, on real tables and on awkward ones."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from subgrad.data import Table, TablePreprocessor, drop_unlabelled, infer_task, read_csv, table_from_frame
from subgrad.errors import DataError, NotFittedError


def mixed() -> Table:
    return Table(
        {
            "id": [f"p{i}" for i in range(8)],
            "age": [20, 30, None, 40, 50, float("inf"), 60, 70],
            "city": ["ulm", "bonn", None, "ulm", "bonn", "ulm", "kiel", "ulm"],
            "same": [7] * 8,
            "empty": [None] * 8,
            "label": ["no", "yes", "no", None, "yes", "no", "yes", "no"],
        }
    )


def test_a_mixed_table_step_by_step():
    prepared = TablePreprocessor().fit(mixed(), "label")
    assert prepared.task == "classification"
    assert prepared.target_name == "label"
    assert prepared.classes == ["no", "yes"]
    assert prepared.describe() == [
        "1 of 8 rows was left out: no target 'label'.",
        "Classification, because the target is text, with 2 distinct values.",
        "The target 'label' has 2 classes: no, yes.",
        "Column 'id' was left out: each of its 7 texts occurs once, like an identifier.",
        "Column 'same' was left out: it has one value only.",
        "Column 'empty' was left out: it is empty.",
        "Column 'age': 2 missing values became the median, 50; 'age (missing)' marks where.",
        "Column 'city': 3 categories became a column of 0 and 1 each; "
        "'city (missing)' marks 1 missing value.",
        "1 column of numbers was standardised to mean 0 and deviation 1: age.",
    ]
    names = ["age", "age (missing)", "city=bonn", "city=kiel", "city=ulm", "city (missing)"]
    assert prepared.feature_names == names
    X = prepared.transform(mixed())
    assert X.dtype == np.float32
    ages = np.array([20, 30, 50, 50, 50, 60, 70])  # without the row that has no target
    expected = (np.array([20, 30, 50, 40, 50, 50, 60, 70]) - ages.mean()) / ages.std()
    np.testing.assert_allclose(X[:, 0], expected, rtol=1e-6)
    assert X[:, 1].tolist() == [0, 0, 1, 0, 0, 1, 0, 0]
    assert X[:4, 2:].tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]


@pytest.mark.parametrize("loader", [datasets.load_wine, datasets.load_breast_cancer])
def test_real_classes_from_a_csv_file(tmp_path, loader):
    bunch = loader(as_frame=True)
    frame = bunch.data.assign(kind=[bunch.target_names[i] for i in bunch.target])
    frame.to_csv(tmp_path / "table.csv", index=False)
    table = read_csv(tmp_path / "table.csv")
    prepared = TablePreprocessor().fit(table, "kind")
    assert prepared.classes == sorted(bunch.target_names)
    np.testing.assert_allclose(
        prepared.transform(table), StandardScaler().fit_transform(bunch.data), rtol=1e-5, atol=1e-6
    )
    y = prepared.target(table)
    assert y.dtype == np.int64
    assert prepared.restore_target(y).tolist() == frame["kind"].tolist()


def test_real_regression():
    frame = datasets.load_diabetes(as_frame=True, scaled=False).frame
    table = table_from_frame(frame)
    prepared = TablePreprocessor().fit(table, "target")
    assert prepared.task == "regression"
    assert prepared.classes == []
    y = prepared.target(table)
    assert y.dtype == np.float32
    expected = StandardScaler().fit_transform(frame[["target"]])[:, 0]
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(prepared.restore_target(y), frame["target"], rtol=1e-6)
    assert "The target 'target' was standardised: mean 152.133, deviation 77.0057." in prepared.describe()


def test_one_hot_agrees_with_pandas():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"c": rng.choice(list("xyz"), 40), "d": rng.choice(list("uv"), 40), "y": np.arange(40) % 2}
    )
    prepared = TablePreprocessor().fit(table_from_frame(frame), "y")
    theirs = pd.get_dummies(frame[["c", "d"]], prefix_sep="=")
    assert prepared.feature_names == list(theirs.columns)
    np.testing.assert_array_equal(prepared.transform(table_from_frame(frame)), theirs)


def test_rare_and_unknown_categories_share_the_feature_other():
    common = [f"c{i:02}" for i in range(50)]
    table = Table({"c": common * 2 + ["rare1", "rare2"], "y": [0, 1] * 51})
    prepared = TablePreprocessor().fit(table, "y")
    assert prepared.feature_names == [f"c={name}" for name in common] + ["c (other)"]
    assert "the 50 most frequent categories" in prepared.describe()[2]
    assert "2 rarer ones share 'c (other)'" in prepared.describe()[2]
    X = prepared.transform(Table({"c": ["c07", "rare1", "never seen", None]}))
    assert np.argwhere(X).tolist() == [[0, 7], [1, 50], [2, 50]]


def test_unknown_and_missing_categories_give_zeros_where_none_were_rare_or_missing():
    prepared = TablePreprocessor().fit(Table({"c": ["a", "b", "a", "b"], "y": [0, 1, 1, 0]}), "y")
    assert prepared.transform(Table({"c": ["b", "new", None]})).tolist() == [[0, 1], [0, 0], [0, 0]]


def test_missing_numbers_become_the_median_even_if_none_were_missing_before():
    prepared = TablePreprocessor().fit(Table({"x": [0, 1, 5, 10], "y": [0, 1, 1, 0]}), "y")
    missing, median = prepared.transform(Table({"x": [None, 3]}))
    assert prepared.feature_names == ["x"]
    assert missing == median


def test_categories_that_look_like_numbers_in_a_later_file():
    prepared = TablePreprocessor().fit(Table({"c": ["1", "2", "A", "1"], "y": ["0", "B", "0", "B"]}), "y")
    later = Table({"c": [2, 1], "y": [0, 0]})
    assert prepared.transform(later).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert prepared.target(later).tolist() == [0, 0]


def test_text_where_there_were_numbers_is_an_error():
    prepared = TablePreprocessor().fit(Table({"x": [0, 1, 2, 3], "y": [0, 1, 1, 0]}), "y")
    assert prepared.transform(Table({"x": np.array(["2", None], dtype=object)})).shape == (2, 1)
    with pytest.raises(
        DataError, match="column 'x' held numbers when the model was fitted; none of its values is one, such as 'many'"
    ):
        prepared.transform(Table({"x": ["many", "few", None]}))
    few = prepared.prepare(Table({"x": ["1", "many", None]}))
    assert few.features[1] == few.features[2] != few.features[0]
    assert few.remarks == ["Unknown from the training, and taken as missing: 'x' in 1 row ('many')."]


def test_words_that_stand_for_no_value_are_missing_in_later_rows_however_many():
    days = [f"2020-01-{day:02}" for day in range(1, 13)]
    table = Table({"x": [*map(str, range(11)), "n.d."], "f": ["yes", "no"] * 6, "d": days, "y": [0, 1] * 6})
    prepared = TablePreprocessor().fit(table, "y")
    none = prepared.prepare(Table({"x": [None, None], "f": [None, None], "d": [None, None]}))
    words = prepared.prepare(Table({"x": ["n.d.", "-"], "f": ["unknown", "n.a."], "d": ["--", "n.a."]}))
    assert (words.features == none.features).all()
    assert words.remarks == none.remarks == []


def test_two_rows_of_unknown_truth_words_count_as_missing_as_one_does():
    prepared = TablePreprocessor().fit(Table({"f": ["yes", "no"] * 3, "y": [0, 1] * 3}), "y")
    found = prepared.prepare(Table({"f": ["maybe", "perhaps"]}))
    assert found.features.tolist() == [[0], [0]]
    assert found.remarks == ["Unknown from the training, and taken as missing: 'f' in 2 rows ('maybe', 'perhaps')."]


def test_tables_of_other_forms_are_prepared_in_turn():
    prepared = TablePreprocessor().fit(Table({"a": [1.5, 2.5, None, 4.0], "b": list("uvuv"), "y": [0.5, 1, 2, 3]}), "y")
    forms = [{"a": [2.5, 4.0], "b": ["v", "u"]}, {"a": ["2.5", "4"], "b": ["v", "u"]}, {"b": ["v", "u"], "a": [2.5, 4]}]
    found = [prepared.transform(Table(form)) for form in [*forms, *forms]]
    for one in found:
        np.testing.assert_array_equal(one, found[0])
    with pytest.raises(DataError, match="has no column 'b'"):
        prepared.transform(Table({"a": [2.5]}))
    prepared.fit(Table({"a": [1.5, 3.5], "b": ["u", "v"], "y": [0.5, 1]}), "y")  # each text occurs once
    np.testing.assert_array_equal(prepared.transform(Table(forms[0])), [[0], [1.5]])


def test_missing_columns_are_named():
    prepared = TablePreprocessor().fit(mixed(), "label")
    with pytest.raises(DataError, match="no columns 'age', 'city'; it has 1: 'x'"):
        prepared.transform(Table({"x": [1]}))
    with pytest.raises(DataError, match="no column 'label'"):
        prepared.target(Table({"x": [1]}))


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=4, max_size=20))
def test_features_are_finite_whatever_the_numbers(values):
    table = Table({"x": values, "z": np.arange(len(values)) ** 2, "y": np.arange(len(values)) % 2})
    prepared = TablePreprocessor().fit(table, "y")
    assert np.isfinite(prepared.transform(table)).all()
    extreme = Table({"x": [1.7e308, -1.7e308, 5e-324, np.nan], "z": [1e308] * 4})
    assert np.isfinite(prepared.transform(extreme)).all()


@pytest.mark.parametrize("target", ["label", "age"])
def test_json_restores_everything(target):
    table, _ = drop_unlabelled(mixed(), target)
    prepared = TablePreprocessor().fit(table, target)
    restored = TablePreprocessor.from_json(prepared.to_json())
    np.testing.assert_array_equal(restored.transform(table), prepared.transform(table))
    np.testing.assert_array_equal(restored.target(table), prepared.target(table))
    assert restored.to_json() == prepared.to_json()
    for attribute in ("task", "target_name", "classes", "feature_names"):
        assert getattr(restored, attribute) == getattr(prepared, attribute)
    assert restored.describe() == prepared.describe()
    assert json.loads(prepared.to_json())["task"] == prepared.task


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"task": "dance"}', "null", '{"task": "regression", "target": 1}']
)
def test_json_that_describes_no_preprocessor(text):
    with pytest.raises(DataError, match="not the JSON of a TablePreprocessor"):
        TablePreprocessor.from_json(text)


def test_nothing_works_before_it_was_fitted():
    prepared = TablePreprocessor()
    for use in (prepared.transform, prepared.target, prepared.restore_target):
        with pytest.raises(NotFittedError, match=r"call fit\(table, target\) first"):
            use(mixed())
    with pytest.raises(NotFittedError):
        prepared.describe()


@pytest.mark.parametrize(
    ("values", "task", "reason"),
    [
        (["a", "b", "a"], "classification", "text, with 2 distinct values"),
        ([True, False, True], "classification", "text, with 2 distinct values"),
        ([0, 1, 1, 0], "classification", "2 distinct whole numbers in 4 rows"),
        ([-1.0, 1.0, np.nan, 1.0, -1.0], "classification", "2 distinct whole numbers in 4 rows"),
        ([*range(20)] * 2, "classification", "20 distinct whole numbers in 40 rows"),
        ([*range(21)] * 5, "regression", "21 distinct whole numbers in 105 rows"),
        (range(6), "regression", "6 distinct whole numbers in 6 rows"),
        ([0.5, 1, 0.5, 1], "regression", "not whole"),
    ],
)
def test_the_task_is_inferred_by_the_stated_rule(values, task, reason):
    inferred, why = infer_task(np.asarray(values))
    assert inferred == task
    assert reason in why


def test_the_task_can_be_chosen():
    table = Table({"x": [1, 2, 3, 4], "y": [3, 4, 4, 3], "z": ["a", "b", "a", "b"], "r": [0.5, 1, 2, 1]})
    prepared = TablePreprocessor().fit(table, "y", task="regression")
    assert prepared.target(table).tolist() == [-1, 1, 1, -1]
    assert "Regression, as was asked for." in prepared.describe()
    classes = TablePreprocessor().fit(table, "r", task="classification")
    assert classes.classes == [0.5, 1, 2]
    assert classes.restore_target(classes.target(table)).tolist() == [0.5, 1, 2, 1]
    with pytest.raises(DataError, match="regression needs a numeric target; 'z' holds text, such as 'a'"):
        TablePreprocessor().fit(table, "z", task="regression")


def test_whole_numbered_classes_keep_their_labels():
    table = Table({"x": [1, 2, 3, 4], "y": [-1, 10, 10, -1]})
    prepared = TablePreprocessor().fit(table, "y")
    assert json.dumps(prepared.classes) == "[-1, 10]"
    restored = prepared.restore_target(np.array([1, 0]))
    assert restored.tolist() == [10, -1]
    assert restored.dtype == np.int64


def test_targets_that_cannot_be():
    with pytest.raises(DataError, match=r"no column 'lable' \(did you mean 'label'\?\)"):
        TablePreprocessor().fit(mixed(), "lable")
    with pytest.raises(DataError, match="'empty' is missing in all 8 rows"):
        TablePreprocessor().fit(mixed(), "empty")
    with pytest.raises(DataError, match="at least 2 distinct values, it has 1"):
        TablePreprocessor().fit(mixed(), "same")
    with pytest.raises(DataError, match="no column is left to learn 'y' from.*'x' was left out"):
        TablePreprocessor().fit(Table({"x": [1, 1, 1, 1], "y": [0, 1, 0, 1]}), "y")
    prepared = TablePreprocessor().fit(mixed(), "label")
    with pytest.raises(DataError, match="target 'label' has 'maybe' in row 2; its classes are 'no', 'yes'"):
        prepared.target(Table({"label": ["yes", "maybe"]}))
    with pytest.raises(DataError, match="target 'label' has None"):
        prepared.target(mixed())
    numeric = TablePreprocessor().fit(Table({"x": [1, 2, 3], "y": [0.5, 1, 2]}), "y")
    with pytest.raises(DataError, match="target 'y' needs a number in every row"):
        numeric.target(Table({"y": [1, None]}))
