"""The bundled handwritten digits."""

from __future__ import annotations

from importlib import resources

import numpy as np


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 handwritten digits as images of 8x8 pixels.

    Returns ``(X, y)``: ``X`` float32 (1797, 64), the pixels row by row, whole numbers from 0 (paper) to 16
    (ink); ``y`` int64 (1797,), the digit.

    Source: the test set of E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, 1998, https://doi.org/10.24432/C50P49, licence CC BY 4.0.

    >>> X, y = load_digits()
    >>> X.shape, y[:5].tolist()
    ((1797, 64), [0, 1, 2, 3, 4])
    """
    file = resources.files("subgrad.data") / "files" / "digits.npz"
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return arrays["images"].astype(np.float32), arrays["labels"].astype(np.int64)
