"""``subgrad train fashion-mnist``: on small files in the same format, and on the real ones where they are."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from command import read_csv, succeed

from subgrad.data.fashion_mnist import DEBIAN_FOLDER


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


def write_part(folder, part, n, seed):
    """Images of 6x6 noise; that of class k has a bright row k."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    images = rng.integers(0, 100, (n, 6, 6))
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


@pytest.mark.skipif(not Path(DEBIAN_FOLDER).is_dir(), reason="the package dataset-fashion-mnist is not installed")
def test_two_epochs_of_the_real_images(tmp_path):
    """The whole job takes ten and reaches 88%; two are enough to see that it learns from the real files."""
    out = succeed("train", "fashion-mnist", "--epochs", 2, "--out", tmp_path / "model.safetensors")
    assert "60,000 examples to learn from, 10,000 held out" in out
    assert "Network: 784-128-10, relu" in out
    assert float(re.search(r"Accuracy ([\d.]+)%", out).group(1)) >= 83
