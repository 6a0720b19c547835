"""The application: routes, limits, and errors as answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from subgrad import validators
from subgrad.errors import ArgumentError, SubgradError, message_of, missing_extra
from subgrad.nn.module import Module
from subgrad.serve.bodies import JSON, BadBody, Body, preferred, read_rows, write_answers
from subgrad.serve.counts import Counts
from subgrad.serve.current_model import Current
from subgrad.serve.joined_requests import Batcher
from subgrad.serve.openapi import PAGE, document
from subgrad.serve.usual_limits import MAX_BODY, MAX_ROWS

SHORT = 2**16  # bytes of a body that is read at once; a longer one is read by a thread, while others are answered
LINGER = 5.0
"""Seconds in which the rest of a body that is too long is thrown away: who closes at once takes the answer back."""
GONE = 499  # the status of requests that nobody waits for, as nginx has it; for the metrics alone
log = logging.getLogger("subgrad.serve")


def asgi_app(
    model: Any,
    *,
    modules: Sequence[type[Module]] = (),
    max_rows: int = MAX_ROWS,
    max_delay: float = 0.0,
    max_body: int = MAX_BODY,
) -> Any:
    """The application behind `subgrad.serve`, for uvicorn or any other ASGI server, or as a part of your own one.

    Needs ``pip install 'subgrad[serve]'``. For the arguments see `subgrad.serve`.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.serve import asgi_app
        >>> app = asgi_app(sg.nn.Linear(2, 1))
        >>> [route.path for route in app.routes]
        ['/predict', '/healthz', '/metrics', '/openapi.json', '/docs']
    """
    max_rows, max_body = validators.count("max_rows", max_rows), validators.count("max_body", max_body)
    max_delay = validators.not_negative("max_delay, in seconds,", max_delay)
    try:
        import orjson  # noqa: F401
        import prometheus_client  # noqa: F401
        from starlette.applications import Starlette
        from starlette.exceptions import HTTPException
        from starlette.routing import Route
    except ImportError as error:
        raise missing_extra(error.name or "Starlette", "serve", "serving a model") from error
    own = _Application(Current(model, modules), max_rows, max_delay, max_body)
    app = Starlette(
        routes=[
            Route("/predict", own.predict, methods=["POST"]),
            Route("/healthz", own.healthz),
            Route("/metrics", own.metrics),
            Route("/openapi.json", own.openapi),
            Route("/docs", own.docs),
        ],
        lifespan=own.lifespan,
        exception_handlers={HTTPException: own.refused},
    )
    app.state.own = own
    return app


class _Application:
    """What the routes share.

    Attributes:
        leaving: whether the server is about to stop: each answer asks its sender to close the connection.
    """

    def __init__(self, current: Current, max_rows: int, max_delay: float, max_body: int) -> None:
        self._current, self._max_body = current, max_body
        self._counts = Counts()
        self._batching = max_rows, max_delay, self._counts.batch
        self._batcher: Batcher | None = None
        self.leaving = False

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """The thread that answers, and the look at the file, as long as the server runs."""
        self._batcher = Batcher(*self._batching)
        watching = asyncio.create_task(self._current.watch(self._counts.reload))
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.to_thread(self._batcher.close)

    async def predict(self, request: Any) -> Any:
        start = time.perf_counter()
        status, body = await self._answered(request)
        self._counts.request(status, time.perf_counter() - start)
        return self._response(status, body)

    async def _answered(self, request: Any) -> tuple[int, Body]:
        """The status of HTTP, and what is answered."""
        from starlette.requests import ClientDisconnect

        try:
            return 200, await self._answer(request)
        except BadBody as error:
            return error.status, _error(str(error))
        except SubgradError as error:
            return 422, _error(message_of(error))
        except ClientDisconnect:
            return GONE, _error("the client went away before its request was there")
        except Exception:
            log.exception("a request failed")
            return 500, _error("the server failed; its log says why")

    async def _answer(self, request: Any) -> Body:
        kind = request.headers.get("content-type", "")
        given = Body(await self._content(request), kind)
        model = self._current.served
        asked = await _aside(len(given.content), lambda: model.read(read_rows(given)))
        if self._batcher is None:
            raise ArgumentError("the application has not started: run it by a server that has lifespan events")
        found = await self._batcher.answer(model, asked.rows)
        wanted = preferred(request.headers.get("accept") or "")
        return Body(await _aside(asked.rows.nbytes, lambda: write_answers(found, asked.remarks, wanted)), wanted)

    async def _content(self, request: Any) -> bytes:
        """The body, as long as it is not too long: its length may be known only when all of it is here."""
        if request.headers.get("content-encoding", "identity") != "identity":
            raise BadBody("a compressed body is not read: send it without a content encoding", 415)
        length = request.headers.get("content-length", "0")
        size, said = 0, int(length) if length.isdecimal() else 0
        parts: list[bytes] = []
        if said <= self._max_body or "expect" not in request.headers:  # who expects an answer before it sends has one
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LINGER if said > self._max_body else None) as deadline:
                    async for part in request.stream():
                        size += len(part)
                        if max(size, said) <= self._max_body:
                            parts.append(part)
                        elif deadline.when() is None:
                            parts.clear()
                            deadline.reschedule(asyncio.get_running_loop().time() + LINGER)
        if max(size, said) > self._max_body:
            raise BadBody(f"the body is longer than {self._max_body:,} bytes: send fewer rows at a time", 413)
        return b"".join(parts)

    async def healthz(self, request: Any) -> Any:
        import orjson

        current = self._current
        found = {
            "status": "leaving" if self.leaving else "ok",
            "model": None if current.path is None else str(current.path),
            "about": current.served.about(),
            "loaded": current.loaded.isoformat(timespec="seconds"),
            "problem": current.problem,
        }
        return self._response(503 if self.leaving else 200, Body(orjson.dumps(found), JSON))

    async def metrics(self, request: Any) -> Any:
        return self._response(200, Body(*self._counts.page()))

    async def refused(self, request: Any, error: Any) -> Any:
        """What no route answers: another path, or another method."""
        answer = self._response(error.status_code, _error(f"{request.method} {request.url.path}: {error.detail}"[:300]))
        answer.headers.update(error.headers or {})
        return answer

    async def openapi(self, request: Any) -> Any:
        import orjson

        return self._response(200, Body(orjson.dumps(document(self._current.served)), JSON))

    async def docs(self, request: Any) -> Any:
        return self._response(200, Body(PAGE.encode(), "text/html; charset=utf-8"))

    def _response(self, status: int, body: Body) -> Any:
        from starlette.responses import Response

        last = self.leaving or status == 413  # of which a part may still be under way
        headers = {"content-type": body.type} | ({"connection": "close"} if last else {})
        return Response(body.content, status, headers)


async def _aside(size: int, work: Any) -> Any:
    """At once if it is short, else in a thread."""
    return work() if size <= SHORT else await asyncio.to_thread(work)


def _error(message: str) -> Body:
    import orjson

    return Body(orjson.dumps({"error": message}), JSON)


__all__ = ["asgi_app"]
