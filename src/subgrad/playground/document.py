"""The page as one document: markup, style, script, the compiled routines and what it opens with."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from subgrad.playground.compiled import Compiled
from subgrad.playground.one_script import bundle

PARTS = Path(__file__).with_name("page")
"""The folder of the page's own files."""


def document(code: Compiled, given: Mapping[str, Any]) -> str:
    """The text of the page; ``given`` is what it opens with, see ``given_network.py`` and ``given_data.py``."""
    modules = {file.name: file.read_text(encoding="utf-8") for file in sorted(PARTS.glob("*.mjs"))}
    script = bundle({**modules, "compiled.mjs": code.host})
    module = base64.b64encode(gzip.compress(code.module, 9, mtime=0)).decode()
    known = json.dumps({"module": module, "sizes": code.sizes, **given}, ensure_ascii=False).replace("<", "\\u003c")
    allowed = "; ".join([
        "default-src 'none'", "style-src 'unsafe-inline'", "img-src data:",
        f"script-src {_digest(script)} 'wasm-unsafe-eval'",
    ])  # fmt: skip
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{allowed}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>subgrad playground</title>
<link rel="icon" href="data:,">
<style>
{_text("page.css")}</style>
</head>
<body>
{_text("page.html")}<script type="application/json" id="given">{known}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def _text(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    """The one script that the browser may run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


__all__ = ["document"]
