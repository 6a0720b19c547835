"""Calls in processes: each item once, the processors divided, machine code shared; what is pickled arrives ready."""

import os

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor

import subgrad as sg
from subgrad import nn
from subgrad.compile.executable import STORE
from subgrad.compile.runtime.cpu import available_processors
from subgrad.errors import ArgumentError, DataError, MissingExtraError
from subgrad.fit import kept
from subgrad.sweeps import in_workers


def trained(seed):
    """A network, the process, its threads, and how many programs LLVM compiled in it."""
    from subgrad.compile import native

    compiled, compile_object = [], native.compile_object

    def counted(ir, *rest):
        compiled.extend(["a program"] if "@run" in ir else [])  # not what all programs share
        return compile_object(ir, *rest)

    native.compile_object = counted
    try:
        return *_fitted(seed), os.getpid(), sg.get_threads(), len(compiled)
    finally:
        native.compile_object = compile_object


def _fitted(seed):
    x = np.linspace(-1, 1, 32, dtype=np.float32)[:, None]
    net = nn.Sequential(nn.Linear(1, 6, seed=seed), nn.Tanh(), nn.Linear(6, 1, seed=seed))
    sg.fit(net, x, x[:, 0] ** 2, loss="squared", optimizer=sg.Adam(0.01), epochs=3, seed=seed)
    step = sg.compile(lambda x: sg.exp(x) * 3)
    step(x)
    return net, step


def test_workers_divide_the_processors_share_machine_code_and_give_back_what_works(monkeypatch, tmp_path):
    monkeypatch.delenv("SUBGRAD_THREADS", raising=False)
    monkeypatch.setenv("SUBGRAD_CACHE", str(tmp_path / "code"))
    sg.set_threads(max(1, available_processors() // 2))  # as the workers: programs differ by that
    get_reusable_executor().shutdown(wait=True)  # which was started with another folder
    STORE.clear()  # what other tests have compiled is in no folder
    kept.MADE.clear()
    here = dict(in_workers(trained, [0]))[0]
    sg.set_threads(None)
    assert here[4] > 0  # the folder was empty
    there = dict(in_workers(trained, range(1, 5), n_jobs=2))
    assert sorted(there) == [1, 2, 3, 4]
    processes = {pid for _, _, pid, _, _ in there.values()}
    assert os.getpid() not in processes
    assert len(processes) <= 2
    assert {found[3] for found in there.values()} == {max(1, available_processors() // 2)}
    assert [compiled for *_, compiled in there.values()] == [0] * 4
    x = np.array([[0.5]], np.float32)
    for net, step, *_ in there.values():
        assert np.isfinite(sg.predict(net, x)).all()
        assert np.allclose(step(x), 3 * np.exp(0.5))


def failing(i):
    if i == 1:
        raise DataError("there is no 1")
    return i


def test_what_a_worker_raises_is_raised_here():
    for jobs in (1, 2):
        with pytest.raises(DataError, match="there is no 1"):
            [*in_workers(failing, range(2), n_jobs=jobs)]


def test_one_job_asks_for_an_item_when_it_is_free_and_says_what_is_done():
    asked, done = [], []

    def items():
        for i in range(3):
            asked.append(i)
            yield i

    for item, found in in_workers(lambda i: i * i, items()):
        done.append(found)
        assert asked == [*range(item + 1)]
    assert done == [0, 1, 4]


def test_wrong_numbers_of_jobs(monkeypatch):
    for wrong in (0, 1.5, True):
        with pytest.raises(ArgumentError, match="n_jobs is a number of jobs"):
            in_workers(abs, [1], n_jobs=wrong)
    monkeypatch.setitem(__import__("sys").modules, "joblib", None)
    assert dict(in_workers(abs, [-1])) == {-1: 1}
    with pytest.raises(MissingExtraError, match=r"pip install 'subgrad\[sweep\]'"):
        in_workers(abs, [1], n_jobs=2)


def test_dask_runs_them_without_a_change_of_code(monkeypatch):
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    import joblib

    def threads(i):
        return sg.get_threads(), os.getpid()

    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as Dask sets it, and leaves it here
    monkeypatch.delenv("OMP_NUM_THREADS")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        found = dict(in_workers(threads, range(3), n_jobs=-1))
    assert sorted(found) == [0, 1, 2]
    assert {(t, pid != os.getpid()) for t, pid in found.values()} == {(1, True)}


def test_ray_runs_them_without_a_change_of_code():
    ray = pytest.importorskip("ray", reason="ray is not installed")
    import joblib
    from ray.util.joblib import register_ray

    def threads(i):
        return sg.get_threads(), os.getpid()

    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR")
    try:
        register_ray()
        with joblib.parallel_config("ray", n_jobs=2):
            found = dict(in_workers(threads, range(3)))
    finally:
        ray.shutdown()
    assert sorted(found) == [0, 1, 2]
    assert {(t, pid != os.getpid()) for t, pid in found.values()} == {(1, True)}
