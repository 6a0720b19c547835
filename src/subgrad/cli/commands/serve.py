"""``subgrad serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from subgrad.cli.failure import job
from subgrad.serve.usual_limits import MAX_BODY, MAX_ROWS

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A file that subgrad train or sg.save wrote.")]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is all of the network.")]
Port = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Which port; 0 takes a free one.")]
Rows = Annotated[int, typer.Option(metavar="N", min=1, help="Rows of a call, in which requests that wait go together.")]
Delay = Annotated[float, typer.Option(
    metavar="MS", min=0, help="Milliseconds that a request waits for others to go with.",
)]  # fmt: skip
Body = Annotated[int, typer.Option(metavar="BYTES", min=1, help="The longest body of a request.")]


@job
def serve(
    model: Model,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    max_rows: Rows = MAX_ROWS,
    max_delay: Delay = 0.0,
    max_body: Body = MAX_BODY,
) -> None:
    """Answer requests over HTTP with a model, until SIGTERM or Ctrl-C.

    POST /predict takes rows as JSON or Arrow; /docs says how, /healthz and /metrics how the server is. A file that is
    replaced is loaded anew. For example: subgrad serve houses.safetensors --port 8000
    """
    from subgrad.serve import serve as run

    run(model, host=host, port=port, max_rows=max_rows, max_delay=max_delay / 1000, max_body=max_body)
