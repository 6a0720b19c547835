"""Which job is for which data, and for which model file."""

from __future__ import annotations

from pathlib import Path

from subgrad.cli.jobs.job import Job
from subgrad.cli.jobs.series import SeriesJob
from subgrad.cli.jobs.tables import TableJob
from subgrad.cli.jobs.text import TextJob
from subgrad.cli.jobs.trained.trained_model import kind_of

SEQUENCES: dict[str, Job] = {"text": TextJob(), "series": SeriesJob()}
"""Those that are named on the command line, before their file; model files name them too, as their task."""

TABLES: Job = TableJob()


def job_of(model: Path) -> Job:
    """The job that wrote a model file; that of tables for a file that does not say it."""
    return SEQUENCES.get(kind_of(model) or "", TABLES)


__all__ = ["SEQUENCES", "TABLES", "job_of"]
