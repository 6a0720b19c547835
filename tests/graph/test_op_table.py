"""The table of ops is complete wherever it is asked, whatever is loaded so far."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASK = "import sys; sys.path[:0] = [{src!r}]; from subgrad.graph.op import TABLE; {ask}"


@pytest.mark.parametrize("ask", [
    "assert TABLE['loop'].name == 'loop'",
    "assert 'loop' in TABLE",
    "assert 'loop' in list(TABLE)",
    "n = len(TABLE); assert dict(TABLE)['loop'] and n == len(TABLE)",
])  # fmt: skip
def test_ops_of_modules_not_loaded_yet_are_there(ask):
    subprocess.run([sys.executable, "-c", ASK.format(src=str(ROOT / "src"), ask=ask)], check=True)


def test_every_module_that_defines_an_op_is_known():
    every = "import pkgutil, importlib, subgrad; before = dict(TABLE); " + "; ".join([
        "names = [m.name for m in pkgutil.walk_packages(subgrad.__path__, 'subgrad.')]",
        "[importlib.import_module(n) for n in names if not n.endswith('__main__')]",
        "assert dict(TABLE) == before, set(TABLE) - set(before)",
    ])  # fmt: skip
    subprocess.run([sys.executable, "-c", ASK.format(src=str(ROOT / "src"), ask=every)], check=True)


def test_nothing_is_loaded_before_it_is_asked():
    ask = "import subgrad; subgrad.relu(1.0); assert 'subgrad.recur' not in sys.modules"
    subprocess.run([sys.executable, "-c", ASK.format(src=str(ROOT / "src"), ask=ask)], check=True)
