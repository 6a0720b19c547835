"""Models for tables behind the application: rows are records, and the answers are those of ``subgrad predict``."""

import io

import numpy as np
import polars as pl
import pytest
from command import read_csv, succeed
from starlette.testclient import TestClient

import subgrad as sg
from subgrad import nn, tabular
from subgrad.cli.jobs.pixels import Pixels
from subgrad.cli.jobs.trained.trained_network import TrainedNetwork
from subgrad.errors import FileError
from subgrad.serve import asgi_app
from subgrad.serve.bodies import ARROW
from subgrad.serve.current_model import Current


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The files of a model and of the rows that it has learnt from."""
    folder = tmp_path_factory.mktemp("served")
    rng = np.random.default_rng(0)
    rows = pl.DataFrame({
        "age": rng.integers(20, 70, 60), "sex": rng.choice(["f", "m"], 60), "y": rng.choice(["no", "yes"], 60),
    })  # fmt: skip
    rows.write_csv(folder / "rows.csv")
    settings = tabular.settings_for("quick").but(hidden=(8,), passes=2)
    tabular.fit_tabular(rows, "y", settings=settings, seed=0, verbose=False).save(folder / "a.safetensors")
    return folder


@pytest.fixture(scope="module")
def client(place):
    with TestClient(asgi_app(place / "a.safetensors")) as client:
        yield client


def test_the_answers_are_those_of_the_command(client, place):
    rows = pl.read_csv(place / "rows.csv").drop("y")
    expected = read_csv(succeed("predict", place / "a.safetensors", place / "rows.csv"))
    answers = client.post("/predict", json={"instances": rows.to_dicts()}).json()["predictions"]
    assert [a["prediction"] for a in answers] == [e["prediction"] for e in expected]
    for name in ("probability of no", "probability of yes"):
        assert np.allclose([a[name] for a in answers], [float(e[name]) for e in expected], atol=1e-5)
    body = io.BytesIO()
    rows.write_ipc_stream(body)
    arrow = client.post("/predict", content=body.getvalue(), headers={"content-type": ARROW, "accept": ARROW})
    assert pl.read_ipc_stream(arrow.content).to_dicts() == answers


def test_columns_that_are_missing_or_unknown(client):
    def post(*rows):
        return client.post("/predict", json={"instances": rows})

    missing = post({"Age": 30, "sex": "f"})
    assert missing.status_code == 422
    assert "has no column 'age' (did you mean 'Age'?)" in missing.json()["error"]
    more = post({"age": 30, "sex": "x", "town": "Ur"}).json()
    assert "Unknown from the training, and taken as missing: 'sex' in 1 row ('x')" in more["remarks"][0]
    assert "Not used: 'town'." in more["remarks"][0]
    assert "remarks" not in post({"age": None, "sex": "f"}).json()
    for rows, what in [
        ([{"age": 30, "sex": "f"}, {"age": 30}], "row 1 has no 'sex', other than row 0: write null"),
        ([{"age": 30, "sex": "f"}, {"age": 30, "sex": "f", "agee": 1}], "row 1 has 'agee' (did you mean 'age'?)"),
        ([{"age": [30], "sex": "f"}], "row 0, 'age' is a list"),
        ([[30, "f"]], "row 0 is a list; a row is an object"),
    ]:
        answer = post(*rows)
        assert answer.status_code == 422
        assert what in answer.json()["error"]


def test_the_schema_of_a_row_has_its_columns(client):
    body = client.get("/openapi.json").json()["paths"]["/predict"]["post"]["requestBody"]
    row = body["content"]["application/json"]["schema"]["properties"]["instances"]["items"]
    assert row["required"] == ["age", "sex"]
    assert row["properties"]["age"] == {"type": ["number", "null"]}


def test_a_model_in_memory_is_served_too(place, client):
    model = tabular.TabularModel.load(place / "a.safetensors")
    rows = [{"age": 30, "sex": "f"}]
    with TestClient(asgi_app(model)) as other:
        request = {"json": {"instances": rows}}
        assert other.post("/predict", **request).json() == client.post("/predict", **request).json()


def test_pixels_are_columns(tmp_path):
    net = nn.Linear(4, 2, bias=False, seed=0)
    images = np.arange(8.0).reshape(2, 2, 2)
    TrainedNetwork(net, Pixels.fit(images, np.array([3, 7]), 8.0), "cross_entropy", {}).save(tmp_path / "p.safetensors")
    with TestClient(asgi_app(tmp_path / "p.safetensors")) as client:
        rows = [{f"X{i}": x for i, x in enumerate(image)} for image in images.reshape(2, 4)]
        found = client.post("/predict", json={"instances": rows}).json()["predictions"]
        scores = images.reshape(2, 4) / 8 @ net.weight.numpy().T
        assert [f["prediction"] for f in found] == [[3, 7][i] for i in scores.argmax(1)]
        assert np.allclose([f["probability of 7"] for f in found], 1 / (1 + np.exp(scores[:, 0] - scores[:, 1])))
        short = client.post("/predict", json={"instances": [{"X0": 1}]})
        assert "images of 2x2 pixels, one column each; this table has 1" in short.json()["error"]


def test_what_is_not_served(place):
    sg.save(nn.Linear(1, 1), place / "t.safetensors", {"task": "text"})
    with pytest.raises(FileError, match="is a model of a text"):
        Current(place / "t.safetensors")
