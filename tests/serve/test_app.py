"""The application: rows in, answers out, and what it says of what it cannot take. Answers are those of the model."""

import asyncio
import datetime
import io
from importlib import import_module

import numpy as np
import polars as pl
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, MissingExtraError
from subgrad.serve import asgi_app
from subgrad.serve.bodies import ARROW

X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def net():
    return nn.Sequential(nn.Linear(3, 4, seed=1), nn.ReLU(), nn.Linear(4, 2, seed=2))


@pytest.fixture(scope="module")
def client(net):
    with TestClient(asgi_app(net, max_rows=4, max_body=4000)) as client:
        yield client


def as_arrow(columns):
    out = io.BytesIO()
    pl.DataFrame(columns).write_ipc_stream(out)
    return out.getvalue()


def refused(client, status, **request):
    answer = client.post("/predict", **request)
    assert answer.status_code == status, answer.text
    return answer.json()["error"]


def test_the_answers_of_json_are_those_of_the_model(client, net):
    answer = client.post("/predict", json={"instances": X.tolist()})  # longer than a call
    assert answer.status_code == 200
    assert np.allclose(answer.json()["predictions"], sg.predict(net, X), atol=1e-6)
    whole = client.post("/predict", json={"instances": [[1, 2, 3]]})
    assert np.allclose(whole.json()["predictions"], sg.predict(net, [[1.0, 2.0, 3.0]]), atol=1e-6)


def test_arrow_goes_in_as_one_column_or_many_and_comes_out_if_it_is_asked_for(client, net):
    headers = {"content-type": ARROW}
    for columns in ({"x": X}, {"x": X.tolist()}, {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]}):
        answer = client.post("/predict", content=as_arrow(columns), headers={**headers, "accept": ARROW})
        found = pl.read_ipc_stream(answer.content)
        assert answer.headers["content-type"] == ARROW
        assert found.schema == {"prediction": pl.Array(pl.Float32, 2)}
        assert np.allclose(found["prediction"].to_numpy(), sg.predict(net, X), atol=1e-6)
    plain = client.post("/predict", content=as_arrow({"x": X}), headers=headers)
    assert np.allclose(plain.json()["predictions"], sg.predict(net, X), atol=1e-6)


def test_a_body_that_cannot_be_read_is_told_why(client):
    json, arrow = {"content-type": "application/json"}, {"content-type": ARROW}
    assert "NaN and Infinity are no JSON" in refused(client, 400, content=b'{"instances": [[NaN]]}', headers=json)
    assert "infinity" in refused(client, 400, content=b'{"instances": [[1e999]]}', headers=json)
    assert "no Arrow IPC stream" in refused(client, 400, content=b"PAR1", headers=arrow)
    assert "no Arrow IPC stream" in refused(client, 400, content=as_arrow({"x": X})[:-40], headers=arrow)
    assert "got text/csv" in refused(client, 415, content=b"1,2", headers={"content-type": "text/csv"})
    assert "compressed" in refused(client, 415, content=b"1", headers={**json, "content-encoding": "gzip"})
    assert '{"instances": [...]}' in refused(client, 422, json=[[1, 2, 3]])
    assert "'signature' beside" in refused(client, 422, json={"instances": [[1, 2, 3]], "signature": ""})
    out = io.BytesIO()
    pl.DataFrame({"x": X}).write_ipc_stream(out, compression="zstd")
    assert "stream is not read: send it without" in refused(client, 415, content=out.getvalue(), headers=arrow)
    nulls = as_arrow({"x": pl.Series([None] * 100_000)})
    assert "100,000 rows" in refused(client, 400, content=nulls, headers=arrow)


def test_other_paths_and_methods_are_told_so_as_json(client):
    answer = client.get("/predict")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json() == {"error": "GET /predict: Method Not Allowed"}
    assert client.post("/predictions", json={}).json() == {"error": "POST /predictions: Not Found"}


def test_who_goes_away_while_it_sends_is_no_failure(net, caplog):
    async def receive():
        return {"type": "http.disconnect"}

    app = asgi_app(net)
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
    assert asyncio.run(app.state.own.predict(Request(scope, receive))).status_code == 499
    assert not caplog.records


def test_rows_that_the_model_cannot_take_are_told_why(client):
    assert "takes a shape (..., 3), got" in refused(client, 422, json={"instances": [[1, 2]]})
    assert "in rows of one length" in refused(client, 422, json={"instances": [[1, 2, 3], [1]]})
    assert "must hold numbers" in refused(client, 422, json={"instances": [[1, None, 3]]})
    assert "no rows" in refused(client, 422, json={"instances": []})
    assert "rows of shape []: Linear(3, 4)" in refused(client, 422, json={"instances": [1, 2, 3]})
    headers = {"content-type": ARROW}
    assert "1 NaN or inf" in refused(client, 422, content=as_arrow({"x": [[1.0, 2.0, np.nan]]}), headers=headers)
    assert "have a null" in refused(client, 422, content=as_arrow({"a": [1.0, None]}), headers=headers)
    ragged = as_arrow({"x": [[1.0, 2.0, 3.0], [1.0]]})
    assert "lists of one length, got 1 to 3 in one" in refused(client, 422, content=ragged, headers=headers)


