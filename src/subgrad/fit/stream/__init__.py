"""Training on batches that come one by one: from a list, a generator, or another iterable."""

from subgrad.fit.stream.stream_run import require_plain, start

__all__ = ["require_plain", "start"]
