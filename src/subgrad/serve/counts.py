"""What Prometheus is told."""

from __future__ import annotations

from typing import Any

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Counts:
    """Of one application, in a registry of its own."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self._registry = CollectorRegistry()
        own: dict[str, Any] = {"namespace": "subgrad", "registry": self._registry}
        self._requests = Counter("requests", "Requests for predictions, by the status of the answer", ["status"], **own)
        self._seconds = Histogram(
            "request_seconds", "From the head of a request to its answer", buckets=SECONDS, **own
        )
        self._rows = Histogram("batch_rows", "Rows of a call of the model", buckets=ROWS, **own)
        self._joined = Histogram("batch_requests", "Requests in a call of the model", buckets=ROWS, **own)
        self._reloads = Counter("model_reloads", "Replaced model files, by whether they could be used", ["used"], **own)

    def request(self, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def batch(self, rows: int, requests: int) -> None:
        """The model was called."""
        self._rows.observe(rows)
        self._joined.observe(requests)

    def reload(self, used: bool) -> None:
        """The file of the model was replaced."""
        self._reloads.labels("yes" if used else "no").inc()

    def page(self) -> tuple[bytes, str]:
        """All of it as text, and its content type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self._registry), CONTENT_TYPE_LATEST


__all__ = ["Counts"]
