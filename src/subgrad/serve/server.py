"""The server: uvicorn, that loses nothing when it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from subgrad.errors import ArgumentError, missing_extra
from subgrad.nn.module import Module
from subgrad.serve.app import asgi_app
from subgrad.serve.usual_limits import MAX_BODY, MAX_ROWS

QUIET = 0.25  # seconds without a request, after which the connections that are left are idle
DRAIN = 25.0  # seconds for what is under way, below the 30 that Kubernetes and Slurm give


def serve(
    model: Any,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    modules: Sequence[type[Module]] = (),
    max_rows: int = MAX_ROWS,
    max_delay: float = 0.0,
    max_body: int = MAX_BODY,
) -> None:
    """Answer requests over HTTP with a trained model, until SIGTERM or Ctrl-C; what is under way then is answered.

    ``POST /predict`` takes rows as JSON or Arrow, ``/healthz``, ``/metrics`` and ``/docs`` say how the server is. Needs
    ``pip install 'subgrad[serve]'``.

    Args:
        model: a file that ``subgrad train`` or `subgrad.save` wrote, which is loaded anew when it is replaced; or a
            module, or a `subgrad.tabular.TabularModel`. A module answers each row for itself: rows of several
            requests go in together.
        host: the address to listen on; that of this machine alone, unless another is given, such as ``"0.0.0.0"``.
        port: 0 takes one that is free.
        modules: your own module classes that the model in a file is made of.
        max_rows: of a call of the model, in which requests that wait go together.
        max_delay: seconds that a request waits for others to go with; with 0 those that are there already do.
        max_body: bytes of a request.

    Raises:
        FileError, ArgumentError: as `subgrad.load`, for a file that is no model.
        ArgumentError: for an address that cannot be listened on, such as a port that is taken.
        MissingExtraError: without the extra.

    Example:
        >>> import subgrad as sg
        >>> sg.serve("model.safetensors", port=8000)  # doctest: +SKIP
    """
    _require_free(host, port)
    app = asgi_app(model, modules=modules, max_rows=max_rows, max_delay=max_delay, max_body=max_body)
    try:
        import uvicorn
    except ImportError as error:
        raise missing_extra("uvicorn", "serve", "serving a model") from error
    config = uvicorn.Config(app, host=host, port=port, access_log=False, log_config=_logging())
    with _signals_kept(), contextlib.suppress(KeyboardInterrupt):
        _draining(uvicorn.Server, app.state.own)(config).run()


def _require_free(host: str, port: int) -> None:
    """Raise `ArgumentError` for an address that cannot be listened on, before a model is loaded for it."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        socket.create_server(address[:2], family=family).close()
    except (OSError, OverflowError, TypeError) as error:
        why = str(getattr(error, "strerror", None) or error).partition(" (while ")[0]
        raise ArgumentError(f"the server cannot listen on {host}:{port}: {why}") from None


def _draining(kind: Any, own: Any) -> Any:
    """A kind of server that lets its senders go before it stops."""

    class Draining(kind):
        async def shutdown(self, sockets: Any = None) -> None:
            """Uvicorn closes connections at once that have no request under way, and one may be on its way in there.

            So no new ones are taken, and each is told to close with its next answer, until none comes any more.
            """
            own.leaving, clock = True, asyncio.get_running_loop().time
            for server in self.servers:
                server.close()
            before, end = -1, clock() + DRAIN
            while self.server_state.connections and clock() < end:
                count, busy = self.server_state.total_requests, bool(self.server_state.tasks)
                if count == before and not busy:
                    break
                before = count
                await asyncio.sleep(QUIET)
            self.config.timeout_graceful_shutdown = max(end - clock(), QUIET)  # for what is sent to its end by nobody
            await super().shutdown(sockets)

    return Draining


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Uvicorn sends itself, when it has stopped, the signal that stopped it: SIGTERM would end the process there."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _logging() -> dict[str, Any]:
    """Uvicorn's settings, for our lines too."""
    from uvicorn.config import LOGGING_CONFIG

    found = copy.deepcopy(LOGGING_CONFIG)
    found["loggers"]["subgrad.serve"] = {"handlers": ["default"], "level": "INFO", "propagate": False}
    return found


__all__ = ["serve"]
