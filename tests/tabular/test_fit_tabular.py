"""Models for tables: what they learn, what they keep, their file, and what they refuse."""

import itertools
import pickle
import tracemalloc

import numpy as np
import pytest

import subgrad as sg
from subgrad import errors
from subgrad.data import Table
from subgrad.io.model_file import read_model_file, write_model_file
from subgrad.tabular import Settings, TabularModel, cross_fitting, fit_tabular
from subgrad.tabular.cross_fitting import Run, train
from subgrad.tabular.network import TabularNetwork
from subgrad.tabular.temperature import temperature_for

SMALL = Settings(folds=2, hidden=(16,), passes=20, batch_size=32)


def table(n: int = 200) -> Table:
    rng = np.random.default_rng(0)
    x, town = rng.normal(size=n), rng.choice([f"t{i}" for i in range(12)], n)
    x[::10] = np.nan
    y = np.where(np.nan_to_num(x) + (town == "t3") > 0, "yes", "no")
    return Table({"x": x, "town": list(town), "y": list(y)})


@pytest.fixture(scope="module")
def model() -> TabularModel:
    return fit_tabular(table(), "y", settings=SMALL, seed=3)


def test_it_learns_and_says_so(model):
    chances = model.predict_proba(table())
    assert chances.shape == (200, 2)
    assert np.allclose(chances.sum(1), 1)
    assert (model.predict(table()) == table()["y"]).mean() > 0.85
    assert model.scores["accuracy"] > 0.8
    assert any("2 networks" in sentence for sentence in model.describe())


def test_out_of_fold_answers_are_what_the_scores_are_of(model):
    found = model.out_of_fold
    right = found.answers[np.arange(200), found.y]
    assert model.scores["log_loss"] == pytest.approx(-np.log(right).mean())
    assert min(model.history["validation_loss"]) == pytest.approx(model.scores["log_loss"])  # chose the moment
    assert [model.classes[i] for i in found.y] == table()["y"].tolist()


def test_same_seed_same_model(model):
    again = fit_tabular(table(), "y", settings=SMALL, seed=3)
    np.testing.assert_array_equal(again.predict_proba(table()), model.predict_proba(table()))


def test_a_file_and_a_pickle_bring_the_model_back(model, tmp_path):
    path = tmp_path / "model.safetensors"
    model.save(path)
    for other in (TabularModel.load(path), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict_proba(table()), model.predict_proba(table()))
        assert other.describe() == model.describe()
        assert other.scores == model.scores


def test_the_names_for_networks_save_and_load_it_too(model, tmp_path):
    sg.save(model, path := tmp_path / "model.safetensors")
    other = sg.load(path)
    assert isinstance(other, TabularModel)
    np.testing.assert_array_equal(other.predict_set(table(), 0.8), model.predict_set(table(), 0.8))
    with pytest.raises(errors.FileError, match="holds a model for tables, and this takes a network"):
        sg.io.load_module(path)
    with pytest.raises(errors.ArgumentError, match="a module or a TabularModel, got dict"):
        sg.save({}, path)