def test_a_body_that_is_too_long_is_refused_with_its_length_and_without(client):
    assert "longer than 4,000 bytes" in refused(client, 413, content=b" " * 4001)
    parts = (b" " * 1000 for _ in range(20))  # httpx sends it in chunks
    answer = client.post("/predict", content=parts, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


def test_a_body_that_is_too_long_is_not_waited_for(net, monkeypatch):
    async def never():
        await asyncio.sleep(60)

    monkeypatch.setattr(import_module("subgrad.serve.app"), "LINGER", 0.1)
    own = asgi_app(net).state.own
    for more in ([], [(b"expect", b"100-continue")]):
        headers = [(b"content-length", b"99999999"), *more]
        scope = {"type": "http", "method": "POST", "path": "/predict", "headers": headers}
        assert asyncio.run(asyncio.wait_for(own.predict(Request(scope, never)), 10)).status_code == 413


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (f"{ARROW};q=0", "application/json"),
        (f"{ARROW};q=0.1, application/json", "application/json"),
        (f"text/html, {ARROW.upper()}; q=0.9, */*;q=0.1", ARROW),
    ],
)
def test_the_type_that_is_wanted_more_comes(client, accept, kind):
    answer = client.post("/predict", json={"instances": [[1, 2, 3]]}, headers={"accept": accept})
    assert answer.headers["content-type"] == kind


def test_dates_are_no_numbers_to_a_network(client):
    day = datetime.date(2020, 1, 1)
    side_by_side = {"a": day, "b": 1.0, "c": 2.0}
    for columns in ({name: [v] for name, v in side_by_side.items()}, {"a": [[day] * 3]}, {"a": [side_by_side]}):
        said = refused(client, 422, content=as_arrow(columns), headers={"content-type": ARROW})
        assert "instances must hold numbers" in said


def test_what_is_no_finite_number_leaves_as_arrow_alone():
    class Root(nn.Module):
        def forward(self, x):
            return {"root": sg.log(x), "row": x}

    with TestClient(asgi_app(Root())) as client:
        assert "ask for application/vnd" in refused(client, 422, json={"instances": [[0.0]]})
        answer = client.post("/predict", json={"instances": [[0.0]]}, headers={"accept": ARROW})
        found = pl.read_ipc_stream(answer.content)
        assert found["prediction root"].to_list() == [[-np.inf]]
        answer = client.post("/predict", json={"instances": [[1.0], [1.0]]})
        assert answer.json()["predictions"] == [{"prediction root": [0.0], "prediction row": [1.0]}] * 2


def test_answers_that_are_not_one_for_each_row_are_refused():
    class Mean(nn.Module):
        def forward(self, x):
            return x.mean(0)

    with TestClient(asgi_app(Mean())) as client:
        assert "not what this model answers one by one" in refused(client, 422, json={"instances": [[1.0, 2.0]]})


def test_an_embedding_takes_integers_and_an_ensemble_answers_row_by_row():
    words = nn.Embedding(4, 2, seed=0)
    with TestClient(asgi_app(words)) as client:
        found = client.post("/predict", json={"instances": [[1, 3]]}).json()["predictions"]
        assert np.allclose(found, [words.weight.numpy()[[1, 3]]])
        assert "instances must hold integers" in refused(client, 422, json={"instances": [[1.5, 3]]})
    several = sg.ensemble(nn.Linear(3, 1), 3, seed=0)
    with TestClient(asgi_app(several)) as client:
        found = client.post("/predict", json={"instances": X.tolist()}).json()["predictions"]
        assert np.allclose(found, sg.predict(several, X).transpose(1, 0, 2), atol=1e-6)


def test_health_metrics_and_the_page(client):
    assert client.get("/healthz").json()["status"] == "ok"
    before = client.get("/metrics").text
    client.post("/predict", json={"instances": X[:2].tolist()})
    client.post("/predict", json={"instances": []})

    def value(text, name):
        return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " ")), 0.0)

    for name, more in {
        'subgrad_requests_total{status="200"}': 1, 'subgrad_requests_total{status="422"}': 1,
        "subgrad_request_seconds_count": 2, "subgrad_batch_rows_sum": 2, "subgrad_batch_requests_sum": 1,
    }.items():  # fmt: skip
        assert value(client.get("/metrics").text, name) - value(before, name) == more
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {"/predict", "/healthz", "/metrics"}
    assert 'url: "openapi.json"' in client.get("/docs").text


def test_wrong_arguments(net, monkeypatch):
    for wrong in (
        {"max_rows": 0},
        {"max_body": 0},
        {"max_delay": -1},
        {"max_delay": float("nan")},
        {"max_rows": 2.5},
        {"max_body": None},
    ):
        with pytest.raises(ArgumentError, match=next(iter(wrong))):
            asgi_app(net, **wrong)
    with pytest.raises(ArgumentError, match="a model file, a module or a TabularModel, got int"):
        asgi_app(3)
    monkeypatch.setitem(__import__("sys").modules, "starlette.applications", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'subgrad\[serve\]'"):
        asgi_app(net)
