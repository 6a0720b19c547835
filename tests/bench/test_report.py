"""The page prints what the results say, and no ratio where they do not say enough."""

import pytest
from bench.page import report
from bench.page.ratios import doubt, ratio

from bench import store

IDLE = {"share": 0.99, "others": 0.01}
MACHINE = {
    "processor": "P", "level": "L", "threads": 2, "system": "S", "python": "3", "versions": {}, "date": "D",
    "percentile": 50,
}  # fmt: skip


def row(peer, seconds, idle=IDLE, times=None, workload="W4"):
    return {"workload": workload, "peer": peer, "variant": "v", "seconds": seconds, "idle": idle, "spread": 0.05,
            "times": times or [seconds] * 3,
            "answers": [1.0, 0.5], "setup": 1.0, "peak_bytes": 2**20}  # fmt: skip


def test_a_faster_peer_has_a_ratio_below_1():
    rows = [row("subgrad", 2e-3), row("torch", 1e-3), row("jax", 3e-3)]
    assert ratio(rows) == (0.5, 0.5, 0.5)
    assert "**0.50** (0.50 to 0.50)" in report.text({"machine": MACHINE, "times": {"W4": rows}, "limit": 100e9})


def test_a_slow_spell_over_a_round_leaves_its_ratio_as_it_is():
    ours, theirs = row("subgrad", 1, times=[1, 3, 1.1]), row("torch", 2, times=[2, 6, 2.75])
    assert ratio([ours, theirs]) == (2, 2, 2.5)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([row("subgrad", 1), row("torch", 2)], ""),
        ([row("subgrad", 1), row("torch", 2, {"share": 0.99, "others": 0.2})], "torch v: other programs had 20 %"),
        ([row("subgrad", 1, {"share": 0.8, "others": None}), row("torch", 2)], ""),
        ([row("subgrad", 1), row("torch", 2, None)], "how idle the machine was is not recorded"),
    ],
)
def test_a_ratio_needs_a_machine_without_other_programs(rows, reason):
    assert doubt(rows).startswith(reason) if reason else not doubt(rows)
    text = report.text({"machine": MACHINE, "times": {"W4": rows}, "limit": 100e9})
    assert ("**2.00**" in text) == (not reason)
    assert (f"- W4: {reason}" in text) == bool(reason)


def test_nothing_is_above_the_limit():
    fast = row("subgrad", 1e-9)
    text = report.text({"machine": MACHINE, "times": {"W4": [fast, row("torch", 1)]}, "limit": 100e9})
    assert "| 100 % |" in text


def test_a_run_adds_to_what_was_measured_on_the_same_machine():
    old = {"machine": MACHINE, "times": {"W3": [1]}, "limit": 2.0, "again": [1]}
    merged = store.merged(old, {"machine": MACHINE, "times": {"W4": [2]}, "busy": {"W3": [3]}, "limit": 1.0})
    assert merged["times"] == {"W3": [1], "W4": [2]}
    assert merged["busy"] == {"W3": [3]}
    assert (merged["limit"], merged["again"]) == (2.0, [1])
    other = {"machine": {**MACHINE, "level": "other"}, "times": {}}
    assert store.merged(old, other) == other
