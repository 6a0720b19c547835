"""Tables that stay in their files: rows are read piece by piece, again and again."""

from subgrad.data.scanned.scanned_table import ScannedTable, scan_table

__all__ = ["ScannedTable", "scan_table"]
