"""Columns for networks: the scale of numbers, ranks, and places of categories, against their formulas and SciPy."""

import numpy as np
import pytest
from scipy import stats

from subgrad.data import Table
from subgrad.io.model_file import HEADER
from subgrad.tabular.columns import EmbeddedColumn
from subgrad.tabular.folds import balanced_folds
from subgrad.tabular.number_scale import Scale
from subgrad.tabular.preparation import TabularPreparation
from subgrad.tabular.temperature import softmax, temperature_for


def prepared(columns: dict) -> tuple[TabularPreparation, Table]:
    n = len(next(iter(columns.values())))
    table = Table({**columns, "y": np.arange(n) % 2})
    return TabularPreparation().fit(table, "y"), table


def test_numbers_are_scaled_by_quartiles_and_ranked():
    x = np.random.default_rng(0).lognormal(size=1001)
    own, table = prepared({"x": x})
    scaled, rank = own.transform(table).T
    z = (x - np.median(x)) / stats.iqr(x)
    np.testing.assert_allclose(scaled, z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-5)
    middle = np.abs(stats.rankdata(x) / 1001 - 0.5) < 0.4
    np.testing.assert_allclose(rank[middle], stats.norm.ppf(stats.rankdata(x) / 1001)[middle], atol=0.05)


def test_numbers_far_away_stay_finite():
    own, _ = prepared({"x": [1e-300, 2e-300, 3e-300, 4e-300, 1e300]})
    features = own.transform(Table({"x": [1e308, -1e308, None]}))
    assert np.isfinite(features).all()
    assert np.abs(features[:, 0]).max() <= 3


def test_places_of_categories_and_of_the_unknown():
    towns = [f"t{i % 12}" for i in range(48)] + ["rare", None]
    own, _ = prepared({"town": towns})
    assert isinstance(own.columns[0], EmbeddedColumn)
    assert own.layout.places == (13,)
    found = own.transform(Table({"town": ["t0", "rare", None, "nowhere", "t1"]}))[:, 0].tolist()
    assert found == [1, 0, 0, 0, 2]


def test_it_comes_back_from_json():
    own, table = prepared({"x": [1.0, 2.0, None, 4.0], "town": list("abca")})
    again = TabularPreparation.from_json(own.to_json())
    np.testing.assert_array_equal(again.transform(table), own.transform(table))
    assert again.feature_names == own.feature_names


def test_a_file_has_room_for_20_000_columns_of_numbers():
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=200) for i in range(50)}
    table = Table({**columns, "half": np.maximum(columns["x1"], 0), "y": columns["x0"]})
    prepared = TabularPreparation().fit(table, "y")
    text = prepared.to_json()
    assert len(text) / 51 * 20_000 < HEADER
    again = TabularPreparation.from_json(text)
    np.testing.assert_array_equal(again.transform(table), prepared.transform(table))
    assert again.to_json() == text


def test_folds_are_alike():
    y = np.random.default_rng(0).normal(size=103)
    parts = balanced_folds(y, 5, seed=0)
    assert sorted(np.bincount(parts)) == [20, 20, 21, 21, 21]
    assert np.std([np.median(y[parts == k]) for k in range(5)]) < 0.1


def test_the_temperature_is_that_of_scores_that_are_too_large():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20_000, 3)) * 2
    y = (softmax(scores).cumsum(1) > rng.uniform(size=(20_000, 1))).argmax(1)
    assert temperature_for(2.5 * scores, y) == pytest.approx(2.5, rel=0.05)


def test_the_factor_makes_up_for_logarithms():
    y = np.random.default_rng(0).lognormal(size=50_000)
    scale = Scale.of(y, log=True)
    one = np.zeros(50_000)
    found = scale.corrected(y, scale.decode(one)).decode(one)
    assert found[0] == pytest.approx(y.mean())
