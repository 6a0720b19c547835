"""Every op of the table: the prover has bounds for it, and the checker follows, or it stands here with the reason."""

import pytest

import subgrad as sg
from subgrad.bounds.proofs.proof import PROOF
from subgrad.bounds.taylor.rules import TAYLOR
from subgrad.graph.op import TABLE
from subgrad.ops.indexing import in_range
from subgrad.ops.shape import cast

checker = pytest.importorskip("subgrad.bounds.checker")

NEITHER = {
    "argmax": "an integer that jumps with the point",
    "argmin": "an integer that jumps with the point",
    "uniform": "random",
    **dict.fromkeys(["acos", "asin", "atan", "atan2", "digamma", "erfinv", "lgamma"], "made of an approximation"),
    "in_range": "looks at integers that do not vary, which are written into a proof as an array",
    "loop": "written out step by step before anything is bounded",
    "part": "of a loop, which is written out",
    "right_shift": "of integers, which do not vary",
}
BUILT_IN = {name: op for name, op in TABLE.items() if op.ref.__module__.startswith("subgrad.")}


@pytest.mark.parametrize("name", BUILT_IN)
def test_prover_and_checker_know_the_same_ops(name):
    op = BUILT_IN[name]
    constant = op in (sg.ops.full, TABLE["arange"])
    proven = (TAYLOR.way(op) != "none" and op is not in_range) or constant
    checked = PROOF.way(op) != "none" or constant
    assert proven == checked == (name not in NEITHER)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_checker_has_what_a_proof_is_made_of(name):
    if BUILT_IN[name] is not cast:  # to another number it is written, of a condition it is made of others
        assert (name in checker.OPERATIONS) == (PROOF.way(BUILT_IN[name]) == "rule")
