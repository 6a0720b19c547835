"""Tables of a reader's own, read in JavaScript and by Python's csv; what the page refuses, Python refuses before."""

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ArgumentError, FileError
from subgrad.playground.given_data import given_data

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="there is no node on this machine to run JavaScript with")

SCRIPT = """
import {{ fromTable, readCsv, withoutEmpty }} from {module};
const made = JSON.parse(process.argv[2]).map((given) => {{
  const read = withoutEmpty(typeof given === "string" ? readCsv(given) : given);
  try {{
    return {{ ...read, ...fromTable(read, read.names.length - 1, 6) }};
  }} catch (error) {{
    return {{ ...read, error: error.message }};
  }}
}});
console.log(JSON.stringify(made));
"""
TABLES = {
    "decimal commas": "a;b;y\n1,5;2;ja\n-2,5;1e1;nein\n,5;3;ja\n",
    "commas at the ends": "a,b,y,\n1,2,u,\n3,5,v,\n",
    "an empty column": "a,none,b,y\n1,,2,u\n3,,5,v\n",
    "mostly empty": "a,few,b,y\n1,7,2,u\n3,,5,v\n4,NA,6,u\n",
    "words for nothing": "a,b,y\n1,2,u\nNA,3,v\n3,null,u\n4,5,v\n",
    "quotes": 'a,"b, ""c""",y\n1,2,"two\nlines"\n3,5,5" pipe\n',
    "old Macintosh": "a,b,y\r1,2,u\r3,5,v\r",
    "truth values": "a,b,y\nTrue,1,u\nfalse,2,v\nTRUE,4,u\n",
    "huge": "a,b,y\n1e300,-1e308,u\n-1e300,1e308,v\n0,3,u\n",
    "numbers as classes": "a,b,y\n1,2,10\n3,5,9\n4,4,10\n",
    "shorter rows": "a,b,y\n1,2,u\n3\n4,5,v\n",
    "classes in turn": "a,b,y\n" + "".join(f"{i},{i * i % 7},{'uvw'[i % 3]}\n" for i in range(1500)),
    "nothing": "",
    "no numbers": "a,b,y\nu,v,w\n",
    "many classes": "a,b,y\n" + "".join(f"{i},{i * i},c{i}\n" for i in range(7)),
}


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    script = tmp_path_factory.mktemp("node") / "read.mjs"
    module = Path(sg.__file__).parent / "playground" / "page" / "own_data.mjs"
    script.write_text(SCRIPT.format(module=json.dumps(module.as_uri())), encoding="utf-8")
    given = json.dumps(list(TABLES.values()))
    done = subprocess.run([str(NODE), str(script), given], capture_output=True, text=True, timeout=60, check=True)
    return dict(zip(TABLES, json.loads(done.stdout), strict=True))


@needs_node
@pytest.mark.parametrize("name", ["quotes", "commas at the ends", "old Macintosh", "numbers as classes"])
def test_rows_are_those_of_pythons_csv(read, name):
    head, *rows = csv.reader(io.StringIO(TABLES[name].replace("\r", "\n"), newline=""))
    width = 3  # without what is behind the last comma
    assert read[name]["names"] == head[:width]
    assert read[name]["rows"] == [row[:width] for row in rows]


@needs_node
@pytest.mark.parametrize(
    ("name", "columns", "targets", "labels"),
    [
        ("decimal commas", [[1.5, -2.5, 0.5], [2, 10, 3]], [-1, 1, -1], ["ja", "nein"]),
        ("an empty column", [[1, 3], [2, 5]], [-1, 1], ["u", "v"]),
        ("mostly empty", [[1, 3, 4], [2, 5, 6]], [-1, 1, -1], ["u", "v"]),
        ("words for nothing", [[1, 4], [2, 5]], [-1, 1], ["u", "v"]),
        ("truth values", [[1, 0, 1], [1, 2, 4]], [-1, 1, -1], ["u", "v"]),
        ("huge", [[1, -1, 0], [-1, 1, 0]], [-1, 1, -1], ["u", "v"]),
        ("numbers as classes", [[1, 3, 4], [2, 5, 4]], [1, -1, 1], ["9", "10"]),
        ("shorter rows", [[1, 4], [2, 5]], [-1, 1], ["u", "v"]),
    ],
)
def test_columns_are_standardised(read, name, columns, targets, labels):
    found = read[name]
    assert (found["targets"], found["labels"]) == (targets, labels)
    scaled = np.array(columns, float)
    scaled = (scaled - scaled.mean(1, keepdims=True)) / scaled.std(1, keepdims=True)
    np.testing.assert_allclose(np.transpose(found["points"]), 1.3 * scaled / np.abs(scaled).max(), atol=6e-4)


@needs_node
def test_of_many_rows_some_are_taken_from_everywhere(read):
    found = read["classes in turn"]
    assert found["labels"] == ["u", "v", "w"]
    assert min(np.bincount(found["targets"])) > 150
    places = np.array(found["points"])[:, 0]
    assert len(places) == 500
    assert (np.diff(places) > 0).all()
    i = np.arange(1498)
    rows = given_data({"a": i, "b": i * i % 7, "y": np.array(["u", "v", "w"])[i % 3]}, 6)["rows"]
    taken = np.array([int(row[0]) for row in rows])
    assert len(taken) == 500
    assert (np.diff(taken) > 0).all()
    assert min(np.bincount(taken % 3)) > 150


@needs_node
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "got nothing"), ("no numbers", "beside column 3, got 0"),
        ("many classes", "6 classes at most, y has 7"),
    ],
)
def test_what_the_page_cannot_learn_is_said(read, name, message):
    assert message in read[name]["error"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": [1, 2, 3], "b": list("uvw"), "y": [0, 1, 0]}, "two columns of numbers beside 'y' that differ.* got 1"),
        ({"a": [1, 2, None], "b": [None, 1, 3], "y": [0, 1, 0]}, "rows without missing values, got 0"),
        ({"a": [1, 2, 3], "b": [1, 4, 9], "y": [1, 1, 1]}, "the last column 'y' has 1"),
        ({"a": [*range(7)], "b": [n * n for n in range(7)], "y": list("abcdefg")}, "2 to 6 classes; .* 'y' has 7"),
    ],
)
def test_a_table_that_the_page_cannot_learn_is_refused(table, message):
    with pytest.raises(ArgumentError, match=message):
        given_data(table, 6)


def test_a_table_may_be_a_file(tmp_path):
    file = tmp_path / "my points.csv"
    file.write_text('a;"b; ""c""";y\n1,5;2;ja\n;3;nein\n-2,5;4;nein\n', encoding="utf-8")
    expected = {"names": ["a", 'b; "c"', "y"], "rows": [["1.5", "2", "ja"], ["", "3", "nein"], ["-2.5", "4", "nein"]]}
    assert given_data(file, 6) == given_data(str(file), 6) == expected
    with pytest.raises(FileError, match="nowhere"):
        given_data("nowhere.csv", 6)


def test_classes_that_are_long_numbers_stay_apart():
    labels = [100_001, 100_002, 2**53 + 1]
    rows = given_data({"a": [1, 2, 4], "b": [3, 1, 2], "y": labels}, 6)["rows"]
    assert [row[-1] for row in rows] == [str(label) for label in labels]
