"""A sweep: what it tries, what its study holds, and that it goes on after a kill, and does nothing twice."""

import contextlib
import math
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest

import subgrad as sg
from subgrad.errors import ArgumentError, FileError, MissingExtraError, NonFiniteError, NotFittedError
from subgrad.sweeps import Integers, LogUniform, Uniform


def bowl(x, y=0):
    return (x - 2) ** 2 + y


def test_lists_are_tried_in_all_combinations():
    seen = []
    found = sg.sweep(bowl, {"x": [1, 2, 4], "y": np.array([0.5, 0.0])}, n_jobs=1, callback=seen.append)
    assert found.runs == seen
    assert {(r.settings["x"], r.settings["y"]): r.value for r in seen} == {
        (x, y): bowl(x, y) for x in (1, 2, 4) for y in (0.5, 0.0)
    }
    assert found.best == ({"x": 2, "y": 0.0}, 0.0)
    assert sg.sweep(bowl, {"x": [1, 2, 4]}, n_jobs=1, direction="maximize").best == ({"x": 4}, 4)


def test_ranges_are_searched_and_the_seed_draws_them():
    space = {"x": Uniform(0.0, 4.0), "y": Integers(1, 3)}
    first, again, other = (sg.sweep(bowl, space, trials=6, seed=s, n_jobs=1).runs for s in (1, 1, 2))
    assert first == again != other
    assert all(0 <= r.settings["x"] <= 4 and r.settings["y"] in (1, 2, 3) for r in first)
    mixed = {"lr": LogUniform(1e-3, 1e-1), "hidden": [(8, 8)]}
    (run,) = sg.sweep(lambda lr, hidden: lr, mixed, trials=1, n_jobs=1).runs
    assert 1e-3 <= run.value <= 1e-1
    assert run.settings["hidden"] == (8, 8)


def test_a_search_that_goes_on_draws_other_values(tmp_path):
    def draw(seed, trials, study=None):
        found = sg.sweep(bowl, {"x": Uniform(0.0, 4.0)}, trials=trials, seed=seed, study=study, n_jobs=1)
        return [r.settings["x"] for r in found.runs]

    for seed in (0, -1, 2**40):
        path = tmp_path / f"{seed}.db"
        assert draw(seed, 2, path) == draw(seed, 2)
        assert len({*draw(seed, 4, path)}) == 4


def test_workers_give_the_same_values():
    found = sg.sweep(lambda x: x * x, {"x": [1, 2, 3]}, n_jobs=2)
    assert sorted(r.value for r in found.runs) == [1, 4, 9]


def test_a_run_that_diverges_has_no_value_and_any_other_error_ends_the_sweep():
    def diverging(x):
        if x == 1:
            raise NonFiniteError("NaN in epoch 1")
        return math.nan if x == 2 else x

    found = sg.sweep(diverging, {"x": [1, 2, 3]}, n_jobs=1)
    assert [math.isnan(r.value) for r in found.runs] == [True, True, False]
    assert found.best.settings == {"x": 3}
    with pytest.raises(NotFittedError, match="no run of the sweep has a value"):
        _ = sg.sweep(diverging, {"x": [1]}, n_jobs=1).best
    broken, study = [True], optuna.create_study()

    def breaking(x):
        if x == 2 and broken:
            raise KeyError("a bug")
        return x

    with pytest.raises(KeyError, match="a bug"):
        sg.sweep(breaking, {"x": [1, 2, 3]}, n_jobs=1, study=study)
    broken.clear()
    seen = []
    found = sg.sweep(breaking, {"x": [1, 2, 3]}, n_jobs=1, study=study, callback=seen.append)
    assert sorted(r.value for r in seen) == [2, 3]
    assert sorted(r.value for r in found.runs) == [1, 2, 3]


KILLED = """
import time
import subgrad as sg

def objective(x):
    with open("log.txt", "a") as log:
        log.write(f"{x}\\n")
    if x == 2:
        print("two are done", flush=True)
        time.sleep(60)
    return x

sg.sweep(objective, {"x": [0, 1, 2, 3]}, n_jobs=1, study="s.db")
"""