def test_classes_are_answered_as_was_decided_for_rare_ones(tmp_path):
    """And by a model from a file, too."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    made = {"x": x, "y": np.where(x + rng.normal(size=300) > 2, "rare", "usual")}
    found = fit_tabular(made, "y", settings=SMALL, balance=True)
    chances, answers = found.predict_proba(made), found.predict(made)
    decision = found.calibrated.decision
    assert answers.tolist() == np.where(chances[:, 1] >= decision.threshold, "usual", "rare").tolist()
    assert (answers == "rare").sum() > (made["y"] == "rare").sum() > (chances[:, 0] > 0.5).sum()
    assert decision.after > decision.before
    found.save(path := tmp_path / "rare.safetensors")
    assert TabularModel.load(path).predict(made).tolist() == answers.tolist()
    with pytest.raises(errors.DataError, match="'x' is numbers"):
        fit_tabular(made, "x", settings=SMALL, balance=True)


def test_intervals_and_sets_hold_what_they_should(tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=1200)
    y = x + rng.normal(size=1200)
    learnt, later = {"x": x[:400], "y": y[:400]}, {"x": x[400:]}
    found = fit_tabular(learnt, "y", settings=SMALL)
    low, high = found.predict_interval(later, coverage=0.8).T
    assert np.mean((low <= y[400:]) & (y[400:] <= high)) == pytest.approx(0.8, abs=0.06)
    found.save(path := tmp_path / "m.safetensors")
    np.testing.assert_array_equal(TabularModel.load(path).predict_interval(later, 0.8).T, [low, high])
    with pytest.raises(errors.ArgumentError, match="which has no set of classes"):
        found.predict_set(later)

    grade = np.digitize(y, [-1, 1])
    found = fit_tabular({"x": x[:400], "y": grade[:400]}, "y", settings=SMALL)
    sets = found.predict_set(later, 0.9)
    assert sets[np.arange(800), grade[400:]].mean() == pytest.approx(0.9, abs=0.05)
    assert 1 < sets.sum(1).mean() < 3
    with pytest.raises(errors.ArgumentError, match="which has no interval"):
        found.predict_interval(later)


def test_quantiles_are_below_what_they_should(tmp_path):
    """Also of a skewed target, whose logarithm may be learnt."""
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, 2000)
    y = np.exp(x + 0.5 * rng.normal(size=2000))
    found = fit_tabular({"x": x[:1000], "y": y[:1000]}, "y", settings=SMALL.but(passes=40), quantiles=[0.9, 0.1])
    high, low = found.predict_quantiles({"x": x[1000:]}).T
    median = found.predict({"x": x[1000:]})
    assert [np.mean(y[1000:] <= q) for q in (low, median, high)] == pytest.approx([0.1, 0.5, 0.9], abs=0.04)
    assert np.corrcoef(high - low, np.exp(x[1000:]))[0, 1] > 0.9
    ends = found.predict_interval({"x": x[1000:]}, 0.9).T
    assert np.mean((ends[0] <= y[1000:]) & (y[1000:] <= ends[1])) == pytest.approx(0.9, abs=0.04)
    assert np.ptp(ends - [low, high], axis=1) == pytest.approx([0, 0], abs=1e-9)  # from 0.8 to 0.9 by one distance each
    found.save(path := tmp_path / "q.safetensors")
    np.testing.assert_array_equal(sg.load(path).predict_quantiles({"x": x[1000:]}).T, [high, low])
    np.testing.assert_array_equal(sg.load(path).predict_interval({"x": x[1000:]}, 0.9).T, ends)
    with pytest.raises(errors.ArgumentError, match="has learnt no quantiles"):
        fit_tabular({"x": x[:50], "y": y[:50]}, "y", settings=SMALL).predict_quantiles({"x": x})
    middle = fit_tabular({"x": x[:400], "y": y[:400]}, "y", settings=SMALL, quantiles=[0.5])
    np.testing.assert_array_equal(middle.predict_quantiles({"x": x})[:, 0], middle.predict({"x": x}))
    assert middle.predict({"x": x}).shape == x.shape
    for wrong in ([], [0.1, 0.1], [0, 0.5], "0.5", 0.5 + 1j):
        with pytest.raises(errors.ArgumentError, match="different shares between 0 and 1"):
            fit_tabular({"x": x, "y": y}, "y", quantiles=wrong)
    with pytest.raises(errors.DataError, match="quantiles are of numbers"):
        fit_tabular({"x": x, "y": y > 1}, "y", settings=SMALL, quantiles=[0.5])


def test_intervals_and_sets_hold_the_share_that_weights_describe():
    """Half of the rows are noisy, and stand for 19 in 20."""
    rng = np.random.default_rng(3)
    x, noisy = rng.uniform(size=1200), rng.random(1200) < 0.5
    made = {"x": x, "y": x + np.where(noisy, 3, 0.3) * rng.normal(size=1200)}
    weights = np.where(noisy, 9.5, 0.5)
    found = fit_tabular(made, "y", settings=SMALL, weights=weights)
    low, high = found.predict_interval(made, 0.9).T
    inside = (low <= made["y"]) & (made["y"] <= high)
    assert np.average(inside, weights=weights) == pytest.approx(0.9, abs=0.03)
    made["y"] = np.where(noisy, rng.permutation(["a", "b", "c"] * 400), "a").tolist()
    found = fit_tabular(made, "y", settings=SMALL, weights=weights)
    inside = found.predict_set(made, 0.9)[np.arange(1200), [found.classes.index(label) for label in made["y"]]]
    assert np.average(inside, weights=weights) > 0.87


def test_a_model_that_never_answers_one_class_can_be_saved(tmp_path):
    table = {"x": [0, 1] * 30, "y": ["yes"] * 2 + ["no"] * 58}
    rare = fit_tabular(table, "y", effort="quick")
    assert np.isnan(rare.scores["precision"])
    rare.save(path := tmp_path / "rare.safetensors")
    loaded = TabularModel.load(path)
    np.testing.assert_array_equal(loaded.predict_proba(table), rare.predict_proba(table))
    assert "precision" not in loaded.scores
    assert loaded.scores["log_loss"] == rare.scores["log_loss"]


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    sg.save(sg.nn.Linear(2, 1), path)
    with pytest.raises(errors.FileError, match="holds no model for tables"):
        TabularModel.load(path)


FORGED = [("temperature", 0), ("temperature", "x"), ("history", {"epochs": [3], "stopped": "finished"}), ("scores", []),
          ("scale", {"mean": 0.0, "std": None, "low": 0.0, "high": 1.0}), ("training", None), ("errors", {}),
          ("settings", {"hidden": [-1]}), ("preprocessing", {})]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), FORGED)
def test_what_a_file_says_is_looked_at(model, tmp_path, name, value):
    model.save(tmp_path / "m")
    tensors, header = read_model_file(tmp_path / "m")
    header["info"][name] = value
    write_model_file(tmp_path / "m", tensors, header)
    with pytest.raises(errors.FileError, match="is damaged"):
        TabularModel.load(tmp_path / "m")


def test_unknown_categories_and_missing_numbers_have_answers(model):
    answers = model.predict_proba({"x": [None, 1.0], "town": ["nowhere", None]})
    assert np.isfinite(answers).all()


def test_numbers_come_in_their_unit_and_within_what_was_seen():
    x = np.linspace(-2, 2, 200)
    made = {"x": x, "y": 1000 + 100 * np.abs(x)}
    found = fit_tabular(made, "y", settings=SMALL.but(passes=30))
    answers = found.predict({"x": [-1.5, 0.7, 1e9]})
    assert answers[:2] == pytest.approx([1150, 1070], abs=30)
    assert 1000 <= answers[2] <= 1200
    with pytest.raises(errors.ArgumentError, match="no probabilities"):
        found.predict_proba(made)


def test_rows_of_weight_0_are_as_if_they_were_not_there():
    whole, weights = table(120), np.ones(120)
    weights[100:] = 0
    a = fit_tabular(whole, "y", settings=SMALL, weights=weights)
    assert a.out_of_fold.rows.tolist() == list(range(100))


def test_huge_targets_are_learnt_or_refused(tmp_path):
    x = np.linspace(-2, 2, 80)
    usual = fit_tabular({"x": x, "y": np.abs(x)}, "y", settings=SMALL)
    found = fit_tabular({"x": x, "y": 2.0**600 * np.abs(x)}, "y", settings=SMALL)
    assert found.scores["r2"] == pytest.approx(usual.scores["r2"])
    assert found.predict({"x": x}) / 2.0**600 == pytest.approx(usual.predict({"x": x}), rel=1e-5)
    sg.save(found, tmp_path / "m.safetensors")
    with pytest.raises(errors.DataError, match=r"of up to 1e\+300 can be learnt, and the target has 1\.2e\+300"):
        fit_tabular({"x": x, "y": 6e299 * np.abs(x)}, "y", settings=SMALL)


def test_of_moments_that_are_equal_by_a_count_that_of_the_least_loss_is_kept():
    x = np.linspace(-1, 1, 60)
    made = {"x": x, "y": np.where(x > 0, "up", "down")}
    found = fit_tabular(made, "y", settings=SMALL.but(passes=30), metric="accuracy")
    values = found.history["validation_loss"]
    assert values.count(min(values)) > 1
    assert found.scores["accuracy"] == -min(values)
    first = values.index(min(values))
    cut = fit_tabular(made, "y", settings=SMALL.but(passes=30), metric="accuracy", callbacks=[lambda h: len(h) > first])
    assert cut.scores["accuracy"] == found.scores["accuracy"]
    assert cut.scores["log_loss"] > found.scores["log_loss"]


def test_few_rows_make_no_model_sure_of_itself():
    """All of 24 rows are right while they are held out, which says little of others."""
    scores = 10 * np.eye(3)[np.arange(24) % 3]
    assert 1 < temperature_for(scores, np.arange(24) % 3) < 2
    many = np.arange(24_000) % 3
    flipped = np.where(np.arange(24_000) % 10 == 0, (many + 1) % 3, many)
    sure = np.log(8 * np.eye(3)[flipped] / 10 + 1 / 15)  # the right probabilities, but for the scale
    assert temperature_for(2 * sure, many) == pytest.approx(2 * temperature_for(sure, many), rel=0.02)


def test_a_callback_ends_the_run():
    found = fit_tabular(table(), "y", settings=SMALL, callbacks=[lambda history: len(history) == 2])
    assert len(found.history) == 2
    assert found.history.stopped == "callback"


@pytest.mark.parametrize("target", [np.exp(np.linspace(0, 6, 200)), np.linspace(0, 1, 200)])
def test_a_callback_ends_the_run_on_every_scale(target):
    """A skewed target is tried on two scales: the end of the first run is that of both."""
    looks = []
    made = {"x": np.linspace(0, 1, 200), "y": target}
    found = fit_tabular(made, "y", settings=SMALL, callbacks=[lambda history: looks.append(1) or len(looks) == 2])
    assert (len(looks), found.history.stopped) == (2, "callback")
    assert fit_tabular(made, "y", settings=SMALL, max_seconds=0).predict(made).shape == (200,)


@pytest.mark.parametrize("order", [1, -1])
def test_a_run_that_a_wave_ends_does_not_end_that_on_the_other_scale(order, monkeypatch):
    monkeypatch.setattr(cross_fitting, "PILOT", 2)

    def judge(step):
        losses = itertools.count(0, step)
        return lambda scores: (next(losses), 0.0)

    def run(judge):
        net = TabularNetwork(1, 0, 0, (), 1, members=2, hidden=(4,), activation="relu")
        return Run(net, [np.zeros((64, 1), np.float32), np.zeros(64, np.float32)], np.arange(64) % 2, SMALL, 0, judge)

    falling, rising = (run(judge(step)) for step in (-1, 1))
    assert train([falling, rising][::order], False, (), np.inf) is falling
    assert (falling.history.stopped, rising.history.stopped) == ("finished", "early stopping")
    assert falling.over


@pytest.mark.parametrize(("seen", "waves"), [(640, 4), (641, 3)])
def test_a_long_run_has_a_wave_more(monkeypatch, seen, waves):
    monkeypatch.setattr(cross_fitting, "WAVES", 3)
    monkeypatch.setattr(cross_fitting, "LONG", seen)
    net = TabularNetwork(1, 0, 0, (), 1, members=2, hidden=(4,), activation="relu")
    data = [np.zeros((64, 1), np.float32), np.zeros(64, np.float32)]
    run = Run(net, data, np.arange(64) % 2, SMALL, 0, lambda scores: (0.0, 0.0))  # 20 passes over 32 rows
    assert len(run._ends()) == waves
    assert run._ends()[-1] == 20


def test_ctrl_c_keeps_the_best_so_far():
    def interrupt(history):
        if len(history) == 2:
            raise KeyboardInterrupt

    found = fit_tabular(table(), "y", settings=SMALL, callbacks=[interrupt])
    assert found.history.stopped == "interrupted"
    assert found.history.best_epoch in (1, 2)
    assert found.predict(table()).shape == (200,)


def test_what_cannot_work_is_refused():
    with pytest.raises(errors.ArgumentError, match="effort is one of quick, normal, best"):
        fit_tabular(table(), "y", effort="huge")
    with pytest.raises(errors.DataError, match="no column 'z'"):
        fit_tabular(table(), "z")
    with pytest.raises(errors.ShapeError, match="200 rows"):
        fit_tabular(table(), "y", weights=[1.0])
    with pytest.raises(errors.ArgumentError, match="not for classification"):
        fit_tabular(table(), "y", metric="rmse")
    for wrong in (-1, np.nan, "long"):
        with pytest.raises(errors.ArgumentError, match="max_seconds"):
            fit_tabular(table(), "y", max_seconds=wrong)
    for wrong in ({"folds": 1}, {"hidden": 16}, {"hidden": (0,)}, {"lr": 0}, {"dropout": 1.0}, {"passes": 2.5}):
        with pytest.raises(errors.ArgumentError, match=next(iter(wrong))):
            SMALL.but(**wrong)
    with pytest.raises(errors.ArgumentError, match="task is one of classification, regression, got 'classes'"):
        fit_tabular(table(), "y", task="classes")
    for name in ("effort", "task", "settings"):
        for wrong in ([], {}, 3, np.ones(2)):
            with pytest.raises(errors.ArgumentError, match=name):
                fit_tabular(table(), "y", **{name: wrong})
    found = fit_tabular({"x": range(60), "y": np.arange(60) / 7}, "y", settings=SMALL)
    for wrong in ("0.9", None, [0.9], np.full(60, 0.9)):
        with pytest.raises(errors.ArgumentError, match="coverage needs to be a share between 0 and 1"):
            found.predict_interval({"x": range(60)}, wrong)


def test_a_metric_that_is_undefined_at_first_decides_later():
    x = np.linspace(-1, 1, 200)
    made = {"x": x, "y": np.where(x > 0.8, "yes", "no")}  # at the first looks nothing is answered with "yes"
    found = fit_tabular(made, "y", metric="precision", settings=SMALL.but(passes=30, lr=0.05))
    said = np.array(found.history["validation_loss"])
    assert np.isnan(said[0])
    assert np.nanmin(said) == -found.scores["precision"]


def test_a_skewed_target_may_be_learnt_as_its_logarithm():
    x = np.linspace(0, 1, 300)
    found = fit_tabular({"x": x, "y": np.exp(6 * x)}, "y", settings=SMALL.but(passes=60))
    assert found.scale.log
    assert found.scores["r2"] > 0.9
    assert any("logarithm" in sentence for sentence in found.describe())


def test_a_file_that_describes_a_large_network_without_its_numbers_takes_no_memory(tmp_path):
    args = {"numbers": 1, "ranks": 1, "plain": 0, "places": [1000], "outputs": 1, "members": 1000,
            "hidden": [100, 200], "activation": "relu", "waves": 10, "bins": 10}  # fmt: skip
    header = {"model": {"module": "TabularNetwork", "args": args}, "info": {"kind": "tabular"}}
    write_model_file(tmp_path / "m", {}, header)
    tracemalloc.start()
    try:
        with pytest.raises(errors.FileError, match="frequency is missing"):
            sg.load(tmp_path / "m")
        assert tracemalloc.get_traced_memory()[1] < 1e7
    finally:
        tracemalloc.stop()
