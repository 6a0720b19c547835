"""Turns, zooms, colours, holes and mixtures: against SciPy, formulas and counts."""

import numpy as np
import pytest
from scipy import ndimage, stats

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, DataError, ShapeError
from subgrad.nn.augmentation.image_changes import _beta, _warped

rng = np.random.default_rng(3)
IMAGES = rng.random((3, 2, 7, 9)).astype("f4")


@pytest.mark.parametrize("angle", [0.0, 0.4, -1.2])
def test_a_turn_is_that_of_scipy(angle):
    c, s = np.cos(angle), np.sin(angle)
    found = _warped(sg.tensor(IMAGES), lambda down, across: (c * down - s * across, s * down + c * across)).numpy()
    matrix, middle = np.array([[c, -s], [s, c]]), np.array([3.0, 4.0])
    for image, turned in zip(IMAGES.reshape(-1, 7, 9), found.reshape(-1, 7, 9), strict=True):
        padded = np.pad(image, 4)  # SciPy does not interpolate between the edge and what is outside
        expected = ndimage.affine_transform(padded, matrix, middle + 4 - matrix @ (middle + 4), order=1)[4:-4, 4:-4]
        np.testing.assert_allclose(turned, expected, atol=1e-5)


def test_angles_and_factors_lie_in_their_ranges():
    spot = np.zeros((400, 1, 31, 31), "f4")
    spot[:, 0, 15, 25] = 1  # 10 to the right of the middle
    rows, columns = np.mgrid[-15:16, -15:16]
    for layer in (nn.RandomRotation(30), nn.RandomZoom((0.5, 1.25))):
        y = layer(spot).numpy()[:, 0]
        there = y.sum((1, 2)) > 0.2
        down, across = ((y * place).sum((1, 2))[there] / y.sum((1, 2))[there] for place in (rows, columns))
        angle, radius = np.degrees(np.arctan2(down, across)), np.hypot(down, across)
        if isinstance(layer, nn.RandomRotation):
            assert np.abs(radius - 10).max() < 0.6
            assert 25 < np.abs(angle).max() < 32
            assert angle.min() < -20 < 20 < angle.max()
        else:
            assert np.abs(angle).max() < 1e-3
            assert 4.4 < radius.min() < 6.5
            assert 11.5 < radius.max() < 13.1


def test_colours():
    x = rng.random((200, 3, 4, 4)).astype("f4")
    bright = nn.ColorJitter(brightness=0.3)(x).numpy() / x
    np.testing.assert_allclose(bright, bright[:, :1, :1, :1] * np.ones_like(x), rtol=1e-4)
    assert 0.7 <= bright.min() < 0.75 < 1.25 < bright.max() <= 1.3001
    grey = np.tensordot([0.299, 0.587, 0.114], x, (0, 1))[:, None]
    for layer, centre in (
        (nn.ColorJitter(contrast=0.5), grey.mean((1, 2, 3), keepdims=True)), (nn.ColorJitter(saturation=0.5), grey),
    ):  # fmt: skip
        y = layer(x).numpy()
        factor = ((y - centre) * (x - centre)).sum((1, 2, 3)) / ((x - centre) ** 2).sum((1, 2, 3))
        np.testing.assert_allclose(y, centre + factor[:, None, None, None] * (x - centre), atol=1e-4)
        assert 0.49 < factor.min() < 0.6 < 1.4 < factor.max() < 1.51


def test_holes():
    x = np.ones((500, 2, 8, 10), "f4")
    y = nn.Cutout(3, value=-1.0)(x).numpy()
    holes = (y == -1).sum((2, 3))
    assert (holes[:, 0] == holes[:, 1]).all()
    assert set(np.unique(holes)) == {4, 6, 9}
    y = nn.RandomErasing(0.6, scale=(0.1, 0.2), ratio=(0.5, 2.0))(x).numpy()
    share = (y == 0).mean((1, 2, 3))
    assert 0.5 < (share > 0).mean() < 0.7
    assert 0.03 < share[share > 0].min() < share.max() < 0.3
    rows, columns = (y[:, 0] == 0).any(2).sum(1), (y[:, 0] == 0).any(1).sum(1)
    np.testing.assert_array_equal(rows * columns, (y[:, 0] == 0).sum((1, 2)))  # rectangles


@pytest.mark.parametrize(
    "layer",
    [nn.RandomRotation(20), nn.RandomZoom(), nn.ColorJitter(0.5, 0.5), nn.Cutout(3), nn.RandomErasing(1.0)],
)
def test_evaluation_leaves_images_as_they_are_and_training_is_native(layer):
    assert (layer.eval()(IMAGES).numpy() == IMAGES).all()
    layer.train()
    f = sg.compile(lambda x: layer(x))
    first, second = np.array(f(IMAGES)), np.array(f(IMAGES))
    assert first.shape == IMAGES.shape
    assert (first != second).any()  # drawn anew


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_the_shares_of_mixtures_have_the_distribution_of_beta(alpha):
    draws = sg.compile(lambda: sg.stack([_beta(alpha) for _ in range(64)]))
    shares = np.concatenate([draws() for _ in range(30)])
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 1e-3


def test_mixtures_mix_examples_and_targets_alike():
    x, y = np.eye(6, dtype="f4"), np.eye(6, dtype="f4") * 2
    mixed, targets = sg.nn.mixup(x, y, alpha=1.0)
    np.testing.assert_allclose(targets.numpy(), 2 * mixed.numpy(), rtol=1e-6)
    np.testing.assert_allclose(mixed.numpy().sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.sort(mixed.numpy().sum(0)), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: nn.RandomRotation(-1), ArgumentError),
        (lambda: nn.RandomZoom((2.0, 1.0)), ArgumentError),
        (lambda: nn.RandomZoom(1.1), ArgumentError),
        (lambda: nn.ColorJitter(contrast=-0.1), ArgumentError),
        (lambda: nn.ColorJitter(saturation=0.1)(IMAGES), ShapeError),
        (lambda: nn.RandomErasing(2.0), ArgumentError),
        (lambda: nn.Cutout(0), ArgumentError),
        (lambda: nn.Cutout(2)(np.zeros((3, 4))), ShapeError),
        (lambda: nn.mixup(np.zeros(3), np.zeros(4)), ShapeError),
        (lambda: nn.mixup(np.zeros(3), np.zeros(3), alpha=0.0), ArgumentError),
    ],
)
def test_what_cannot_be(make, error):
    with pytest.raises(error):
        make()


def test_numbers_of_classes_are_not_mixed():
    with pytest.raises(DataError, match=r"such as sg.one_hot\(y, classes\); got int64, \(3,\)"):
        nn.mixup(IMAGES, [0, 2, 1])
