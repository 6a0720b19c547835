"""What `import subgrad` brings, and what comes with its first use."""

import os
import subprocess
import sys

import pytest

import subgrad as sg

PROGRAM = """
import sys
import numpy
before = set(sys.modules)
import subgrad as sg
loaded = {m.split(".")[1] for m in sys.modules if m.startswith("subgrad.")}
assert loaded == {"diff", "entropy", "errors", "graph", "hints", "lazy", "ops"}, loaded
assert not {"llvmlite", "scipy", "pathlib", "json"} & (set(sys.modules) - before)
import subgrad.compile.codegen.llvm, subgrad.fit.engine
assert sg.compile is sys.modules["subgrad.compile.function"].compile
assert sg.fit is sys.modules["subgrad.fit"].fit
assert not {"subgrad.optim.adam", "subgrad.optim.step.schedule"} & set(sys.modules)
assert sg.Adam(sg.step.Cosine(0.1, 10)) and sg.optim.Adam is sg.Adam
from subgrad.kinks.locate import kinks
assert sg.kinks is kinks
assert sg.explain is sys.modules["subgrad.explain"].explain
assert sg.linear.SVM and sg.models.lenet and sg.data.load_digits and sg.certify
"""


def test_all_but_tensors_ops_and_derivatives_comes_with_its_first_use():
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there():
    assert len(set(sg.__all__)) == len(sg.__all__)
    assert [name for name in sg.__all__ if not hasattr(sg, name)] == []
    assert set(sg.__all__) <= set(dir(sg))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'subgrad' has no attribute 'nothing'"):
        _ = sg.nothing
