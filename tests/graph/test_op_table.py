"""The table of ops is complete wherever it is asked, whatever is loaded so far; ops say what they take."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ArgumentError
from subgrad.graph.op import again

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


@pytest.mark.parametrize("call", [
    lambda x: sg.cos(x, x), lambda x: sg.cos(), lambda x: sg.add(x), lambda x: sg.ops.div(x, x, x),
    lambda x: sg.relu(x, x),
])  # fmt: skip
def test_elementwise_ops_take_as_many_arguments_as_they_have(call):
    with pytest.raises(ArgumentError, match=r"takes [12] of tensors or numbers, got [0-3]"):
        call(sg.ones(2))
    with pytest.raises(ArgumentError, match="takes"):
        sg.compile(call)(np.ones(2, np.float32))


def test_an_op_of_ones_own_with_an_attribute():
    @sg.defop
    def half_of(x, parts=2):
        return x / np.asarray(parts, x.dtype)

    assert half_of([3.0]).tolist() == [1.5]
    assert half_of([3.0], parts=3).tolist() == [1.0]
    with pytest.raises(ArgumentError, match="got 3"):
        half_of([3.0], 2, 1)


def test_a_node_on_other_inputs_asks_for_its_form_only_where_theirs_is_another():
    x, y, longer = sg.tensor([1.0, 2.0]), sg.tensor([3.0, 4.0]), sg.tensor([5.0, 6.0, 7.0])
    node, asked = sg.exp(x), []
    node.op = dataclasses.replace(node.op, shape=lambda *given: asked.append(given) or (given[0].shape, given[0].dtype))
    same, other = again(node, (y,)), again(node, (longer,))
    assert [given[0] is longer for given in asked] == [True]
    assert (same.site, same.scope) == (other.site, other.scope) == (node.site, node.scope)
    np.testing.assert_allclose(same.numpy(), np.exp(y.numpy()), rtol=1e-6)
    np.testing.assert_allclose(other.numpy(), np.exp(longer.numpy()), rtol=1e-6)
