"""CSV files: against the csv module that wrote them, against pandas, and damaged ones."""

from __future__ import annotations

import csv
import gzip
import io
import string

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import datasets

from subgrad.data import read_csv
from subgrad.data.formats.words import MISSING
from subgrad.errors import FileError

LOADERS = [datasets.load_diabetes, datasets.load_wine, datasets.load_breast_cancer, datasets.load_iris]


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "table.csv"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.csv.gz", ";"), ("a.tsv", "\t")])
def test_real_tables_are_read_to_the_last_bit(tmp_path, loader, name, delimiter):
    frame = loader(as_frame=True).frame
    frame.to_csv(tmp_path / name, sep=delimiter)  # with its index, which is to be left out
    table = read_csv(tmp_path / name)
    assert list(table) == list(frame.columns)
    for column in table:
        np.testing.assert_array_equal(table[column], frame[column].to_numpy(dtype=np.float64))


MIXED = '''name , age,city,member,zip,note
"Smith, Anna",31,Ulm,True,1e3,"said ""no"""
Bert,,NA,false,-.5,"two
lines"

 Carl ,4_5,"München",TRUE,inf,x
'''


def test_names_quotes_missing_values_and_white_space(write):
    table = read_csv(write(b"\xef\xbb\xbf" + MIXED.encode()))
    assert list(table) == ["name", "age", "city", "member", "zip", "note"]
    assert table["name"].tolist() == ["Smith, Anna", "Bert", "Carl"]
    assert table["age"].tolist() == ["31", None, "4_5"]
    assert table["city"].tolist() == ["Ulm", None, "München"]
    assert table["member"].tolist() == ["True", "false", "TRUE"]
    assert table.format("member").read(table.series("member")).tolist() == [1, 0, 1]
    assert table["zip"].tolist() == [1000, -0.5, np.inf]
    assert table["note"].tolist() == ['said "no"', "two\nlines", "x"]


def test_mixed_tables_agree_with_pandas(write):
    text = 'a;b;c;d\n1;x;;0.1\n-2.5e-3;;NA;1e308\n nan;y z;;.5\n7;"q;""r";;+3\n'
    file = write(text)
    table, frame = read_csv(file), pd.read_csv(file, sep=";")
    assert list(table) == list(frame.columns)
    for name in "acd":
        np.testing.assert_allclose(table[name], frame[name].to_numpy(dtype=np.float64), rtol=1e-15)
    assert table["b"].tolist() == [None if pd.isna(text) else text for text in frame["b"]]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_line_ending(write, newline):
    table = read_csv(write(newline.join(["a,b", "1,x", "", "2,y"])))
    assert table["a"].tolist() == [1, 2]
    assert table["b"].tolist() == ["x", "y"]


@pytest.mark.parametrize("marker", sorted(MISSING))
def test_markers_of_missing_values(write, marker):
    table = read_csv(write(f"a,b,c\n1,x,1\n{marker},{marker},2\n"))
    np.testing.assert_array_equal(table["a"], [1, np.nan])
    assert table["b"].tolist() == ["x", None]


def test_a_comma_in_a_number_is_what_the_file_makes_of_it(write):
    assert read_csv(write('a\n"1,234"\n'))["a"].tolist() == [1234]
    assert read_csv(write("a;b\n1,234;2\n"))["a"].tolist() == [1.234]
    assert read_csv(write("a;b\n1,234;2.5\n"))["a"].tolist() == [1234]


# White space at either end and missing markers are the reader's business and tested above; the writer leaves a lone
# carriage return without quotes, where it ends a line.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=8).filter(
    lambda text: text == text.strip() and text not in MISSING and not text.startswith("#")
)
numbers = st.floats(allow_nan=False)
names = st.lists(st.text(string.ascii_letters, min_size=1, max_size=5), min_size=2, max_size=4, unique=True)


@st.composite
def tables(draw) -> dict[str, list]:
    rows = draw(st.integers(1, 5))
    kinds = st.sampled_from([st.none() | texts, st.none() | numbers])
    table = {name: draw(st.lists(draw(kinds), min_size=rows, max_size=rows)) for name in draw(names)}
    return table | {"whole": list(range(rows))}  # rows without any value at the end do not count


@settings(deadline=None, max_examples=40)
@given(tables(), st.sampled_from(",;\t"), st.sampled_from(["\r\n", "\n"]), st.sampled_from([0, 1]))
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, columns, delimiter, ending, quoting):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=ending, quoting=quoting)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    file = tmp_path_factory.mktemp("round") / "trip.csv"
    file.write_text(stream.getvalue(), encoding="utf-8", newline="")
    table = read_csv(file)
    assert list(table) == list(columns)
    for name, values in columns.items():
        if any(isinstance(value, float) for value in values):
            np.testing.assert_array_equal(table[name], [np.nan if v is None else v for v in values])
        else:
            texts = [None if value is None else str(value) for value in values]
            assert table.series(name).to_list() == texts  # what they mean may be numbers or dates


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; expected a first line with the names"),
        ("\n\n", "is empty; expected a first line with the names"),
        ("a,b\n", "has a header but no rows"),
        ("5.1,3.5\n4.9,3.0\n", "has no header: its first line is all numbers, 5.1,3.5; .* such as x1,y"),
        ("1,2,3,4,5,6\n1,2,3,4,5,6\n", "all numbers, 1,2,...,6; .* such as x1,x2,...,y"),
        ("a,b\n1,2\n3\n", "line 3: 1 values, the header names 2 columns"),
        ('a,b\n"x\ny",2\n1,2,3\n', "line 4: 3 values, the header names 2 columns"),
        ('a,b\n1,"open\n2,3\n', "line 3: unexpected end of data"),
        (b"a,b\n1,2\n\0,3\n", "is no text: it has zero bytes"),
        (b"\xff\xfea\0,\0b", "is damaged: its mark says utf-16-le"),
        (gzip.compress(b"a,b\n1,2\n" * 100, mtime=0)[:-10], "is cut off"),
    ],
)
def test_unusable_files_say_what_is_wrong(write, content, message):
    with pytest.raises(FileError, match=message):
        read_csv(write(content))


