"""Integers out of range in native code: the error of eager code, at the user's line; the program goes on after it."""

import re
import threading

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile.runtime.cpu import host
from subgrad.compile.runtime.program import Program
from subgrad.errors import DataError, ShapeError
from subgrad.graph.tensor import placeholder

pytest.importorskip("llvmlite")

TABLE = np.arange(20, dtype=np.float32).reshape(4, 5)
SCORES = np.zeros((3, 4), np.float32)

READS = {
    "rows": lambda x, i: x[i],
    "elements": lambda x, i: x[i, i],
    "gather by its name": lambda x, i: sg.gather(x, i, i, axes=(1, -2)),
    "columns of a view": lambda x, i: x.transpose()[1:][:, i],
    "an embedding in a product": lambda x, i: sg.embedding(i, x) @ np.ones((5, 2), np.float32),
    "a gradient": lambda x, i: sg.grad((x[i] ** 2).sum(), x),
    "a sum of what is masked": lambda x, i: sg.where(i.reshape(-1, 1) > 0, x[i], 0).sum(),
    "in a loop": lambda x, i: sg.scan(lambda h, k: (h + x[k], h), sg.zeros(5), i)[0],
    "the gradient of a loop": lambda x, i: sg.grad(
        sg.scan(lambda h, k: (sg.tanh(h + x[k]), h), sg.zeros(5), i)[0].sum(), x
    ),
    "members": lambda x, i: sg.vmap(lambda k: x[k] * 2)(i),
    "one of each row": lambda x, i: sg.pick(sg.broadcast_to(x[0, :4], (*i.shape, 4)), sg.where(i < 0, i + 4, i)),
}  # fmt: skip


def run(f, *arrays, threads=1):
    inputs = [placeholder(a.shape, a.dtype) for a in arrays]
    program = Program(inputs, [f(*inputs).node], n_threads=threads)
    return lambda *arrays: program(arrays)[0]


@pytest.mark.parametrize("f", READS.values(), ids=READS)
@pytest.mark.parametrize("threads", [1, 2])
def test_indices(f, threads):
    good = np.array([0, 3, -4, -1] * 5, np.int64)
    native = run(f, TABLE, good, threads=threads)
    wanted = f(sg.tensor(TABLE), sg.tensor(good)).numpy()
    np.testing.assert_allclose(native(TABLE, good), wanted, rtol=1e-6)
    for bad in (4, -5, 2**40, -(2**63)):
        for at in (0, 7, 19):
            indices = good.copy()
            indices[at] = bad
            number = bad + 4 if f is READS["one of each row"] and bad < 0 else bad
            told = rf"index {number} is out of range for an axis of length 4.*test_checks.py"
            with pytest.raises(ShapeError, match=told):
                native(TABLE, indices)
    np.testing.assert_allclose(native(TABLE, good), wanted, rtol=1e-6)  # the error is told once


@pytest.mark.parametrize(("dtype", "bad"), [("int32", -5), ("int32", 2**31 - 1), ("uint8", 255), ("uint8", 4)])
def test_dtypes_of_indices(dtype, bad):
    indices = np.array([0, 3, 2] * 9, dtype)
    native = run(lambda x, i: x[i], TABLE, indices)
    np.testing.assert_array_equal(native(TABLE, indices), TABLE[indices])
    indices[20] = bad
    with pytest.raises(ShapeError, match=f"index {bad} is out of range"):
        native(TABLE, indices)


@pytest.mark.parametrize("cpu", ["", "avx2", "sse2"])
@pytest.mark.parametrize("length", [1, 3, 4, 5, 7, 8, 9, 15, 17])
def test_what_vectors_compute_behind_the_end_is_nobodys_index(length, cpu, monkeypatch):
    """Indices that go on counting behind the end of an axis, in the lanes of a vector that nothing is stored from."""
    if cpu:
        monkeypatch.setenv("SUBGRAD_CPU", cpu)
    x, start = np.arange(40, dtype=np.float32).reshape(2, 20), np.array([0, 20 - length])
    native = run(lambda x, i: x[:, i.reshape(-1, 1) + sg.arange(length)], x, start)
    np.testing.assert_array_equal(native(x, start), x[:, start[:, None] + np.arange(length)])
    with pytest.raises(ShapeError, match="index 20 is out of range"):
        native(x, start + 1)


@pytest.mark.parametrize("length", [1, 3, 9, 15, 17])
def test_vectors_of_512_bits(length):
    """On any machine: LLVM makes them of narrower ones."""
    x, ix = np.arange(3 * length, dtype=np.float32).reshape(3, length), np.arange(length)[::-1].copy()
    given = [placeholder(a.shape, a.dtype) for a in (x, ix)]
    behind = sg.arange(length)

    def values(x, i):
        return [x[:, behind], x[:, i[behind]].sum(1), x.T[behind].max(0), x[0][i[behind]].argmax(0), x[:, -1 - behind]]

    program = Program(given, [v.node for v in values(*given)], n_threads=1, cpu=host()._replace(vector_bits=512))
    for found, expected in zip(program([x, ix]), values(sg.tensor(x), sg.tensor(ix)), strict=True):
        np.testing.assert_array_equal(found, expected.numpy())
    with pytest.raises(ShapeError, match=f"index {length} is out of range"):
        program([x, ix + 1])