def test_a_killed_sweep_goes_on_and_no_trial_is_run_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = os.pathsep.join([str(Path(sg.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    ) as process:
        assert process.stdout.readline() == "two are done\n"
        process.send_signal(signal.SIGKILL)
    run = []

    def objective(x):
        run.append(x)
        return x

    found = sg.sweep(objective, {"x": [0, 1, 2, 3]}, n_jobs=1, study="s.db")
    assert (tmp_path / "log.txt").read_text().split() == ["0", "1", "2"]
    assert run == [2, 3]  # that which was under way, and the one after it
    assert [r.settings["x"] for r in found.runs] == [0, 1, 2, 3]
    study = optuna.load_study(study_name="subgrad", storage="sqlite:///s.db")
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 4
    assert sg.sweep(objective, {"x": [0, 1, 2, 3]}, n_jobs=1, study="s.db").runs == found.runs
    assert run == [2, 3]
    with pytest.raises(ArgumentError, match="of something else, take a new one: it has space"):
        sg.sweep(objective, {"x": [5]}, n_jobs=1, study="s.db")


def test_trials_of_another_process_that_lives_are_left_to_it(monkeypatch):
    study = optuna.create_study()
    theirs = study.ask()
    theirs.suggest_categorical("x", [1, 2])
    theirs.set_user_attr("process", [__import__("socket").gethostname(), os.getppid()])
    found = sg.sweep(bowl, {"x": [1, 2]}, trials=2, n_jobs=1, study=study)
    assert len(found.runs) == 1
    assert study.trials[theirs.number].state.name == "RUNNING"


@pytest.mark.parametrize("named", [-1.0, 1.0])
def test_a_trial_that_was_killed_before_it_was_named_is_run(monkeypatch, named):
    monkeypatch.setattr("subgrad.sweeps.study.NAMED", named)
    study = optuna.create_study()
    study.enqueue_trial({"x": 2})
    study.ask()
    found = sg.sweep(bowl, {"x": [1, 2, 3]}, n_jobs=1, study=study)
    assert sorted(r.settings["x"] for r in found.runs) == [1, 2, 3]


def test_one_line_says_how_far_all_workers_are(capsys, monkeypatch):
    monkeypatch.setattr("subgrad.io.terminal.MOMENT", 0.0)
    sg.sweep(bowl, {"x": [1, 2]}, n_jobs=1, verbose=True)
    assert "2 of 2 runs, 0 under way, best 0" in capsys.readouterr().err


def test_wrong_usage(tmp_path, monkeypatch):
    with pytest.raises(ArgumentError, match="the objective of a sweep returns a number, got None"):
        sg.sweep(lambda x: None, {"x": [1]}, n_jobs=1)
    assert len(sg.sweep(bowl, {"x": Uniform(0, 1)}, trials=np.int64(2), n_jobs=np.int64(1)).runs) == 2
    other = optuna.create_study(direction="maximize")
    for space, options, message in [
        ({}, {}, "the space of a sweep is empty"),
        ({"x": []}, {}, "'x' a list of values or a range"),
        ({"x": "abc"}, {}, "'x' a list of values or a range, got 'abc'"),
        ({"x": [[1], [2]]}, {}, "'x' is one of numbers, texts, .* got list"),
        ({"x": [0, 1.5, False]}, {}, "cannot tell apart: 0 and False"),
        ({"x": [2, 2.0]}, {}, "cannot tell apart: 2 and 2.0"),
        ({"x": [(1, 2), "1-2"]}, {}, "cannot tell apart"),
        ({"x": [math.nan]}, {}, "cannot tell apart: nan"),
        ({"x": Uniform(0, 1)}, {}, "no end of values for 'x': say how many"),
        ({"x": [1]}, {"trials": 0}, "trials is at least 1, got 0"),
        ({"x": [1]}, {"direction": "up"}, "'minimize' or 'maximize', got 'up'"),
        ({"x": [1]}, {"study": 3}, "an optuna.Study, a file or an URL, got int"),
        ({"x": [1]}, {"study": other}, "has to minimize it, and this is to maximize"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            sg.sweep(bowl, space, n_jobs=1, **options)
    for kind, ends in [
        (Uniform, (1, 0)), (Uniform, (0, math.inf)), (Uniform, ("a", 1)), (LogUniform, (0, 1)),
        (LogUniform, (math.nan, 1)), (Integers, (3, 2)), (Integers, (0.5, 2)),
    ]:  # fmt: skip
        with pytest.raises(ArgumentError, match=f"of {kind.__name__}|{kind.__name__} has its lower end first"):
            kind(*ends)
    with pytest.raises(FileError, match="there is no folder"):
        sg.sweep(bowl, {"x": [1]}, n_jobs=1, study=tmp_path / "nowhere" / "s.db")
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'subgrad\[sweep\]'"):
        sg.sweep(bowl, {"x": [1]}, n_jobs=1)


def test_a_study_that_breaks_is_said_and_has_what_ended_before(tmp_path):
    path = tmp_path / "sweep.db"

    def breaking(x):
        if x == 2:
            with contextlib.closing(sqlite3.connect(path)) as base:
                base.execute("ALTER TABLE trial_values RENAME TO elsewhere")
        return x

    with pytest.raises(FileError, match="the study cannot be kept: .*no such table: trial_values"):
        sg.sweep(breaking, {"x": [1, 2, 3]}, study=path, n_jobs=1)
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.execute("ALTER TABLE elsewhere RENAME TO trial_values")

    def breaking(x):
        assert x != 1
        return x

    assert sorted(r.value for r in sg.sweep(breaking, {"x": [1, 2, 3]}, study=path, n_jobs=1).runs) == [1, 2, 3]
