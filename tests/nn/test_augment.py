"""Augmentation: what it draws, in which mode, in native code, and that it makes networks generalise."""

from __future__ import annotations

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, ShapeError

rng = np.random.default_rng(2)


def test_normalize_takes_bytes_and_channels():
    x = rng.integers(0, 256, (4, 3, 5, 5), dtype=np.uint8)
    mean, std = x.mean((0, 2, 3)), x.std((0, 2, 3))
    y = nn.Normalize(mean.tolist(), std.tolist())(x).numpy()
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std((0, 2, 3)), 1, atol=1e-5)


def test_flips_mirror_about_half_of_the_images_as_a_whole():
    x = rng.normal(size=(400, 2, 3, 4)).astype("f4")
    y = nn.RandomHorizontalFlip()(x).numpy()
    same, mirrored = (y == x).all((1, 2, 3)), (y == x[..., ::-1]).all((1, 2, 3))
    assert (same ^ mirrored).all()
    assert 150 < mirrored.sum() < 250


@pytest.mark.parametrize(("size", "padding"), [(5, 2), ((3, 4), 0), (7, 1)])
def test_crops_are_parts_of_the_padded_images_and_every_place_occurs(size, padding):
    x = rng.normal(size=(600, 2, 5, 6)).astype("f4")
    crop = nn.RandomCrop(size, padding)
    rows, columns = crop.size
    padded = np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2))
    parts = np.lib.stride_tricks.sliding_window_view(padded, crop.size, (2, 3))
    y = crop(x).numpy()
    hits = (parts == y[:, :, None, None]).all((1, 4, 5))
    assert y.shape == (600, 2, rows, columns)
    assert (hits.sum((1, 2)) == 1).all()
    assert (hits.sum(0) > 600 / hits[0].size / 3).all()


def test_evaluation_crops_the_middle_and_flips_nothing():
    x = rng.normal(size=(2, 1, 6, 6)).astype("f4")
    np.testing.assert_array_equal(nn.RandomCrop(4).eval()(x).numpy(), x[:, :, 1:5, 1:5])
    np.testing.assert_array_equal(nn.RandomCrop(6, 3).eval()(x).numpy(), x)
    np.testing.assert_array_equal(nn.RandomHorizontalFlip(1.0).eval()(x).numpy(), x)


def test_compiled_steps_draw_anew_and_only_what_the_eager_layer_could():
    layer = nn.Sequential(nn.RandomHorizontalFlip(), nn.RandomCrop(4, padding=1))
    x = rng.normal(size=(16, 1, 4, 4)).astype("f4")
    f = sg.compile(layer)
    first, second = f(x), f(x)
    assert (first != second).any()
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for image, made in zip(padded[:, 0], first[:, 0], strict=True):
        parts = [np.lib.stride_tricks.sliding_window_view(i, (4, 4)) for i in (image, image[:, ::-1])]
        assert any((p == made).all((2, 3)).any() for p in parts)


def test_fit_augments_in_training_and_not_in_validation():
    """All images are mirrored in training; those that are not are answered all the same: bright rows have no side."""
    y = np.arange(160) % 4
    x = np.zeros((160, 1, 8, 8), np.uint8)
    x[np.arange(160), 0, 2 + y] = 200
    x += rng.integers(0, 40, x.shape, dtype=np.uint8)
    net = nn.Sequential(
        nn.Normalize(100, 80), nn.RandomHorizontalFlip(1.0), nn.Conv2d(1, 4, 3, seed=0),
        nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 4, seed=1),
    )  # fmt: skip
    history = sg.fit(net, x, y, loss="cross_entropy", optimizer=sg.Adam(0.01), epochs=5, batch_size=20, verbose=False,
                     validation=0.25, metrics=["accuracy"])  # fmt: skip
    assert history["validation_accuracy"][-1] == 1
    again = sg.fit(nn.from_config(net.config()), x, y, loss="cross_entropy", optimizer=sg.Adam(0.01), epochs=5,
                   batch_size=20, verbose=False, validation=0.25, metrics=["accuracy"])  # fmt: skip
    assert again["loss"] == history["loss"]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: nn.Normalize(0, 0), ArgumentError, "deviations above 0"),
        (lambda: nn.Normalize([0, 1], 1)(np.zeros((1, 3, 2, 2))), ShapeError, "images of 2 channels"),
        (lambda: nn.RandomHorizontalFlip(2), ArgumentError, r"a probability in \[0, 1\]"),
        (lambda: nn.RandomHorizontalFlip()(np.zeros((3, 4))), ShapeError, r"takes a shape \(N, C, H, W\)"),
        (lambda: nn.RandomCrop(0), ArgumentError, "size is an integer of 1 or more"),
        (lambda: nn.RandomCrop(9, 1)(np.zeros((1, 1, 6, 6))), ShapeError, r"cannot cut \(9, 9\) out of images of"),
        (lambda: nn.Unflatten(1, (2, 3))(np.zeros((4, 5))), ShapeError, r"Unflatten makes \(2, 3\) of an axis of 6"),
    ],
)
def test_what_does_not_fit_is_said(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
