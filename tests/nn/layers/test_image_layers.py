"""Convolutions, pooling, batch normalisation, attention: what is particular to each, and bad input."""

from __future__ import annotations

import re

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, NotTraceableError, ShapeError

rng = np.random.default_rng(5)

LAYERS = {  # name: (layer, shape of the input)
    "Conv1d": (lambda: nn.Conv1d(2, 3, 3, padding="same"), (2, 2, 5)),
    "Conv2d": (lambda: nn.Conv2d(2, 4, 2, 2, 1, groups=2), (1, 2, 4, 3)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 1, 2, 2, output_padding=1), (1, 2, 2, 2)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (4, 3)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(2), (2, 2, 2, 2)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (2, 4, 2)),
    "RMSNorm": (lambda: nn.RMSNorm(3), (2, 3)),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d(2), (1, 1, 3, 4)),
    "Upsample": (lambda: nn.Upsample(2, "bilinear"), (1, 1, 2, 3)),
    "Inception": (lambda: nn.Inception(2, 1, (1, 2), (1, 1), 1), (1, 2, 3, 3)),
    "MultiHeadAttention": (lambda: nn.MultiHeadAttention(4, 2, causal=True), (1, 3, 4)),
    "TransformerBlock": (lambda: nn.TransformerBlock(4, 2, 5), (1, 2, 4)),
    "PositionalEncoding": (nn.PositionalEncoding, (1, 3, 4)),
    "PositionalEmbedding": (lambda: nn.PositionalEmbedding(4, 4), (1, 3, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_derivatives_agree_with_finite_differences_to_order_two(name):
    make, shape = LAYERS[name]
    with sg.using_dtype("float64"):
        sg.check(make(), rng.normal(size=shape), tolerance=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_made_again_from_their_description(name):
    layer = LAYERS[name][0]()
    again = nn.from_config(layer.config())
    assert again.config() == layer.config()
    assert {n: p.shape for n, p in again.named_state()} == {n: p.shape for n, p in layer.named_state()}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_keep_float32(name):
    make, shape = LAYERS[name]
    y = make()(sg.tensor(rng.normal(size=shape)))
    assert y.dtype == np.float32
    assert np.isfinite(y.numpy()).all()


# Initial values


def test_convolutions_start_in_pytorchs_interval():
    layer = nn.Conv2d(8, 64, 3, groups=2, seed=1)
    bound = 1 / np.sqrt(4 * 9)
    for value in layer.state_dict().values():
        assert 0.9 * bound < np.abs(value).max() <= bound
    assert nn.Conv2d(3, 4, 3, init="zeros").weight.numpy().any() == np.False_
    np.testing.assert_array_equal(nn.Conv1d(2, 2, 3, seed=4).weight.numpy(), nn.Conv1d(2, 2, 3, seed=4).weight.numpy())


def test_a_depthwise_convolution_sees_each_channel_alone():
    layer = nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False)
    x = sg.tensor(rng.normal(size=(1, 3, 4, 4)), requires_grad=True)
    g = sg.grad(layer(x)[:, 1].sum(), x).numpy()
    assert g[:, 1].any()
    assert not g[:, [0, 2]].any()


def test_a_transposed_convolution_is_the_transpose():
    with sg.using_dtype("float64"):
        down = nn.Conv2d(2, 3, 3, stride=2, padding=1, bias=False)
        up = nn.ConvTranspose2d(3, 2, 3, stride=2, padding=1, output_padding=1, bias=False)
        up.weight.assign(down.weight)
        x, y = rng.normal(size=(1, 2, 6, 6)), rng.normal(size=(1, 3, 3, 3))
        np.testing.assert_allclose(np.vdot(down(x).numpy(), y), np.vdot(x, up(y).numpy()), rtol=1e-12)


@pytest.mark.parametrize(
    ("k", "s", "p", "extra", "d"),
    [(3, 1, 0, 1, 2), (3, 1, 1, 1, 2), (2, 1, 2, 2, 3), (3, 2, 1, 1, 1), (2, 3, 1, 2, 1), (2, 2, 0, 2, 4)],
)
def test_output_padding_shows_more_of_the_transposed_convolution(k, s, p, extra, d):
    """Each element of the input adds its kernel to the places that it reaches; then both ends are cut off."""
    up = nn.ConvTranspose2d(1, 1, (k, 1), (s, 1), [(p, p), (0, 0)], (extra, 0), bias=True, dilation=(d, 1), seed=0)
    x, w, b = rng.normal(size=4), up.weight.numpy()[0, 0, :, 0], float(up.bias.numpy()[0])
    reached = np.zeros(3 * s + (k - 1) * d + 1 + extra)
    for i, value in enumerate(x):
        reached[i * s : i * s + (k - 1) * d + 1 : d] += value * w
    y = up(x.astype("float32")[None, None, :, None])[0, 0, :, 0]
    np.testing.assert_allclose(y.numpy(), reached[p : len(reached) - p] + b, rtol=1e-5, atol=1e-6)


# Batch normalisation


def test_running_statistics_follow_the_batches():
    norm = nn.BatchNorm1d(2, momentum=0.25)
    mean, var = np.zeros(2), np.ones(2)
    for _ in range(3):
        x = rng.normal(size=(6, 2)) * [1, 5] + [3, -2]
        norm(x)
        mean, var = 0.75 * mean + 0.25 * x.mean(0), 0.75 * var + 0.25 * x.var(0, ddof=1)
    np.testing.assert_allclose(norm.running_mean.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(norm.running_var.numpy(), var, rtol=1e-5)
    assert [name for name, _ in norm.named_parameters()] == ["weight", "bias"]


def test_evaluation_uses_the_running_statistics_and_leaves_them():
    norm = nn.BatchNorm2d(1)
    norm(rng.normal(2, 3, size=(4, 1, 3, 3)))
    before = norm.state_dict()
    norm.eval()
    x = sg.tensor(rng.normal(size=(1, 1, 2, 2)))
    expected = (x.numpy() - before["running_mean"]) / np.sqrt(before["running_var"] + 1e-5)
    np.testing.assert_allclose(norm(x).numpy(), expected, rtol=1e-5, atol=1e-6)
    for name, value in norm.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_compiled_steps_move_the_running_statistics_like_eager_ones():
    def trained(compiled):
        net = nn.Sequential(nn.Linear(3, 4, seed=1), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1, seed=2))
        sgd = sg.SGD(0.1)

        def step(x, y, state):
            loss = nn.squared_loss(net(x), y)
            return loss, sg.update(net, sg.grad(loss, net), sgd, state, loss)

        run, state = sg.compile(step) if compiled else step, sgd.init(net)
        for i in range(4):
            data = np.random.default_rng(i)
            x, y = data.normal(size=(8, 3)).astype("f4"), data.normal(size=(8, 1)).astype("f4")
            _, state = run(x if compiled else sg.tensor(x), y if compiled else sg.tensor(y), state)
        return net.state_dict()

    eager, native = trained(False), trained(True)
    for name, value in eager.items():
        np.testing.assert_allclose(native[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


def test_fit_moves_the_running_statistics_of_a_module_and_of_an_ensemble():
    x = rng.normal(3, 2, size=(64, 2)).astype("f4")
    y = (x[:, 0] > 3).astype(int)
    net = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2, seed=0))
    members = sg.ensemble(net, 3)
    for model in (net, members):
        sg.fit(model, x, y, loss="cross_entropy", optimizer=sg.SGD(0.1), epochs=10, batch_size=16, verbose=False)
    means = [m[0].running_mean.numpy() for m in (net, *members)]
    np.testing.assert_allclose(means, np.broadcast_to(x.mean(0), (4, 2)), rtol=0.1)
    assert sg.evaluate(net, x, y, loss="cross_entropy", metrics=["accuracy"])["accuracy"] > 0.9


def test_vmap_of_a_norm_in_training_is_refused_and_in_evaluation_works():
    norm, x = nn.BatchNorm1d(2), rng.normal(size=(3, 4, 2))
    before = norm.state_dict()
    with pytest.raises(NotTraceableError, match="running statistics of BatchNorm1d"):
        sg.vmap(norm)(x)
    np.testing.assert_array_equal(norm.running_mean.numpy(), before["running_mean"])
    norm.eval()
    np.testing.assert_allclose(sg.vmap(norm)(x).numpy()[1], norm(x[1]).numpy(), rtol=1e-6)


# Attention


def test_causal_attention_does_not_look_ahead_and_masks_hide():
    attend = nn.MultiHeadAttention(4, 2, causal=True)
    x = sg.tensor(rng.normal(size=(1, 5, 4)), requires_grad=True)
    g = sg.grad(attend(x)[0, 2].sum(), x).numpy()[0]
    assert g[:3].all()
    assert not g[3:].any()
    seen = np.array([True, False, True, True, False])
    plain = nn.MultiHeadAttention(4, 2)
    g = sg.grad(plain(x, mask=seen)[0, 4].sum(), x).numpy()[0]
    assert not g[1].any()
    assert g[[0, 2, 3]].all()


def test_a_query_that_may_look_at_nothing_gives_no_nan():
    attend = nn.MultiHeadAttention(4, 2)
    x = sg.tensor(rng.normal(size=(1, 3, 4)))
    mask = np.zeros((3, 3), bool)
    np.testing.assert_allclose(attend(x, mask=mask).numpy()[0, 0], attend(x, mask=mask).numpy()[0, 2], rtol=1e-5)


def test_dropout_of_channels_drops_whole_ones():
    y = nn.Dropout2d(0.25)(sg.ones((20, 30, 2, 3))).numpy()
    assert ((y == y[:, :, :1, :1]).all(axis=(2, 3))).all()
    assert abs(y.mean() - 1) < 0.1


def test_upsampling_and_its_inverse():
    x = rng.normal(size=(2, 3, 4, 5)).astype("f4")
    np.testing.assert_allclose(nn.AvgPool2d((2, 3))(nn.Upsample((2, 3))(x)).numpy(), x, rtol=1e-5)


X = np.zeros((2, 3, 8, 8), "f4")


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: nn.Conv2d(3, 0, 3), ArgumentError, "Conv2d needs out_channels to be a positive integer, got 0"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), ArgumentError, "channels that groups=2 divides, got 3 in and 4 out"),
        (lambda: nn.Conv2d(3, 4, (3, 3, 3)), ArgumentError, "kernel_size is an integer of 1 or more, or 2 of them"),
        (lambda: nn.Conv2d(3, 4, 3, 2, "same"), ArgumentError, 'padding="same" needs a stride of 1'),
        (lambda: nn.Conv2d(4, 4, 3)(X), ShapeError, "Conv2d takes a shape (N, 4, H, W), got (2, 3, 8, 8)"),
        (lambda: nn.Conv1d(3, 4, 3)(X), ShapeError, "Conv1d takes a shape (N, 3, L), got (2, 3, 8, 8)"),
        (lambda: nn.Conv2d(3, 4, 9)(X), ShapeError, "a window of size 9 does not fit an axis of length 8"),
        (lambda: nn.ConvTranspose2d(3, 4, 3, 2, output_padding=2), ArgumentError, "output_padding is less than"),
        (lambda: nn.MaxPool2d(0), ArgumentError, "kernel_size is an integer of 1 or more"),
        (lambda: nn.MaxPool2d(2)(X[0]), ShapeError, "MaxPool2d takes a shape (N, C, H, W), got (3, 8, 8)"),
        (lambda: nn.GlobalAvgPool()(X[0, 0]), ShapeError, "GlobalAvgPool takes a shape"),
        (lambda: nn.Upsample(0.5), ArgumentError, "scale_factor is an integer"),
        (lambda: nn.Upsample(2, "cubic"), ArgumentError, "Upsample knows the modes"),
        (lambda: nn.BatchNorm2d(4)(X), ShapeError, "BatchNorm2d takes a shape (N, 4, H, W), got (2, 3, 8, 8)"),
        (lambda: nn.BatchNorm1d(3)(X), ShapeError, "takes a shape (N, 3) or (N, 3, L), got"),
        (lambda: nn.BatchNorm1d(3)(X[:1, :, 0, 0]), ShapeError, "needs more than one value a channel"),
        (lambda: nn.BatchNorm2d(3, momentum=2), ArgumentError, "momentum in [0, 1]"),
        (lambda: nn.GroupNorm(2, 3), ArgumentError, "groups of one size, got 3 channels in 2"),
        (lambda: nn.GroupNorm(1, 4)(X), ShapeError, "GroupNorm takes a shape (N, 4, ...), got (2, 3, 8, 8)"),
        (lambda: nn.ResidualBlock(3, 6, bottleneck=True), ArgumentError, "a quarter of the channels"),
        (lambda: nn.MultiHeadAttention(4, 3), ArgumentError, "heads that divide the features, got 3 for 4"),
        (lambda: nn.MultiHeadAttention(4, 2)(X[0]), ShapeError, "takes a shape (N, T, 4), got (3, 8, 8)"),
        (lambda: nn.MultiHeadAttention(8, 2)(X[0], mask=X[0]), ArgumentError, "a mask of attention is bool"),
        (lambda: nn.TransformerBlock(4, 2, activation="rellu"), ArgumentError, "unknown activation 'rellu'"),
        (lambda: nn.PositionalEmbedding(3, 8)(X[0]), ShapeError, "takes a shape (..., up to 3, 8), got (3, 8, 8)"),
        (lambda: nn.PositionalEncoding()(X[0, 0, 0]), ShapeError, "PositionalEncoding takes a shape (..., T, E)"),
    ],
)
def test_what_does_not_fit_is_said(wrong, error, message):
    with pytest.raises(error, match=re.escape(message)):
        wrong()
