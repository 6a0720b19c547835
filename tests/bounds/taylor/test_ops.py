"""Every op of the table: the prover has bounds for it, and the checker follows, or it stands here with the reason."""

import pytest

import subgrad as sg
from subgrad.bounds.proof import SIMPLER
from subgrad.bounds.taylor.rules import CONSTANTS, TAYLOR
from subgrad.graph.op import TABLE
from subgrad.ops.indexing import in_range

checker = pytest.importorskip("subgrad.bounds.checker")

NEITHER = {
    "argmax": "an integer that jumps with the point",
    "argmin": "an integer that jumps with the point",
    "uniform": "random",
    "in_range": "looks at integers that do not vary, which are written into a proof as an array",
    "loop": "written out step by step before anything is bounded",
    "part": "of a loop, which is written out",
}
BUILT_IN = {name: op for name, op in TABLE.items() if op.ref.__module__.startswith("subgrad.")}


@pytest.mark.parametrize("name", BUILT_IN)
def test_prover_and_checker_know_the_same_ops(name):
    op = BUILT_IN[name]
    made_of_others = TAYLOR.expansion(op) is not None
    proven = (op in TAYLOR and op is not in_range) or op in CONSTANTS or made_of_others
    checked = name in checker.CURVES or hasattr(checker.graphs.Graph, f"op_{name}") or op in SIMPLER or made_of_others
    constant = op is sg.ops.arange  # is written into a proof as an array
    assert proven == (checked or constant) == (name not in NEITHER)
