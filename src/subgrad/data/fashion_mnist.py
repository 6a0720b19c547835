"""Fashion-MNIST, read from the four files of its authors."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from subgrad.data.readers.idx import read_idx
from subgrad.errors import FileError

DEBIAN_FOLDER = "/usr/share/datasets/fashion-mnist"


def load_fashion_mnist(
    folder: str | os.PathLike[str] = DEBIAN_FOLDER,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """70,000 pictures of clothes in ten classes, 28x28 grey pixels.

    Returns ``(X_train, y_train, X_test, y_test)``: images uint8 (60000, 28, 28) and (10000, 28, 28), 0 black
    to 255 white; labels int64 (60000,) and (10000,), 0 to 9. The default folder is the one that Debian's and
    Ubuntu's package ``dataset-fashion-mnist`` fills; other systems download the four files. MNIST has the
    same file names and works too.

    Source: H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST, arXiv 1708.07747,
    https://github.com/zalandoresearch/fashion-mnist, licence MIT.

    Raises `FileError` if a file is missing or damaged, or if images and labels do not belong together.

    >>> load_fashion_mnist("no-such-folder")
    Traceback (most recent call last):
    ...
    subgrad.errors.FileError: no-such-folder has no train-images-idx3-ubyte.gz; on Debian and Ubuntu
    `apt install dataset-fashion-mnist` puts the four files into /usr/share/datasets/fashion-mnist,
    elsewhere download them from https://github.com/zalandoresearch/fashion-mnist
    """
    return *_read_part(Path(folder), "train"), *_read_part(Path(folder), "t10k")


def _read_part(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    images_file = _find(folder, f"{part}-images-idx3-ubyte")
    labels_file = _find(folder, f"{part}-labels-idx1-ubyte")
    images, labels = read_idx(images_file), read_idx(labels_file)
    if images.ndim != 3 or images.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise FileError(
            f"{images_file} holds {images.dtype} of shape {images.shape}, and {labels_file.name} "
            f"{labels.dtype} of shape {labels.shape}; expected uint8 images (n, 28, 28) and their labels (n,)"
        )
    return images, labels.astype(np.int64)


def _find(folder: Path, name: str) -> Path:
    for file in (folder / f"{name}.gz", folder / name):
        if file.exists():
            return file
    raise FileError(
        f"{folder} has no {name}.gz; on Debian and Ubuntu `apt install dataset-fashion-mnist` puts the four "
        f"files into {DEBIAN_FOLDER}, elsewhere download them from "
        "https://github.com/zalandoresearch/fashion-mnist"
    )
