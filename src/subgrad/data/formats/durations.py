"""Durations as Python, pandas and polars write them: "1 days 02:00:00", "-1 day, 22:00:00", "P1DT2H"."""

from __future__ import annotations

import numpy as np

from subgrad.data.lazy_polars import pl

_CLOCK = r"(?P<before>-)?(?P<d>\d+) days?,? (?P<back>-)?\+?(?P<h>\d{1,2}):(?P<m>\d{2}):(?P<s>\d{2}(?:\.\d+)?)"
_ISO = r"(?P<before>-)?p(?:(?P<d>\d+)d)?t(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?"
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def seconds_of_durations(series: pl.Series) -> np.ndarray:
    """Seconds (n,), NaN for a text that is no duration with a clock. Days alone are numbers with a unit.

    >>> texts = ["1 days 02:00:00", "-1 days +23:59:59", "PT1H30M", "-PT0.5S", "2 days"]
    >>> seconds_of_durations(pl.Series(texts)).tolist()
    [93600.0, -1.0, 5400.0, -0.5, nan]
    """
    texts = series.str.to_lowercase()
    if not texts.str.contains(r" days?,? |^-?p[\dt]").any():
        return np.full(len(texts), np.nan)
    clock, iso = (texts.str.extract_groups(f"^{pattern}$").struct.unnest() for pattern in (_CLOCK, _ISO))
    own = [_part(clock, name) for name in "hms"]
    by_clock = _sign(clock, "before") * _part(clock, "d") + _sign(clock, "back") * np.sum(own, axis=0)
    parts = np.array([_part(iso, name) for name in _SECONDS])
    by_iso = np.where(np.isnan(parts).all(axis=0), np.nan, _sign(iso, "before") * np.nansum(parts, axis=0))
    return np.where(np.isnan(by_iso), by_clock, by_iso)


def _part(fields: pl.DataFrame, name: str) -> np.ndarray:
    """A part in seconds, NaN where it is not there."""
    return _SECONDS[name] * fields[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _sign(fields: pl.DataFrame, name: str) -> np.ndarray:
    return np.where((fields[name] == "-").fill_null(False).to_numpy(), -1.0, 1.0)
