"""Frames a second of the playground while it trains XOR, in headless Chromium.

``python bench/playground_frames.py`` writes the page, opens it at two sizes, trains a hidden layer for some seconds at
each of several speeds, and prints how far apart the frames were that the browser drew. On a machine with other work the
frames are those that it left time for; the script's own time for a frame says how much of 16.7 ms the page needs.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import subgrad as sg

TESTS = Path(__file__).parents[1] / "tests"
SECONDS = 8
SIZES, SPEEDS = (1280, 390), (5, 20, 100)
XOR = "net=plain&start=random&speed={speed}"

FRAMES = """
new Promise((done) => {
  const times = [], before = playground.training.step;
  const frame = (now) => {
    times.push(now);
    if (now - times[0] < 1000 * %d) return requestAnimationFrame(frame);
    playground.play(false);
    done({ times, steps: playground.training.step - before });
  };
  playground.play(true);
  requestAnimationFrame(frame);
})
"""
OWN_TIME = """
(() => {
  const n = 100, start = performance.now();
  for (let i = 0; i < n; i++) {
    playground.training.run(Number(playground.settings.speed));
    playground.show();
  }
  return (performance.now() - start) / n;
})()
"""


def main() -> None:
    sys.path[:0] = [str(TESTS), str(TESTS / "playground")]
    from browser import browser  # pyright: ignore[reportMissingImports]

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        page = sg.playground(path=Path(name) / "playground.html")
        with browser(Path(name) / "profile") as tab:
            for width in SIZES:
                for speed in SPEEDS:
                    tab.show(page, XOR.format(speed=speed), width=width)
                    _report(f"{width} pixels wide, {speed} steps a frame", tab.run(FRAMES % SECONDS), tab.run(OWN_TIME))


def _report(what: str, found: dict[str, Any], own: float) -> None:
    apart = np.diff(found["times"])
    rate, late = 1000 / apart.mean(), np.quantile(apart, 0.99)
    print(
        f"{what}: {rate:.1f} frames and {found['steps'] / SECONDS:.0f} steps a second; {np.median(apart):.1f} ms "
        f"apart (99 % at most {late:.1f}), {own:.2f} ms of script each",
        flush=True,
    )


if __name__ == "__main__":
    main()
