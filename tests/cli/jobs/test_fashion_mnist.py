"""``subgrad train fashion-mnist``: on small files in the same format, and on the real ones where they are."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from command import misuse, read_csv, succeed

from subgrad.cli.jobs import source
from subgrad.cli.jobs.runs.network_run import NetworkPlan, _network
from subgrad.cli.jobs.runs.recipe import FASHION_MNIST
from subgrad.data.fashion_mnist import DEBIAN_FOLDER


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


def write_part(folder, part, n, seed, size=6):
    """Square images of noise; that of class k has a bright row k."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    images = rng.integers(0, 100, (n, size, size))
    images[np.arange(n), labels] += 150
    write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
    write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels)
    return labels


def test_a_folder_of_idx_files(tmp_path):
    write_part(tmp_path, "train", 300, seed=0)
    labels = write_part(tmp_path, "t10k", 60, seed=1)
    model = tmp_path / "model.safetensors"
    out = succeed("train", "fashion-mnist", "--data", tmp_path, "--out", model)
    assert "300 examples to learn from, 60 held out" in out
    assert "Network: 36-128-3, relu" in out
    assert "60 of 60 right" in out
    assert "60 of 60 right" in succeed("evaluate", model, tmp_path)
    answers = read_csv(succeed("predict", model, tmp_path / "t10k-images-idx3-ubyte.gz"))
    assert [int(row["prediction"]) for row in answers] == labels.tolist()


def test_a_network_of_images(tmp_path):
    write_part(tmp_path, "train", 60, seed=0, size=12)
    write_part(tmp_path, "t10k", 12, seed=1, size=12)
    model, how = tmp_path / "model.safetensors", ("--model", "lenet", "--augment", "mirror, shift", "--epochs", 1)
    out = succeed("train", "fashion-mnist", "--data", tmp_path, *how, "--out", model)
    assert "Network: lenet, in training with mirror and shift" in out
    assert "step cosine(0.002, 1, 0), in batches of 64" in out
    right = re.findall(r"(\d+) of 12 right", out)[0]
    assert f"{right} of 12 right" in succeed("evaluate", model, tmp_path)
    assert len(read_csv(succeed("predict", model, tmp_path / "t10k-images-idx3-ubyte.gz"))) == 12
    assert "lenet: Sequential" in succeed("show", model)


@pytest.mark.parametrize("name", FASHION_MNIST)
def test_every_model_takes_rows_of_pixels(tmp_path, name):
    write_part(tmp_path, "train", 60, seed=0, size=12)
    write_part(tmp_path, "t10k", 12, seed=1, size=12)
    examples = source.fashion_mnist(tmp_path)
    plan = NetworkPlan(
        examples=lambda: examples, recipe=FASHION_MNIST[name], activation="relu", loss=None, method="adam", step=None,
        seed=0, out=tmp_path / "model.safetensors",
    )  # fmt: skip
    net, title = _network(examples, plan, "cross_entropy")
    assert title.startswith(name) or name == "mlp"
    assert net(examples.train[0][:2]).shape == (2, 3)


def test_wrong_options_for_a_network_are_said(tmp_path):
    write_part(tmp_path, "train", 60, seed=0)
    train = ("train", "fashion-mnist", "--data", tmp_path)
    assert "lenet is for `subgrad train fashion-mnist`" in misuse("train", "digits", "--model", "lenet")
    assert "char_rnn is for `subgrad train text`" in misuse(*train, "--model", "char_rnn")
    assert "lenet has its own layers" in misuse(*train, "--model", "lenet", "--hidden", "64")
    assert "is for networks of images, see --model" in misuse(*train, "--augment", "shift")
    unknown = misuse(*train, "--model", "lenet", "--augment", "shift,turn")
    assert "there is no change 'turn': expected mirror, shift, or none" in unknown
    assert "'alexnet' is not one of" in misuse(*train, "--model", "alexnet")


@pytest.mark.skipif(not Path(DEBIAN_FOLDER).is_dir(), reason="the package dataset-fashion-mnist is not installed")
def test_two_epochs_of_the_real_images(tmp_path):
    """The whole job takes ten and reaches 88%; two are enough to see that it learns from the real files."""
    out = succeed("train", "fashion-mnist", "--epochs", 2, "--out", tmp_path / "model.safetensors")
    assert "60,000 examples to learn from, 10,000 held out" in out
    assert "Network: 784-128-10, relu" in out
    assert float(re.search(r"Accuracy ([\d.]+)%", out).group(1)) >= 83
