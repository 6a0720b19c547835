"""The bundled digits, and the readers of IDX files and of Fashion-MNIST."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from sklearn import datasets

from subgrad.data import load_digits, load_fashion_mnist, read_idx
from subgrad.data.fashion_mnist import DEBIAN_FOLDER
from subgrad.errors import FileError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array: np.ndarray) -> bytes:
    """The IDX format, written from its description with struct alone."""
    header = bytes([0, 0, CODES[array.dtype.str[1:]], array.ndim]) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    code = {"u1": "B", "i1": "b", "i2": "h", "i4": "i", "f4": "f", "f8": "d"}[array.dtype.str[1:]]
    return header + struct.pack(f">{array.size}{code}", *array.ravel().tolist())


def test_the_digits_have_the_published_counts():
    X, y = load_digits()
    assert X.shape == (1797, 64)
    assert X.dtype == np.float32
    assert (X.min(), X.max()) == (0, 16)
    assert y.dtype == np.int64
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_the_digits_are_those_of_scikit_learn():
    X, y = load_digits()
    theirs = datasets.load_digits()
    np.testing.assert_array_equal(X, theirs.data)
    np.testing.assert_array_equal(y, theirs.target)


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("shape", [(7,), (2, 3), (2, 3, 4), (0, 5)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_of_every_dtype(tmp_path, dtype, shape, pack):
    array = np.random.default_rng(0).uniform(-100, 100, shape).astype(np.dtype(dtype))
    file = tmp_path / "array.idx"
    file.write_bytes(pack(idx_bytes(array)))
    read = read_idx(file)
    assert read.dtype == np.dtype(dtype)
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, array)


GOOD = idx_bytes(np.arange(6, dtype=np.uint8).reshape(2, 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is cut off: an IDX file starts with 4 bytes, it has 0"),
        (GOOD[:6], "is cut off: it ends before the sizes of its 2 dimensions"),
        (GOOD[:-1], r"is cut off: uint8 values of shape \(2, 3\) take 6 bytes, it has 5"),
        (GOOD + b"!", r"is too long: uint8 values of shape \(2, 3\) take 6 bytes, it has 7"),
        (b"\1" + GOOD[1:], "is not an IDX file: its first four bytes are 01 00 08 02"),
        (b"\0\0\7" + GOOD[3:], "is not an IDX file: its first four bytes are 00 00 07 02"),
        (b"P5 28 28 255", "is not an IDX file"),
        (gzip.compress(GOOD, mtime=0)[:-9], "is cut off: its gzip data end too early"),
        (gzip.compress(GOOD, mtime=0)[:-8] + b"\0" * 8, "is damaged: CRC check failed"),
        (b"\x1f\x8b\x08\0" + b"\xff" * 30, "is damaged"),
        (struct.pack(">4B4I", 0, 0, 8, 4, *[2**32 - 1] * 4), "is cut off"),
    ],
)
def test_damaged_idx_files_say_what_is_wrong(tmp_path, content, message):
    file = tmp_path / "damaged.idx"
    file.write_bytes(content)
    with pytest.raises(FileError, match=message):
        read_idx(file)


def test_a_missing_file_and_a_folder_say_so(tmp_path):
    with pytest.raises(FileError, match="cannot read .*nothing.idx: No such file"):
        read_idx(tmp_path / "nothing.idx")
    with pytest.raises(FileError, match="cannot read"):
        read_idx(tmp_path)


def write_fashion(folder: Path, labels: int = 3) -> np.ndarray:
    images = np.random.default_rng(1).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images), mtime=0))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(labels, dtype=np.uint8)))
    return images


def test_fashion_mnist_is_read_from_packed_and_plain_files(tmp_path):
    images = write_fashion(tmp_path)
    X_train, y_train, X_test, y_test = load_fashion_mnist(tmp_path)
    np.testing.assert_array_equal(X_train, images)
    np.testing.assert_array_equal(X_test, images)
    assert y_train.dtype == np.int64
    assert y_train.tolist() == y_test.tolist() == [0, 1, 2]


def test_fashion_mnist_with_files_that_do_not_match(tmp_path):
    write_fashion(tmp_path, labels=2)
    with pytest.raises(FileError, match=r"uint8 of shape \(3, 28, 28\), and .* uint8 of shape \(2,\)"):
        load_fashion_mnist(tmp_path)


@pytest.mark.skipif(not Path(DEBIAN_FOLDER).exists(), reason="dataset-fashion-mnist is not installed")
def test_fashion_mnist_has_the_published_counts():
    X_train, y_train, X_test, y_test = load_fashion_mnist()
    assert (X_train.shape, X_test.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert np.bincount(y_train).tolist() == [6000] * 10
    assert np.bincount(y_test).tolist() == [1000] * 10
    # The mean and deviation that are widely used to normalise it.
    assert abs(X_train.mean() / 255 - 0.2860) < 1e-4
    assert abs(X_train.std() / 255 - 0.3530) < 1e-4
