"""What goes over the wire: rows and answers as JSON, and as Arrow's IPC stream."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from subgrad.data.lazy_polars import pl
from subgrad.errors import DataError, SubgradError, missing_extra
from subgrad.serve.arrow_messages import is_compressed
from subgrad.serve.served import Columns

if TYPE_CHECKING:
    from polars import DataFrame

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"


class BadBody(SubgradError):
    """A body that is not what its content type says, or of a type that is unknown; ``status`` is that of HTTP."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Body(NamedTuple):
    """Bytes with their content type."""

    content: bytes
    type: str


def read_rows(body: Body) -> list[Any] | DataFrame:
    """The rows of a request: a list of JSON values, or a frame. There is one at least."""
    kind = body.type.partition(";")[0].strip().lower()
    if kind not in (JSON, ARROW):
        raise BadBody(f"the content type is {JSON} or {ARROW}, got {kind[:100] or 'none'}", 415)
    rows = _instances(body.content) if kind == JSON else _frame(body.content)
    if not len(rows):
        raise DataError("there are no rows")
    return rows


def preferred(accept: str) -> str:
    """The type of the answers to a request with this ``Accept``: Arrow if it is named, and not less wanted than JSON.

    >>> preferred(f"{ARROW}, */*") == ARROW, preferred(f"{ARROW};q=0.5, {JSON}") == JSON, preferred("*/*") == JSON
    (True, True, True)
    """
    wanted: dict[str, float] = {}
    for one in accept.lower().split(","):
        kind, *more = (part.strip() for part in one.split(";"))
        weight = next((part[2:] for part in more if part.startswith("q=")), "1")
        wanted[kind] = float(weight) if re.fullmatch(r"\d(\.\d{0,3})?", weight) else 0.0
    return ARROW if wanted.get(ARROW, 0.0) > 0 and wanted[ARROW] >= wanted.get(JSON, 0.0) else JSON


def write_answers(columns: Columns, remarks: list[str], kind: str) -> bytes:
    """The answers as a body of a type. JSON has records of several columns, and values of a single one."""
    if kind == ARROW:
        return _stream(columns)
    import orjson

    for name, values in columns.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise DataError(f"'{name}' holds NaN or inf, which JSON cannot hold: ask for {ARROW} by Accept")
    if len(columns) == 1:
        answers: Any = _plain(*columns.values())
    else:
        plain = [a.tolist() for a in columns.values()]
        answers = [dict(zip(columns, row, strict=True)) for row in zip(*plain, strict=True)]
    content = {"predictions": answers, "remarks": remarks} if remarks else {"predictions": answers}
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def _instances(content: bytes) -> list[Any]:
    import orjson

    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        hint = ""
        if b"NaN" in content or b"Infinity" in content:
            hint = "; NaN and Infinity are no JSON: write null where a value is missing"
        raise BadBody(f"the body is no JSON: {error}{hint}") from None
    if not isinstance(found, dict) or not isinstance(found.get("instances"), list):
        raise BadBody('the body is an object with the rows as a list: {"instances": [...]}', 422)
    if more := found.keys() - {"instances"}:
        raise BadBody(f"the body has {sorted(more)[0]!r} beside 'instances'"[:200], 422)
    return found["instances"]


def _frame(content: bytes) -> DataFrame:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise missing_extra("pyarrow", "serve", "reading Arrow") from error
    try:
        if is_compressed(pa.ipc.MessageReader.open_stream(content)):
            raise BadBody("a compressed Arrow stream is not read: send it without compression", 415)
        table = pa.ipc.open_stream(content).read_all()
        table.validate(full=True)
        if table.num_rows > 8 * len(content):  # such as nulls, which take no space
            raise BadBody(f"an Arrow stream of {len(content):,} bytes has {table.num_rows:,} rows")
        found = pl.from_arrow(table)
    except BadBody:
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # of many kinds; polars' own reader aborts the process
        raise BadBody(f"the body is no Arrow IPC stream: {error}"[:300]) from None
    assert isinstance(found, pl.DataFrame)
    return found


def _stream(columns: Columns) -> bytes:
    out = io.BytesIO()
    pl.DataFrame([_series(name, values) for name, values in columns.items()]).write_ipc_stream(out)
    return out.getvalue()


def _series(name: str, values: np.ndarray) -> Any:
    return pl.Series(name, values.tolist() if values.dtype == object else np.ascontiguousarray(values))


def _plain(values: np.ndarray) -> Any:
    return values.tolist() if values.dtype.kind in "OU" else np.ascontiguousarray(values)


__all__ = ["ARROW", "JSON", "BadBody", "Body", "preferred", "read_rows", "write_answers"]
