"""The page of a report: complete, safe, alone; and as a browser shows it."""

import builtins
import re

import numpy as np
import pytest
from explained import Classes, Numbers
from page_checks import checked

import subgrad as sg
from chromium import needs_browser, screenshot
from subgrad.data import Table
from subgrad.errors import ArgumentError, FileError, MissingExtraError
from subgrad.metrics import Estimate
from subgrad.metrics.bootstrap import decimals_for
from subgrad.report import Background, Score, write_report

EVIL = "<script>alert('1')</script> & $x_1$"
SECTIONS = ["quality", "columns", "effects", "hardest", "data", "training", "repeat"]
rng = np.random.default_rng(0)
N = 60
X = rng.normal(size=(N, 2))
TABLE = Table({
    "a": X[:, 0], EVIL: X[:, 1], "unused": [1.5] * N,
    "kind": rng.choice(["red", EVIL, "blå 青"], N).tolist(), "since": [f"2024-{1 + i % 12:02}-03" for i in range(N)],
    "gone": [None if i % 4 else "yes" for i in range(N - 1)] + ["no"],
})  # fmt: skip
LOSSES = [{"loss": 1 / (i + 1), "validation_loss": 1 / (i + 1) + (i / 10) ** 2, "seconds": 0.1} for i in range(9)]
HISTORY = sg.History(LOSSES)


def numbers() -> tuple[Numbers, np.ndarray]:
    model = Numbers(lambda X: 2 * X[:, 0] - X[:, 1], ["a", EVIL], target_name=EVIL + "y")
    return model, 2 * X[:, 0] - X[:, 1] + rng.normal(size=N)


def classes(k: int = 2) -> tuple[Classes, np.ndarray]:
    def chances(X: np.ndarray) -> np.ndarray:
        powers = np.exp(X @ np.linspace(-2, 2, 2 * k).reshape(2, k))
        return powers / powers.sum(axis=1, keepdims=True)

    names = [EVIL, *(f"class {i}" for i in range(1, k))]
    return Classes(chances, ["a", EVIL], classes=names), np.array(names, dtype=object)[rng.integers(0, k, N)]


def written(path, model, y, table=TABLE, **background):
    write_report(path, model, table, y, Background(**background))
    text = path.read_text(encoding="utf-8")
    return checked(text), text


def test_numbers(tmp_path):
    model, y = numbers()
    sentences = [f"Column '{EVIL}': it is {EVIL}.", "Column 'unused' was left out: it has one value only.", "Done."]
    page, text = written(
        tmp_path / "page.html", model, y, data=EVIL, sentences=sentences, history=HISTORY, training=[EVIL],
        command=f"subgrad train '{EVIL}'", seed=7, row_numbers=np.arange(1000, 1000 + N),
    )  # fmt: skip
    assert page.sections() == SECTIONS
    assert "<script" not in text
    said = " ".join(page.text.split())
    for words in [f"Predicting {EVIL}y", "R²", "Predicted against true", "Residuals", "Importance", "kept: 4"]:
        assert words in said
    assert f"It is {EVIL}." in said
    assert "Was left out: it has one value only." in said
    assert "Without any influence: 'unused', 'kind', 'since', 'gone'." in said
    assert f"subgrad train '{EVIL}' seed 7 subgrad {sg.__version__}" in said
    worst = 1000 + int(np.argmax(np.abs(y - (2 * X[:, 0] - X[:, 1]))))
    assert f" {worst} " in page.text


def test_validation_by_another_number_than_the_loss_has_a_picture_of_its_own(tmp_path):
    """A squared error of standardised numbers and a root in their unit do not share an axis."""
    model, y = numbers()
    _, text = written(tmp_path / "page.html", model, y, history=HISTORY)
    assert re.search(r"The loss over 9 epochs: from 1 to 0\.111 in training, 1 to 0\.751 in validation\.", text)
    page, text = written(tmp_path / "page.html", model, y, history=HISTORY, validated="median |error|")
    assert "The loss over 9 epochs: from 1 to 0.111 in training." in text
    assert "The median |error| over 9 epochs: from 1 to 0.751 in validation." in text
    assert "the other curve gets no better" in page.text


@pytest.mark.parametrize("k", [2, 3, 14])
def test_classes(tmp_path, k):
    model, y = classes(k)
    page, text = written(tmp_path / "page.html", model, y, history=HISTORY)
    assert page.sections() == SECTIONS
    assert "<script" not in text
    pictures = ["Calibration", "Ranking", "Precision and recall", "Importance"]
    for said in [*pictures, "ROC AUC", "Confusion matrix" if k < 14 else "The most frequent mistakes"]:
        assert said in page.text, said


def test_a_model_without_probabilities_has_neither_curves_nor_calibration(tmp_path):
    model, y = classes()
    model.sure = False
    page, _ = written(tmp_path / "page.html", model, y)
    assert "Confusion matrix" in page.text
    assert "rise of the share of wrong answers" in page.text
    assert not {"Calibration", "Ranking", "log loss"} & set(page.text.split("  "))