def test_the_line_is_the_one_that_reads():
    f = sg.compile(lambda x, i: x[i] + 1)
    with pytest.raises(ShapeError) as native:
        f(TABLE, np.array([9]))
    with pytest.raises(ShapeError) as eager:
        f.function(sg.tensor(TABLE), np.array([9]))
    assert str(native.value) == str(eager.value)


def test_which_of_several():
    f = sg.compile(lambda x, i, j: x[i].sum() + x[:, j].sum())
    ok = np.array([0])
    with pytest.raises(ShapeError, match="index 7 is out of range for an axis of length 4"):
        f(TABLE, np.array([7]), ok)
    with pytest.raises(ShapeError, match="index 8 is out of range for an axis of length 5"):
        f(TABLE, ok, np.array([8]))
    assert f(TABLE, ok, ok) == TABLE[0].sum() + TABLE[:, 0].sum()


@pytest.mark.parametrize("bad", [4, -1, -100])
def test_classes(bad):
    f = sg.compile(lambda f, y: sg.grad(nn.cross_entropy(f, y), f))
    f(SCORES, np.array([0, 3, 1]))
    with pytest.raises(DataError, match=re.escape(f"cross_entropy has 4 classes, 0..3, got {bad} (at test_checks.py:")):
        f(SCORES, np.array([0, bad, 1]))


SIGNS = "takes the labels -1 and +1, got others"
LABELS = {
    "hinge": (nn.hinge_loss, [1.0, -1.0], [0.0, -1.0], SIGNS),
    "binomial": (nn.binomial_loss, [1, -1], [1, 2], SIGNS),
    "bits": (nn.binary_cross_entropy, [0, 1], [0, 2], "takes the labels 0 and 1, or -1 and +1, got others"),
    "NaN": (nn.focal_loss, [0.0, 1.0], [np.nan, 1.0], "focal_loss takes the labels"),
    "ranks": (lambda f, y: nn.margin_ranking_loss(f, f + 1, y), [1.0, -1.0], [1.0, 0.5], "y of -1 and +1, got others"),
    "weights": (lambda f, w: nn.squared_loss(f, 0 * f, sample_weight=w), [0.0, 2.0], [0.0, -0.5], "weights of 0 or mo"),
}


@pytest.mark.parametrize(("loss", "good", "bad", "told"), LABELS.values(), ids=LABELS)
def test_labels_and_weights(loss, good, bad, told):
    scores, good, bad = np.array([0.5, -2.0], np.float32), np.array(good), np.array(bad)
    native = sg.compile(lambda f, y: (loss(f, y), sg.grad(loss(f, y), f)))
    for found, wanted in zip(native(scores, good), native.function(sg.tensor(scores), sg.tensor(good)), strict=True):
        np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-6)
    with pytest.raises(DataError, match=re.escape(told)):
        native(scores, bad)
    with pytest.raises(DataError):
        loss(sg.tensor(scores), sg.tensor(bad))


def test_many_steps_and_interpreted_steps():
    step = sg.compile(lambda total, i: (total + sg.tensor(TABLE)[i].sum(), total))
    with pytest.raises(ShapeError, match="index 4 is out of range"):
        step.scan(np.float32(0), np.array([0, 1, 4, 2]))
    total, _ = step.scan(np.float32(0), np.array([0, 1, 2]))
    assert total == TABLE[:3].sum()


def test_layers_that_repeat_tell_their_own_line():
    tables = [np.ones((n, 3), np.float32) for n in (4, 4)]
    f = sg.compile(lambda i, j, a, b: sg.embedding(i, a).sum() + sg.embedding(j, b).sum())
    with pytest.raises(ShapeError, match="index 5 "):
        f(np.array([0, 1]), np.array([0, 5]), *tables)
    with pytest.raises(ShapeError, match="index 6 "):
        f(np.array([0, 6]), np.array([0, 1]), *tables)


def test_an_ensemble_and_a_model_in_use():
    net = nn.Sequential(nn.Embedding(6, 4, seed=0), nn.Flatten(), nn.Linear(8, 3, seed=1))
    nets = sg.ensemble(net, 3)
    good, bad = np.array([[0, 5], [1, 2]]), np.array([[0, 5], [6, 2]])
    for model in (net, nets):
        sg.predict(model, good)
        with pytest.raises(ShapeError, match="index 6 is out of range for an axis of length 6"):
            sg.predict(model, bad)
    with pytest.raises(ShapeError, match="index 6 is out of range for an axis of length 6"):
        sg.fit(net, np.tile(bad, (4, 1)), np.zeros(8, np.int64), loss="cross_entropy", epochs=1)
    with pytest.raises(DataError, match="cross_entropy has 3 classes"):
        sg.fit(net, np.tile(good, (4, 1)), np.full(8, 3), loss="cross_entropy", epochs=1)


def test_threads_do_not_hear_of_each_others_indices():
    inputs = [placeholder(TABLE.shape, TABLE.dtype), placeholder((1,), "int64")]
    program = Program(inputs, [inputs[0][inputs[1]].node])
    programs, found = [program, program.twin()], [[], []]

    def work(k):
        for _ in range(200):
            try:
                found[k].append(programs[k]([TABLE, np.array([9 if k else 0])])[0].sum())
            except ShapeError:
                found[k].append(None)

    workers = [threading.Thread(target=work, args=(k,)) for k in (0, 1)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert found == [[TABLE[0].sum()] * 200, [None] * 200]


def test_constants_out_of_range_are_refused_while_tracing():
    with pytest.raises(ShapeError, match="index 4 is out of range"):
        sg.compile(lambda x: x[[0, 4]])(TABLE)
