"""``--report``: the page of a training and of an evaluation, from a file with hostile names to the errors."""

import numpy as np
from command import misuse, run, succeed, write_csv
from page_checks import checked

from subgrad.cli.pages.asked_page import command
from subgrad.errors import missing_extra

EVIL = "<script>x & 'y'"
rng = np.random.default_rng(0)
N = 60
A = rng.normal(size=N).round(3)
COLUMNS = {
    "a": A, EVIL: rng.choice(["<b>", "two"], N), "id": [f"r{i}" for i in range(N)],
    "y": [*np.where(A > 0, "yes", "no")[:-1], ""],
    "price": [*(2 * A + 10).round(2)],
}  # fmt: skip
QUICK = ["--epochs", 2, "--hidden", 4]


def said(path) -> str:
    page = checked(path.read_text(encoding="utf-8"))
    return " ".join(page.text.split())


def test_training_and_evaluation_write_pages(tmp_path):
    file, model = write_csv(tmp_path / "rows.csv", COLUMNS), tmp_path / "m.safetensors"
    page, other = tmp_path / "page.html", tmp_path / "other.html"
    options = ["--target", "y", "--drop", "price", "--out", model, "--report", page, "--seed", 3]
    assert f"Report: {page}" in succeed("train", file, *options, *QUICK)
    text = said(page)
    for words in [
        "Predicting y", "rows.csv: 60 rows, 5 columns, of which 4 are used", "rows that it was not trained on.",
        "Was left out: each of its", "1 of 60 rows was left out: no target 'y'.", EVIL, "the truth", "Loss",
        "F1 of '", "guess", "always '", "3-4-2, relu",
        f"subgrad train {file} --target y --drop price --hidden 4 --epochs 2 --seed 3 --out {model} --report {page}",
        "seed 3",
    ]:  # fmt: skip
        assert words in text, words
    assert f"Report: {other}" in succeed("evaluate", model, file, "--report", other)
    text = said(other)
    for words in ["59 rows of", "Not used: 'price'.", "Loss", f"subgrad evaluate {model} {file} --report {other}"]:
        assert words in text, words
    assert "On 59 rows." in text


def test_the_model_for_tables_has_a_page_too(tmp_path):
    file, page = write_csv(tmp_path / "rows.csv", COLUMNS), tmp_path / "page.html"
    model = tmp_path / "m.safetensors"
    succeed("train", file, "--target", "price", "--drop", "y", "--out", model, "--report", page, "--effort", "quick")
    text = said(page)
    for words in ["Predicting price", "R²", "Residuals", "difference", "always the mean", "Loss", "networks with"]:
        assert words in text, words
    assert "The root mean squared error over" in page.read_text(encoding="utf-8")


def test_rows_are_numbered_as_in_the_file(tmp_path):
    """Rows without a target are not there, but count."""
    y = [*[""] * 30, *A[30:]]
    file, page = write_csv(tmp_path / "rows.csv", {"a": A, "y": y}), tmp_path / "page.html"
    succeed("train", file, "--target", "y", "--out", tmp_path / "m.safetensors", "--report", page, *QUICK)
    rows = page.read_text(encoding="utf-8").split('id="hardest"')[1].split("</section>")[0].split("<tr>")[2:]
    for row in rows:
        number, *_, a = [cell.split(">")[-1] for cell in row.split("</t")[:-1] if cell.split(">")[-1]]
        assert int(number) > 30
        assert float(a) == A[int(number) - 1]


def test_what_cannot_be_is_said_before_the_work(tmp_path, monkeypatch):
    file, model = write_csv(tmp_path / "rows.csv", COLUMNS), tmp_path / "m.safetensors"
    options = ["train", file, "--target", "y", "--out", model]
    assert "--test is 0" in misuse(*options, "--test", 0, "--report", tmp_path / "page.html")
    assert "--cv holds out none" in misuse(*options, "--cv", 3, "--report", tmp_path / "page.html")
    assert "in a folder that does not exist" in misuse(*options, "--report", tmp_path / "none" / "page.html")
    assert "--test is 0" in misuse("train", "digits", "--test", 0, "--report", tmp_path / "page.html")
    text = ["train", "text", file, "--test", 0, "--report", tmp_path / "page.html"]
    assert "needs rows that are held out" in misuse(*text)

    def missing(path):
        raise missing_extra("matplotlib", "plot", "a report")

    monkeypatch.setattr("subgrad.report.check_report", missing)
    result = run(*options, "--report", tmp_path / "page.html")
    assert (result.exit_code, result.output) == (
        1, "error: a report needs matplotlib, which is not installed: pip install 'subgrad[plot]'\n"
    )  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


def test_digits_are_shown_as_images(tmp_path):
    page, model = tmp_path / "page.html", tmp_path / "m.safetensors"
    succeed("train", "digits", "--epochs", 1, "--out", model, "--report", page)
    text = said(page)
    for words in ["1,797 handwritten digits", "359 images that it was not trained on", "Confusion matrix",
                  "Calibration", "The hardest images", "each of 8 × 8 pixels", "64-64-10, relu",
                  f"subgrad train digits --epochs 1 --out {model} --report {page}"]:  # fmt: skip
        assert words in text, words


def test_a_text_has_a_page_at_its_training_and_its_evaluation(tmp_path):
    file, model, page = tmp_path / "t.txt", tmp_path / "m.safetensors", tmp_path / "page.html"
    file.write_text("so it was, and so it is. " * 60, encoding="utf-8")
    shape = ["--hidden", 4, "--window", 20, "--epochs", 1]
    succeed("train", "text", file, "--out", model, "--report", page, *shape)
    text = said(page)
    for words in ["t.txt: 1,500 characters", "140 characters that it was not trained on", "bits a character", "guess",
                  "char_lstm, 4", "Loss", f"subgrad train text {file} --hidden 4 --window 20"]:  # fmt: skip
        assert words in text, words
    file.write_text("so it is not, said Zoe. " * 5, encoding="utf-8")
    out = succeed("evaluate", model, file, "--report", page)
    assert "120 characters of" in out
    assert "8 are characters that it does not know" in out
    text = said(page)
    bits = float(out.split(" bits a character")[0].split()[-1])
    assert f"bits a character {bits:.3f} [" in text
    assert f"subgrad evaluate {model} {file} --report {page}" in text
    assert "20 characters are too few" in run("evaluate", model, write_short(tmp_path)).output


def write_short(folder):
    (folder / "short.txt").write_text("so it was, and so it", encoding="utf-8")
    return folder / "short.txt"


def test_a_series_has_a_page_at_its_training_and_its_evaluation(tmp_path):
    file, model = write_csv(tmp_path / "rows.csv", {"y": np.sin(np.arange(80)).round(3)}), tmp_path / "m.safetensors"
    page = tmp_path / "page.html"
    shape = ["--target", "y", "--epochs", 1, "--window", 5, "--hidden", 2]
    told = succeed("train", "series", file, *shape, "--out", model, "--report", page)
    mean = told.split("Mean absolute error ")[1].split(";")[0]
    text = said(page)
    for words in ["16 forecasts that it was not trained on", f"mean absolute error {mean}", "Forecast and truth",
                  "Loss", "LSTM of 2, windows of 5 rows", f"subgrad train series {file} --target y"]:  # fmt: skip
        assert words in text, words
    succeed("evaluate", model, file, "--report", page)
    assert "On 74 forecasts." in said(page)


def test_a_command_is_quoted_as_a_shell_wants_it():
    found = command("train", "my file.csv", "--epochs", 5)
    assert found == "subgrad train 'my file.csv' --epochs 5"
