"""What the server takes and gives, as an OpenAPI document, and the page that shows it."""

from __future__ import annotations

from typing import Any

import subgrad
from subgrad.serve.bodies import ARROW, JSON
from subgrad.serve.served import Served

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>subgrad serve</title>
<link rel="stylesheet" href="https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui.css">
</head>
<body>
<div id="page"><p>This page is drawn by Swagger UI, which comes from cdn.jsdelivr.net.
Without it, <a href="openapi.json">openapi.json</a> says the same.</p></div>
<script src="https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "openapi.json", dom_id: "#page"})</script>
</body>
</html>
"""

ERRORS = {
    "400": "The body is no JSON, or no Arrow.",
    "413": "The body is too large.",
    "415": "The content type is another one.",
    "422": "The rows are not what the model takes; `error` says why.",
}


def document(served: Served) -> dict[str, Any]:
    """Of a model: its rows have a schema of their own."""
    arrow = {ARROW: {"schema": {"type": "string", "format": "binary"}}}
    body = _object({"instances": {"type": "array", "minItems": 1, "items": served.row_schema()}}, "instances")
    answers = _object({"predictions": {"type": "array", "items": {}}, "remarks": _TEXTS}, "predictions")
    error = _object({"error": {"type": "string"}}, "error")
    predict = {
        "summary": "Answers for some rows",
        "requestBody": {"required": True, "content": {JSON: {"schema": body}, **arrow}},
        "responses": {
            "200": {"description": "An answer for each row.", "content": {JSON: {"schema": answers}, **arrow}},
            **{status: {"description": why, "content": {JSON: {"schema": error}}} for status, why in ERRORS.items()},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "subgrad serve", "version": subgrad.__version__, "description": served.about()},
        "paths": {
            "/predict": {"post": predict},
            "/healthz": {"get": _plain("Whether the server takes requests, and which model it answers with", JSON)},
            "/metrics": {"get": _plain("Numbers for Prometheus", "text/plain")},
        },
    }


_TEXTS = {"type": "array", "items": {"type": "string"}}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*required]}


def _plain(summary: str, kind: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": summary, "content": {kind: {}}}}}


__all__ = ["PAGE", "document"]