def test_repeated_and_missing_names_are_made_up(write):
    table = read_csv(write("a,b,,a,\n1,2,3,4,\n5,6,7,8,\n"))
    assert list(table) == ["a", "b", "column 3", "a (2)"]
    assert table.notes == ["Columns with a repeated name or none are called 'column 3', 'a (2)'."]
    assert table["a (2)"].tolist() == [4, 8]


@pytest.mark.parametrize("none", ["NA", "n.d.", "?", "NULL", "-"])
def test_a_first_row_without_a_number_is_no_row_of_units(tmp_path, none):
    file = tmp_path / "t.csv"
    file.write_text(f"sex,age\nmale,{none}\nfemale,3\nmale,5\nmale,7\n")
    table = read_csv(file)
    assert table["sex"].tolist() == ["male", "female", "male", "male"]
    assert table.notes == []
    np.testing.assert_array_equal(table["age"], [np.nan, 3, 5, 7])


@pytest.mark.parametrize(("name", "values"), [
    ("name", ["red car", "blue car", "green bus"]),
    ("first name", ["John Smith", "Mary Jones"]),
    ("city", ["New York"]),
    ("street", ["Main 12", "Oak 5"]),
])  # fmt: skip
def test_texts_of_several_words_in_one_column(write, name, values):
    table = read_csv(write("\n".join([name, *values]) + "\n"))
    assert {column: table[column].tolist() for column in table} == {name: values}


@pytest.mark.parametrize("text", ['"a" "b"\n"1" 2.5 3\n', "a b\nr1 2.5 3\n", "a,b\nr1,2.5,3\n", '"a","b"\n"7",2.5,3\n'])
def test_one_row_with_the_label_that_r_writes(write, text):
    table = read_csv(write(text))
    assert {column: table[column].tolist() for column in table} == {"a": [2.5], "b": [3]}
    assert table.notes[-1] == "The first column has no name: it holds row labels, and was left out."


def test_one_row_with_a_value_too_many(write):
    with pytest.raises(FileError, match="line 2: 3 values, the header names 2 columns"):
        read_csv(write("a,b\n5,6,7\n"))


def test_one_column_beside_row_labels_without_a_name(tmp_path):
    file = tmp_path / "t.csv"
    for rows in (1, 3):
        file.write_text(",colour\n" + "".join(f"{i},red\n" for i in range(rows)))
        table = read_csv(file)
        assert list(table) == ["colour"]
        assert table["colour"].tolist() == ["red"] * rows


def test_the_odd_code_in_the_first_row_is_no_unit(write):
    units = read_csv(write("name,height,weight\n,cm,kg\nann,170,60\nbob,180,80\n"))
    assert units.notes == ["The row below the header holds units (cm, kg) and was left out."]
    again = read_csv(write("version,plan\nbeta,free\n" + "3.0,paid\n" * 30 + "beta,paid\n"))
    assert (again.rows, again.notes) == (32, [])
    alone = read_csv(write("version\nbeta\n1.0\n2.0\n"))
    assert alone.series("version").to_list() == ["beta", "1.0", "2.0"]


@pytest.mark.parametrize("delimiter", ["~", "^", ":", "!", "\x01"])
def test_rare_delimiters(write, delimiter):
    lines = ["age", "height", "sex"], *([str(20 + i), str(150 + i), "fm"[i % 2]] for i in range(9))
    table = read_csv(write("\n".join(map(delimiter.join, lines))))
    assert list(table) == ["age", "height", "sex"]
    assert table["height"].tolist() == [150 + i for i in range(9)]
    assert table.notes == [f"Its columns are parted by {delimiter!r}."]
    told = read_csv(write("\n".join([f"sep={delimiter}", *map(delimiter.join, lines)])))
    assert list(told) == list(table)


@pytest.mark.parametrize(
    "text",
    [
        "| a | b |\n|---|:--|\n| 1 | x |\n| 2 | y |\n", " a | b\n---+---\n 1 | x\n 2 | y\n(2 rows)\n",
        "+---+---+\n| a | b |\n+---+---+\n| 1 | x |\n| 2 | y |\n+---+---+\n",
        "a | b\r\n--- | ---\r\n1 | x\r\n2 | y\r\n",
    ],
)  # fmt: skip
def test_tables_of_markdown_and_databases(write, text):
    table = read_csv(write(text))
    assert list(table) == ["a", "b"]
    assert (table["a"].tolist(), table["b"].tolist()) == ([1, 2], ["x", "y"])


@pytest.mark.parametrize("delimiter", [" ", "~"])
def test_decimal_commas_between_other_delimiters(write, delimiter):
    rows = ["a", "b", "y"], *([f"{i},5", f"1.{100 + i},25", str(i % 2)] for i in range(9))
    table = read_csv(write("\n".join(map(delimiter.join, rows))))
    assert table["a"].tolist() == [i + 0.5 for i in range(9)]
    assert table["b"].tolist() == [1100.25 + i for i in range(9)]
