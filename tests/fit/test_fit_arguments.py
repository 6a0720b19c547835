"""What each argument of a run may be: NumPy's numbers and truth values, and clear words for the rest."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, ShapeError
from subgrad.fit.callbacks.callback import says_stop
from subgrad.fit.options import early_stopping
from subgrad.fit.training_run import ends

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(33, 3)), rng.integers(0, 2, 33)


def fit(net=None, X=X, y=Y, **options):
    return sg.fit(net or nn.Linear(3, 2, seed=0), X, y, **{"loss": "cross_entropy", "epochs": 1, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": True}, "epochs must be an integer of 1 or more, got True"),
        ({"epochs": 2.0}, "epochs must be"),
        ({"batch_size": -1}, "batch_size must be an integer of 1 or more, got -1"),
        ({"batch_size": float("nan")}, "batch_size must be"),
        ({"seed": 1.5}, "seed must be an integer of at most 64 bits, got 1.5"),
        ({"seed": 2**70}, "seed must be"),
        ({"seed": None}, "seed must be"),
        ({"shuffle": "no"}, "shuffle must be True or False, got 'no'"),
        ({"drop_last": None}, "drop_last must be True or False"),
        ({"drop_last": True, "batch_size": 64}, "drop_last leaves nothing of 33 samples in batches of 64"),
        ({"verbose": 2}, "verbose must be True or False, got 2"),
        ({"early_stopping": 2.5}, "early_stopping is an EarlyStopping, its patience, True or False, got 2.5"),
        ({"early_stopping": -3}, "patience is a number of epochs, 1 or more, got -3"),
        ({"early_stopping": "5"}, "early_stopping is"),
        ({"callbacks": 3}, "a callback is a function of the history"),
        ({"callbacks": "csv"}, "got 'csv'"),
        ({"callbacks": [sg.EarlyStopping(2)]}, r"it is given as fit\(early_stopping=\.\.\.\)"),
        ({"callbacks": ["stop"]}, "or an object of a class of Callback, got 'stop'"),
        ({"checkpoint": 3}, "a checkpoint is saved to a path, got 3"),
        ({"checkpoint": True}, "a checkpoint is saved to a path, got True"),
        ({"validation": True}, "a share between 0 and 1, got True"),
        ({"validation": float("nan")}, "a share between 0 and 1, got nan"),
        ({"validation": X}, "a share between 0 and 1, got ndarray"),
        ({"net": "model"}, "fit takes a subgrad.nn.Module, got str"),
        ({"metrics": [lambda f, y: 0.5]}, "<lambda> must return a tensor, got float"),
    ],
)
def test_what_an_argument_cannot_be(options, message):
    with pytest.raises(ArgumentError, match=message):
        fit(**options)


def test_a_metric_that_is_no_scalar():
    with pytest.raises(ShapeError, match=r"<lambda> must return a scalar, got shape \(33, 2\)"):
        fit(metrics=[lambda f, y: f], batch_size=40)


@pytest.mark.parametrize(
    "given", [{"patience": 2.5}, {"patience": True}, {"min_delta": -1.0}, {"min_delta": float("nan")}]
)
def test_what_early_stopping_cannot_have(given):
    with pytest.raises(ArgumentError):
        sg.EarlyStopping(**given)


@pytest.mark.parametrize("given", [{"every": 0}, {"every": 1.5}, {"every": True}])
def test_what_a_checkpoint_cannot_have(given):
    with pytest.raises(ArgumentError, match="every 1 or more epochs"):
        sg.Checkpoint("run", **given)


@pytest.mark.parametrize("number", [10**400, 10**5000, -(10**5000)], ids=["long", "longer", "below 0"])
def test_numbers_that_are_too_long_to_be_written(number):
    for call in (lambda: fit(epochs=-abs(number)), lambda: fit(batch_size=-abs(number)), lambda: sg.Adam(number)):
        with pytest.raises(ArgumentError):
            call()


def test_numbers_of_numpy_are_numbers(tmp_path):
    saving = sg.Checkpoint(tmp_path / "run", np.int64(1))
    history = fit(
        epochs=np.int64(2), batch_size=np.int32(8), seed=np.uint8(3), shuffle=np.False_, drop_last=np.True_,
        validation=np.float32(0.25), early_stopping=np.int64(5), checkpoint=saving,
    )  # fmt: skip
    assert len(history) == 2
    assert len(fit(epochs=3, early_stopping=sg.EarlyStopping(np.int64(2), np.float32(0.1)))) == 3


def test_early_stopping_on_and_off():
    assert early_stopping(False) is early_stopping(np.False_) is early_stopping(None) is None
    assert early_stopping(True) == sg.EarlyStopping()
    assert early_stopping(np.int64(4)) == sg.EarlyStopping(4)


@pytest.mark.parametrize(
    "answer", [True, np.True_, np.array(True), np.array([True]), sg.tensor(True), sg.tensor([1.0]) > 0]
)
def test_answers_that_stop(answer):
    assert says_stop(answer)
    assert len(fit(epochs=3, callbacks=lambda h: answer)) == 1


@pytest.mark.parametrize("answer", [None, False, np.False_, 1, 1.0, "stop", np.ones(2, bool), np.array(1.0), [True]])
def test_answers_that_do_not(answer):
    assert not says_stop(answer)


def test_callbacks_from_a_generator_are_called_after_each_epoch():
    seen = []
    fit(epochs=3, callbacks=(f for f in [lambda h: seen.append(len(h))]))
    assert seen == [1, 2, 3]


# Batches


@pytest.mark.parametrize(
    ("n", "size", "drop_last", "found"),
    [
        (6, 3, False, [0, 3, 6]),
        (8, 3, False, [0, 3, 6, 8]),
        (7, 3, False, [0, 3, 7]),
        (7, 3, True, [0, 3, 6]),
        (4, 3, False, [0, 4]),
        (2, 3, False, [0, 2]),
        (1, 3, False, [0, 1]),
        (3, 1, False, [0, 1, 2, 3]),
    ],
)
def test_where_batches_end(n, size, drop_last, found):
    assert ends(n, size, drop_last) == found


@pytest.mark.parametrize("drop_last", [False, True])
def test_one_sample_left_over_has_no_batch_of_its_own(drop_last):
    net = nn.Sequential(nn.Linear(3, 4, seed=0), nn.BatchNorm1d(4), nn.Linear(4, 2, seed=1))
    history = fit(net, drop_last=drop_last, epochs=2)
    assert np.isfinite(history["loss"]).all()
    assert all(np.isfinite(v).all() for v in net.state_dict().values())


def test_an_epoch_that_drops_its_last_samples_measures_the_others():
    net = nn.Linear(3, 2, seed=0)
    history = fit(net, drop_last=True, batch_size=10, shuffle=False, optimizer=sg.SGD(1e-12))
    assert history["loss"] == pytest.approx([float(nn.cross_entropy(net(X[:30]), Y[:30]))], rel=1e-5)


@pytest.mark.parametrize("options", [{"batch_size": 1}, {"X": X[:1], "y": Y[:1]}])
def test_a_variance_of_one_sample_has_a_remedy(options):
    with pytest.raises(ShapeError, match="use batches of two examples or more"):
        fit(nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)), **options)


# Dtypes


@pytest.mark.parametrize("default", ["float32", "float64"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_of_the_model_decides(dtype, default):
    with sg.using_dtype(dtype):
        net = nn.Linear(3, 1, seed=0)
    expected = X @ net.weight.numpy().T.astype("f8") + net.bias.numpy()
    y = np.ones(33)
    with sg.using_dtype(default):
        for x in (X, X.astype("f4"), sg.tensor(X, dtype="float64"), X.tolist()):
            found = sg.predict(net, x)
            assert found.dtype == dtype
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        weight = np.arange(33.0)
        truth = np.average((expected[:, 0] - 1) ** 2, weights=weight)
        found = sg.evaluate(net, X, y, loss="squared", metrics=["mae"], sample_weight=weight)
        assert found["loss"] == pytest.approx(truth, rel=1e-5)
        sg.fit(net, X, y, loss="squared", epochs=1, sample_weight=weight, validation=(X.astype("f4"), y))
    assert net.weight.dtype == dtype
