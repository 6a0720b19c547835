"""A file that is replaced: the model in it is taken, or the one before stays and the server says why."""

import shutil

import pytest
from starlette.testclient import TestClient

import subgrad as sg
from subgrad import nn
from subgrad.serve import asgi_app, current_model, served_network

ROW = [1.0, 1.0]


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(current_model, "EVERY", 0.02)
    return tmp_path / "net.safetensors"


def constant(value):
    net = nn.Linear(2, 1, seed=0)
    net.weight.assign([[0.0, 0.0]])
    net.bias.assign([value])
    return net


def wait_for(client, what):
    """Health, as soon as it is so."""
    for _ in range(500):
        health = client.get("/healthz").json()
        if what(health):
            return health
    raise AssertionError(health)


def test_a_replaced_file_is_taken_and_a_broken_one_is_not(file, tmp_path, caplog, monkeypatch):
    sg.save(constant(1.0), file)
    app = asgi_app(file)
    own = app.state.own._current

    def answer():
        return client.post("/predict", json={"instances": [ROW]}).json()["predictions"]

    with TestClient(app) as client:
        assert answer() == [[1.0]]
        before = own.served
        sg.save(constant(2.0), file)
        wait_for(client, lambda health: own.served is not before)
        assert answer() == [[2.0]]
        file.write_bytes(b"half a file")
        health = wait_for(client, lambda health: health["problem"])
        assert health["status"] == "ok"
        assert "is damaged" in health["problem"]
        assert "the model before stays" in caplog.text
        assert answer() == [[2.0]]
        file.unlink()
        wait_for(client, lambda health: "there is no file" in (health["problem"] or ""))
        assert answer() == [[2.0]]
        sg.save(constant(3.0), tmp_path / "new.safetensors")
        shutil.move(tmp_path / "new.safetensors", file)
        wait_for(client, lambda health: health["problem"] is None)
        assert answer() == [[3.0]]
        assert 'subgrad_model_reloads_total{used="no"} 2.0' in client.get("/metrics").text


def test_the_new_model_is_compiled_before_it_is_taken(file, compilations, monkeypatch):
    monkeypatch.setattr(served_network, "SIZES", (1,))
    sg.save(constant(1.0), file)
    current = current_model.Current(file)
    current.served.answer(current.served.read([ROW]).rows)
    sg.save(constant(2.0), file)
    assert current.reload()
    before = compilations()
    assert current.served.answer(current.served.read([ROW]).rows)["prediction"].tolist() == [[2.0]]
    assert compilations() == before


def test_a_new_model_that_takes_other_rows_is_no_replacement_for_requests_that_were_read(file):
    sg.save(constant(1.0), file)
    current = current_model.Current(file)
    old = current.served
    rows = old.read([ROW]).rows
    sg.save(nn.Linear(5, 1, seed=0), file)
    assert current.reload()
    assert old.answer(rows)["prediction"].tolist() == [[1.0]]
