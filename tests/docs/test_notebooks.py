"""The notebooks in examples/ run in a kernel, and show what notebooks show; an error names the cell."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from doc_pages import ROOT

nbclient = pytest.importorskip("nbclient", reason="notebooks are run by nbclient and ipykernel")
pytest.importorskip("ipykernel", reason="notebooks are run by nbclient and ipykernel")
nbformat = pytest.importorskip("nbformat")

BOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
NAMES = ["approximation", "images", "physics", "table", "text", "xor-and-kinks"]


def test_notebooks_are_kept_without_outputs():
    assert [book.stem for book in BOOKS] == NAMES
    for book in BOOKS:
        for cell in nbformat.read(book, 4).cells:
            assert not cell.get("outputs"), f"{book.name} has outputs: its differences could not be read"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> dict[str, list]:
    """The code cells of each notebook after they ran, in one kernel, which is empty before each."""
    folder = tmp_path_factory.mktemp("notebooks")
    books = {book.stem: nbformat.read(book, 4) for book in BOOKS}
    cells, first = [], {}
    for name, book in books.items():
        first[name] = len(cells)
        cells += [cell for cell in book.cells if cell.cell_type == "code"]
        cells.append(nbformat.v4.new_code_cell("%reset -f"))
    live = [
        "import subgrad as sg\nfrom subgrad.fit.callbacks import plot_live\nplot_live.SECONDS = 0.0",
        "sg.fit(sg.nn.Linear(1, 1), [[1.0], [2.0]], [1.0, 2.0], loss='mse', epochs=3, callbacks=sg.PlotLive())\nNone",
        "sg.fit(sg.nn.Linear(1, 1), [[1.0], [2.0]], [1.0, 2.0], loss='mse', epochs=1, callbacks=sg.PlotLive())\nNone",
    ]
    first["live"] = len(cells)
    cells += map(nbformat.v4.new_code_cell, live)
    wrong = "import subgrad as sg\nz = sg.zeros((2, 3))\nz @ z"
    last = nbformat.v4.new_code_cell(wrong, metadata={"tags": ["raises-exception"]})
    first["error"] = len(cells)
    together = nbformat.v4.new_notebook(cells=[*cells, last])
    client = nbclient.NotebookClient(together, timeout=300, resources={"metadata": {"path": str(folder)}})
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SUBGRAD_CHECK", raising=False)  # as users run them, in a third of the time
        client.execute()
    starts = [*first.items(), ("", len(cells) + 1)]
    return {name: together.cells[a:b] for (name, a), (_, b) in pairwise(starts)}


def pages_of(cells) -> list[str]:
    shown = [output.get("data", {}) for cell in cells for output in cell.outputs]
    return [data["text/html"] for data in shown if "text/html" in data]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_and_shows_pictures_and_tables(run, name):
    shown = pages_of(run[name])
    assert any("<svg" in html for html in shown)
    assert any("<table" in html for html in shown) or name in ("physics", "text")
    assert all('class="subgrad"' in html for html in shown)
    said = [output.get("text", "") for cell in run[name] for output in cell.outputs if output.output_type == "stream"]
    assert not any("Warning" in text for text in said)


def test_kinks_name_their_cell(run):
    (cell,) = [cell for cell in run["xor-and-kinks"] if cell.source.startswith("found = sg.kinks")]
    (html,) = pages_of([cell])
    assert html.count(f"<td>Cell In[{cell.execution_count}], line 1</td>") == 2


def test_an_error_names_the_cell_and_the_line(run):
    (cell,) = run["error"]
    (output,) = [output for output in cell.outputs if output.output_type == "error"]
    assert output.ename == "ShapeError"
    assert output.evalue.endswith(f"(at Cell In[{cell.execution_count}], line 3)")
    assert not re.search(r"ipykernel_\d+", output.evalue)


def test_a_live_picture_is_one_that_is_replaced(run):
    three, one = (
        [output["data"] for output in cell.outputs if output.output_type == "display_data"] for cell in run["live"][1:3]
    )
    assert len(three) == len(one) == 1
    pictures = [shown[0]["text/html"] for shown in (three, one)]
    assert pictures[0] != pictures[1]
