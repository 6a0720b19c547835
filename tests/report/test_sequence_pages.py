"""The pages about texts and series."""

import numpy as np
import pytest
from page_checks import checked

from chromium import needs_browser, screenshot
from subgrad.data import Table
from subgrad.report import Background, Forecasts, Passages, write_series_report, write_text_report

SECTIONS = ["quality", "hardest", "data", "repeat"]
KNOWN = "�\n <ab"


def passages(frequencies=None) -> Passages:
    """Three passages of 20 characters; the network is sure of an "a", and of nothing else."""
    truth = np.full((3, 20), KNOWN.index("a"))
    truth[1, 5:8] = KNOWN.index("<"), KNOWN.index("\n"), 0
    truth[2, ::2] = KNOWN.index(" ")
    chances = np.full((3, 20, len(KNOWN)), 0.025)
    chances[..., KNOWN.index("a")] = 0.875
    return Passages(KNOWN, truth, chances, frequencies, np.array([4, 6, 8]))


def test_a_text(tmp_path):
    found = passages(np.array([0, 1, 2, 3, 4, 5]))
    write_text_report(tmp_path / "page.html", found, Background(data="a text", row="character", command="subgrad x"))
    page = checked((tmp_path / "page.html").read_text(encoding="utf-8"))
    said = " ".join(page.text.split())
    assert page.sections() == SECTIONS
    bits = (47 * -np.log2(0.875) + 13 * -np.log2(0.025)) / 60
    shares = np.array([1, 2, 3, 4, 5, 6]) / 21
    guess = -np.log2(shares)[found.truth].mean()
    assert f"bits a character {bits:.3f} [" in said
    assert f"guess {guess:.3f}" in said
    assert "foreseen: the likeliest one 0.783 [" in said
    assert "from drawing whole passages again; below the numbers is what needs no inputs: the frequencies" in said
    assert f"passage 8: {(10 * -np.log2(0.875) + 10 * -np.log2(0.025)) / 20:.2f} bits a character, 50% foreseen" in said
    assert said.index("passage 8:") < said.index("passage 6:") < said.index("passage 4:")
    assert "a <↵ � a" in said  # the surprising ones of the second passage, spans of their own
    for row in ["a 47 78% 100% 0.2", "space 10 17% 0% 5.3", "< 1 1.7% 0% 5.3", "newline 1 1.7%", "any other 1 1.7%"]:
        assert row in said, row


def test_a_text_whose_training_is_unknown_has_nothing_to_compare_with(tmp_path):
    write_text_report(tmp_path / "page.html", passages(), Background())
    assert "guess" not in checked((tmp_path / "page.html").read_text(encoding="utf-8")).text


@pytest.mark.parametrize("several", [False, True])
def test_a_series(tmp_path, several):
    rng = np.random.default_rng(0)
    truth = np.cumsum(rng.normal(size=40))
    answers = truth + rng.normal(size=40) / 2
    answers[7] = truth[7] - 9
    last = np.r_[0, truth[:-1]]
    names = ["<b>"] * 20 + ["two"] * 20 if several else None
    found = Forecasts("<i>", np.arange(101, 141), truth, answers, last, names)
    write_series_report(tmp_path / "page.html", found, Table({"<i>": truth}), Background(data="a series"))
    page = checked((tmp_path / "page.html").read_text(encoding="utf-8"))
    said = " ".join(page.text.split())
    assert page.sections() == SECTIONS
    mean, root = np.abs(truth - answers).mean(), np.sqrt(np.mean((truth - answers) ** 2))
    assert f"mean absolute error {mean:.3f} [" in said
    assert f"guess {np.abs(np.diff(np.r_[0, truth])).mean():.3f}" in said
    assert f"root mean squared error {root:.3f} [" in said
    first = said.split("difference")[1].split()
    assert first[: 1 + several] == (["108", "<b>"] if several else ["108"])
    assert first[4 + several] == "9"
    assert ("The last 20 forecasts of “<b>”, the first series" if several else "The last 40 forecasts, each") in said


def test_forecasts_that_are_all_right_have_no_hardest_moment(tmp_path):
    truth = np.arange(5.0)
    found = Forecasts("y", np.arange(5), truth, truth, truth - 1)
    write_series_report(tmp_path / "page.html", found, Table({"y": truth}), Background())
    assert checked((tmp_path / "page.html").read_text(encoding="utf-8")).sections() == ["quality", "data", "repeat"]


@needs_browser
def test_a_browser_shows_long_words_within_a_narrow_window(tmp_path):
    """A passage without a space is broken; nothing is at the right edge, where what is too wide would go on."""
    known = "�ab"
    chances = np.full((2, 300, 3), [0.1, 0.6, 0.3])
    found = Passages(known, np.ones((2, 300), int), chances)
    write_text_report(tmp_path / "page.html", found, Background(data="a text", command="subgrad " + "x" * 200))
    seen = screenshot(tmp_path / "page.html", tmp_path / "seen.png", 390, 3000)
    different = np.any(np.abs(seen - seen[5, 5]) > 0.02, axis=2)
    assert different[:600].mean() > 0.01
    assert not different[:, -3:].any()
