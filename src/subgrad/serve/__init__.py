"""Trained models behind HTTP: requests that wait are answered in one call of the compiled program."""

from typing import TYPE_CHECKING

from subgrad.lazy import attach

if TYPE_CHECKING:
    from subgrad.serve.app import asgi_app
    from subgrad.serve.server import serve

__all__ = ["asgi_app", "serve"]

_LATER = {"app": ("asgi_app",), "server": ("serve",)}
"""By their first use: the command line, which has the limits from here, does not wait for an event loop."""

__getattr__, __dir__ = attach(__name__, _LATER, __all__)
