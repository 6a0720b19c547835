"""Images of grey as pictures that are made of squares."""

from __future__ import annotations

import html

import numpy as np

from subgrad.display.markup import Markup, visible

LEVELS = 8  # of grey: enough to see what is shown, and few enough for a small page


def pixels(image: np.ndarray, alternative: str) -> Markup:
    """An image (height, width) of values in [0, 1] as an element of a page: 1 is ink.

    >>> print(pixels(np.array([[0.0, 1.0, 1.0]]), "a line"))
    <svg class="pixels" viewBox="0 0 3 1" role="img" aria-label="a line"><path d="M1 0h2v1h-2z" fill-opacity="1"/></svg>
    """
    levels = np.rint(LEVELS * np.clip(image, 0, 1)).astype(int)
    drawn = [
        f'<path d="{_runs(levels == level)}" fill-opacity="{level / LEVELS:.3g}"/>'
        for level in np.unique(levels[levels > 0])
    ]
    height, width = levels.shape
    label = html.escape(visible(alternative))
    return Markup(
        f'<svg class="pixels" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'
    )


def _runs(on: np.ndarray) -> str:
    """The outline of each run of pixels (height, width) that are on, line by line."""
    edges = np.diff(np.pad(on.astype(int), ((0, 0), (1, 1))), axis=1)
    starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return "".join(f"M{x} {y}h{end - x}v1h{x - end}z" for (y, x), (_, end) in zip(starts, ends, strict=True))


__all__ = ["pixels"]
