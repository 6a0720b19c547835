"""Which job is for which data, and for which model file."""

from __future__ import annotations

from pathlib import Path

from subgrad.cli.jobs.file_rows import FileRowsJob
from subgrad.cli.jobs.job import Job
from subgrad.cli.jobs.series import SeriesJob
from subgrad.cli.jobs.tables import TableJob
from subgrad.cli.jobs.text import TextJob
from subgrad.cli.jobs.trained.trained_model import kind_of
from subgrad.errors import FileError
from subgrad.io.model_file import is_model_file

SEQUENCES: dict[str, Job] = {"text": TextJob(), "series": SeriesJob()}
"""Those that are named on the command line, before their file; model files name them too, as their task."""

TABLES: Job = TableJob()
FILE_ROWS: Job = FileRowsJob()


def job_of(model: Path, file: Path | None = None) -> Job:
    """The job that wrote a model file; that of tables for a file that does not say it.

    Raises:
        FileError: if it is no model file; where the ``file`` of rows is one, it says that the two are swapped.
    """
    if file is not None and not is_model_file(model) and is_model_file(file):
        raise FileError(f"{file} is a model, and {model} is none: the model comes first, then the file of rows")
    return SEQUENCES.get(kind_of(model) or "", TABLES)


__all__ = ["FILE_ROWS", "SEQUENCES", "TABLES", "job_of"]
