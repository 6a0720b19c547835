"""Data: readers of files and frames, the bundled digits, and the preparation of tables."""

from subgrad.data.digits import load_digits
from subgrad.data.fashion_mnist import load_fashion_mnist
from subgrad.data.frame import as_array, is_frame, table_from_frame
from subgrad.data.generated.toy_points import make_blobs, make_circles, make_moons, make_spirals, make_swiss_roll
from subgrad.data.prepare import TablePreprocessor
from subgrad.data.readers.columnar import read_arrow, read_excel, read_ndjson, read_parquet
from subgrad.data.readers.csv import read_csv
from subgrad.data.readers.idx import read_idx
from subgrad.data.readers.npz import read_npz
from subgrad.data.readers.read import read_table
from subgrad.data.scanned import ScannedTable, scan_table
from subgrad.data.split import train_test_split
from subgrad.data.table import Table
from subgrad.data.task import drop_unlabelled, infer_task
from subgrad.lazy import closed

__all__ = [
    "ScannedTable",
    "Table",
    "TablePreprocessor",
    "as_array",
    "drop_unlabelled",
    "infer_task",
    "is_frame",
    "load_digits",
    "load_fashion_mnist",
    "make_blobs",
    "make_circles",
    "make_moons",
    "make_spirals",
    "make_swiss_roll",
    "read_arrow",
    "read_csv",
    "read_excel",
    "read_idx",
    "read_ndjson",
    "read_npz",
    "read_parquet",
    "read_table",
    "scan_table",
    "table_from_frame",
    "train_test_split",
]

__getattr__, __dir__ = closed(__name__, __all__)
