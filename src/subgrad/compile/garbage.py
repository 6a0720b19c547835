"""The garbage collector rests while graphs are made: it would go through all of their nodes again and again.

None of them is garbage, and there are thousands: that took a fifth of the time of tracing and of the passes.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def uncollected(f: F) -> F:
    """``f``, which makes a graph, while nothing is collected. What is garbage afterwards is so for the collector, too.

    >>> uncollected(gc.isenabled)(), gc.isenabled()
    (False, True)
    """

    @functools.wraps(f)
    def resting(*args: Any, **options: Any) -> Any:
        if not gc.isenabled():
            return f(*args, **options)
        gc.disable()
        try:
            return f(*args, **options)
        finally:
            gc.enable()

    return resting  # pyright: ignore[reportReturnType]


__all__ = ["uncollected"]
