"""Programs of several ranks, started as a user does: by mpiexec."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import subgrad

MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))

HERE = MPIEXEC is not None and importlib.util.find_spec("mpi4py") is not None
MISSING = "mpi4py or mpiexec is not installed"
needs_mpi = pytest.mark.skipif(not HERE, reason=MISSING)


def require_mpi() -> None:
    """For fixtures, which marks do not reach."""
    if not HERE:
        pytest.skip(MISSING)


def ranks(n: int, *arguments: object, folder: Path, seconds: float = 600) -> subprocess.CompletedProcess[str]:
    """``n`` ranks of a Python program: more than there are processors, and as root, if need be."""
    assert MPIEXEC is not None
    source = str(Path(subgrad.__file__).parents[1])
    environment = {k: v for k, v in os.environ.items() if k != "SUBGRAD_CHECK"}
    environment |= {"PYTHONPATH": source, "SUBGRAD_THREADS": "1", "PYTHONUTF8": "1", "COLUMNS": "120", "NO_COLOR": "1"}
    environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    environment |= {"PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe", "OMPI_MCA_mpi_yield_when_idle": "1"}
    return subprocess.run(
        [MPIEXEC, "-n", str(n), sys.executable, *map(str, arguments)], cwd=folder, env=environment,
        capture_output=True, text=True, encoding="utf-8", check=False, timeout=seconds,
    )  # fmt: skip
