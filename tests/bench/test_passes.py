from bench.measure.passes import _is_beaten


def test_a_variant_is_left_out_for_another_of_its_own_peer_alone():
    rows = [
        {"peer": peer, "passes": [{"seconds": s} for s in seconds]}
        for peer, seconds in (("a", [1.0, 9.0]), ("a", [1.6, 1.0]), ("a", [1.4]), ("b", [9.0]), ("a", []))
    ]
    assert [_is_beaten(row, rows) for row in rows[:4]] == [False, True, False, False]
