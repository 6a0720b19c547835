"""The sweep of step sizes: what is tried, what it leaves as it was, and that the suggestion trains."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError
from subgrad.fit.lr_find import StepSizes

X, Y = sg.data.make_moons(300, noise=0.1, seed=1)


def net():
    return nn.Sequential(nn.Linear(2, 16, seed=0), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 2, seed=1))


def test_the_sizes_rise_and_the_model_stays():
    model = net().eval()
    before = model.state_dict()
    found = sg.lr_find(model, X, Y, loss="cross_entropy", optimizer=sg.SGD(9.0), start=1e-4, end=10, steps=60)
    assert all((model.state_dict()[name] == value).all() for name, value in before.items())
    assert not model.training
    np.testing.assert_allclose(found.sizes, np.geomspace(1e-4, 10, 60)[: len(found.sizes)])
    assert len(found.losses) == len(found.smoothed) == len(found.sizes)
    trained = net()
    history = sg.fit(trained, X, Y, loss="cross_entropy", optimizer=sg.SGD(found.suggestion), epochs=30)
    assert history["loss"][-1] < 0.6 * history["loss"][0]


def test_the_steps_are_those_of_the_optimiser_at_these_sizes():
    """On the mean of x w: each step moves w by the size, so that the loss falls by the sum of the sizes."""
    model = nn.Linear(1, 1, bias=False, seed=0)
    found = sg.lr_find(
        model, np.ones((4, 1)), np.zeros(4), loss=lambda f, y: f.mean(), optimizer=sg.SGD(1.0), start=0.01, end=0.1,
        steps=6, batch_size=4,
    )  # fmt: skip
    np.testing.assert_allclose(np.diff(found.losses), -found.sizes[:-1], rtol=1e-4)


def test_a_sweep_ends_where_the_loss_explodes():
    found = sg.lr_find(nn.Linear(2, 1, seed=0), 100 * X, Y.astype(float), loss="mse", optimizer="sgd", end=1e3)
    assert 10 < len(found.sizes) < 100
    assert np.isfinite(found.losses).all()
    assert found.suggestion is not None


def test_the_suggestion_is_where_the_smoothed_loss_falls_fastest():
    sizes = np.geomspace(1e-5, 1, 61)
    smoothed = 2 - np.tanh(2 * (np.log10(sizes) + 2))
    assert StepSizes(sizes, smoothed, smoothed).suggestion == pytest.approx(1e-2)
    assert StepSizes(sizes, sizes, sizes).suggestion is None
    assert StepSizes(sizes[:5], sizes[:5], sizes[:5]).suggestion is None


def test_a_picture(tmp_path):
    sizes = np.geomspace(1e-5, 1, 61)
    StepSizes(sizes, -sizes, -sizes).plot(str(tmp_path / "sweep.svg"))
    assert "step size" in (tmp_path / "sweep.svg").read_text()


def test_wrapped_optimisers_have_a_step_size_too():
    clipped = sg.chain(sg.clip_by_norm(1.0), sg.Adam(sg.step.Cosine(0.1, steps=3)))
    assert len(sg.lr_find(net(), X, Y, loss="cross_entropy", optimizer=clipped, steps=12).sizes) == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 1.0, "end": 0.1}, "start lies below end, got 1 and 0.1"),
        ({"start": 0.0}, "start"),
        ({"steps": 0}, "steps must be an integer of 1 or more"),
        ({"optimizer": sg.groups({"*": sg.SGD(0.1)})}, "an optimiser that has one, got Groups"),
    ],
)
def test_what_it_does_not_take(options, message):
    with pytest.raises(ArgumentError, match=message):
        sg.lr_find(net(), X, Y, loss="cross_entropy", **options)


def test_a_sweep_is_shown_in_one_line():
    sizes = np.geomspace(1e-3, 1.0, 30)
    assert repr(StepSizes(sizes, sizes, sizes)) == "StepSizes(30 from 0.001 to 1, no suggestion)"
    assert repr(StepSizes(sizes, -sizes, -sizes)).endswith(f"suggestion {sizes[-2]:.2g})")
