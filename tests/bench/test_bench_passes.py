from bench.measure.passes import _closed, _is_beaten
from bench.page.ratios import best, best_peer


def test_a_variant_is_left_out_for_another_of_its_own_peer_alone():
    rows = [
        {"peer": peer, "passes": [{"seconds": s} for s in seconds]}
        for peer, seconds in (("a", [1.0, 9.0]), ("a", [1.6, 1.0]), ("a", [1.4]), ("b", [9.0]), ("a", []))
    ]
    assert [_is_beaten(row, rows) for row in rows[:4]] == [False, True, False, False]


def test_time_and_idleness_are_medians_over_the_passes():
    looks = [{"share": s, "others": o} for s, o in ((0.9, 0.01), (0.5, 0.3), (0.8, 0.02))]
    row = _closed({"passes": [{"seconds": s, "idle": look} for s, look in zip((1.0, 9.0, 2.0), looks, strict=True)]})
    assert (row["seconds"], row["idle"]) == (2.0, {"share": 0.8, "others": 0.02})


def test_the_fastest_took_part_in_all_rounds():
    rows = [
        {"peer": peer, "variant": v, "seconds": s, "times": [s] * n}
        for peer, v, s, n in (("subgrad", "native", 1.0, 3), ("jax", "scan", 2.0, 1), ("jax", "step", 3.0, 3))
    ]
    assert best(rows, "jax")["variant"] == best_peer(rows)["variant"] == "step"
