"""A hook of MkDocs: the playground lies beside the pages, and chapters link into it with settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import subgrad as sg


def on_post_build(config: Any, **_: Any) -> None:
    """Called by MkDocs when all pages are written."""
    sg.playground(path=Path(config["site_dir"]) / "playground.html")
