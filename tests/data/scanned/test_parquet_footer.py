"""Row groups, against those that were written."""

import polars as pl
import pytest

from subgrad.data.scanned.parquet_footer import row_groups
from subgrad.errors import FileError


@pytest.mark.parametrize("columns", [1, 40])
def test_row_groups_are_those_that_were_written(tmp_path, columns):
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame({f"column {i}": [0.5, None, float("nan")] * 100 for i in range(columns)})
    frame.write_parquet(path, row_group_size=70)
    assert row_groups(path) == [70, 70, 70, 70, 20]
    assert sum(row_groups(path)) == pl.scan_parquet(path).select(pl.len()).collect().item()


def test_what_is_no_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    for content in (b"", b"PAR1", b"a,b\n1,2\n" * 9, b"PAR1" + b"\xff" * 40 + (40).to_bytes(4, "little") + b"PAR1"):
        path.write_bytes(content)
        with pytest.raises(FileError, match="as Parquet"):
            row_groups(path)