def test_what_there_is_nothing_to_say_of_is_left_out(tmp_path):
    """All answers right, one class only, no training known; and two rows, which is the least."""
    model, _ = classes()
    for rows in (np.arange(N), np.arange(2)):
        table = TABLE.take(rows)
        page, _ = written(tmp_path / "page.html", model, model.predict(table), table)
        assert "training" not in page.sections()
        assert "repeat" in page.sections()
    constant = Numbers(lambda X: np.zeros(len(X)), ["a"])
    page, _ = written(tmp_path / "page.html", constant, np.zeros(N))
    assert page.sections() == ["quality", "columns", "data", "repeat"]


def test_metrics_may_be_given(tmp_path):
    model, y = numbers()
    given = Score(f"share of {EVIL}", Estimate(0.5, 0.25, 0.75), 0.125)
    tiny = Score("tiny", Estimate(1.6e-19, 1.5e-19, 1.7e-19), 4e-19, decimals_for(4e-19))
    scores = [given, Score("unknown", Estimate(1.5, np.nan, np.nan)), tiny]
    page, _ = written(tmp_path / "page.html", model, y, scores=scores, guess="always the mean")
    said = " ".join(page.text.split())
    assert f"share of {EVIL} 0.500 [0.250, 0.750] guess 0.125" in said
    assert "unknown 1.500 " in said
    assert "tiny 1.6e−19 [1.5e−19, 1.7e−19] guess 4e−19" in said
    assert "always the mean" in said


def test_images_are_shown(tmp_path):
    """Two by two pixels, of which the first decides; the page has pictures in the place of columns."""
    images = (np.arange(4 * N).reshape(N, 2, 2) * 7 % 11 / 10).astype(np.float64)
    table = Table({f"X{i}": images.reshape(N, 4)[:, i] for i in range(4)})
    model, y = classes()
    model.column_names = ["X0", "X1"]
    path = tmp_path / "page.html"
    write_report(path, model, table, y, Background(row="image", row_numbers=np.arange(N) + 500), images)
    page = checked(path.read_text(encoding="utf-8"))
    said = " ".join(page.text.split())
    assert page.sections() == ["quality", "hardest", "data", "repeat"]
    assert f"{N} images, each of 2 × 2 pixels." in said
    worst = int(np.argmin(model.predict_proba(table)[np.arange(N), (y != EVIL).astype(int)]))
    assert f"image {500 + worst}, chance of the truth" in said.split("The hardest images")[2]
    assert page.attribute("svg", "class").count("pixels") == 12 + 2 * 5
    with pytest.raises(ArgumentError, match=r"images are \(rows, height, width\), 60 of them, got .* \(59, 2, 2\)"):
        write_report(path, model, table, y, images=images[:-1])


def test_the_same_seed_writes_the_same_page(tmp_path):
    model, y = classes()
    pages = [written(tmp_path / f"{i}.html", model, y, seed=seed)[1] for i, seed in enumerate([3, 3])]
    assert pages[0] == pages[1]


def test_many_columns_are_shuffled_in_groups_first(tmp_path):
    wide = rng.normal(size=(20, 450))
    names = [f"c{i}" for i in range(450)]
    model = Numbers(lambda X: X[:, 0], ["c444"])
    page, _ = written(tmp_path / "page.html", model, wide[:, 444], Table(dict(zip(names, wide.T, strict=True))))
    said = " ".join(page.text.split())
    assert "250 columns were only shuffled in groups" in said
    assert "390 more columns are not shown" in said
    assert len(model.calls) < 320
    assert "c444" in said


def test_errors_leave_nothing_behind(tmp_path, monkeypatch):
    model, y = numbers()
    with pytest.raises(ArgumentError, match="two rows at least and the truth of each, got 1 and 1"):
        write_report(tmp_path / "page.html", model, TABLE.take([0]), y[:1])
    with pytest.raises(FileError, match="cannot write"):
        write_report(tmp_path / "none" / "page.html", model, TABLE, y)
    plain = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("matplotlib"):
            raise ImportError
        return plain(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"a report needs matplotlib, .* pip install 'subgrad\[plot\]'"):
        write_report(tmp_path / "page.html", model, TABLE, y)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def wide_page(tmp_path_factory):
    """A page with long names and a long command."""
    model, y = classes(3)
    path = tmp_path_factory.mktemp("seen") / "page.html"
    write_report(path, model, TABLE, y, Background(history=HISTORY, command="subgrad train " + "x" * 300))
    return path


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_within_its_window(wide_page, tmp_path, width):
    """No picture, table or word makes the page wider than the window; the console has no word of an error."""
    seen = _screenshot(wide_page, tmp_path / "seen.png", width)
    assert seen.shape[1] == width
    paper = seen[5, 5]
    different = np.any(seen != paper, axis=2)
    assert different[:600].mean() > 0.01  # there is something to see at the top
    assert not different[:, -3:].any()  # and nothing at the right edge, where what is too wide would go on
    dark = _screenshot(wide_page, tmp_path / "dark.png", width, "--blink-settings=preferredColorScheme=0")
    assert dark[5, 5].mean() < 60 < 200 < paper.mean()


def _screenshot(page, picture, width: int, *more: str) -> np.ndarray:
    return (screenshot(page, picture, width, 4000, *more) * 255).round()
