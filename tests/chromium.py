"""The headless browser that looks at pages, where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

NAMES = ["chromium-headless-shell", "chromium", "google-chrome"]
BROWSER = next(filter(None, map(shutil.which, NAMES)), None) if os.name == "posix" else None
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

needs_browser = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine to look with")


def screenshot(page: Path, picture: Path, width: int, height: int, *more: str) -> np.ndarray:
    """The page in a window of that size, as shares of red, green and blue (height, width, 3); it is kept as a file."""
    options = [*OPTIONS, "--hide-scrollbars", f"--user-data-dir={picture.parent / 'profile'}", *more]
    command = [str(BROWSER), *options, f"--window-size={width},{height}", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    return imread(picture)[..., :3]
