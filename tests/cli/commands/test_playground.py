"""``subgrad playground``: what it gives to the page."""

import json
import re

import pytest
from command import fail, succeed

import subgrad as sg
from subgrad.playground import write_page
from subgrad.playground.compiled import Compiled


@pytest.fixture(autouse=True)
def uncompiled(monkeypatch):
    """The page without its routines, which take seconds to compile."""
    code = Compiled(b"code", "export async function load() {}\n", {})
    monkeypatch.setattr(write_page, "compiled", lambda sizes: code)


def given(page):
    return json.loads(re.search(r'id="given">(.*?)</script>', page.read_text(encoding="utf-8"))[1])


def test_without_anything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "Wrote playground.html; open it in a browser." in succeed("playground")
    assert set(given(tmp_path / "playground.html")) == {"module", "sizes"}


def test_a_table(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,kind\n1,2.5,x\n,4,</script>\n3,5,</script>\n", encoding="utf-8")
    succeed("playground", str(tmp_path / "t.csv"), "--out", str(tmp_path / "page.html"))
    table = given(tmp_path / "page.html")["table"]
    rows = [["1", "2.5", "x"], ["", "4", "</script>"], ["3", "5", "</script>"]]
    assert table == {"names": ["a", "b", "kind"], "rows": rows}


def test_a_model(tmp_path):
    net = sg.models.mlp(2, 3, 2, seed=0)
    sg.save(net, tmp_path / "net.safetensors")
    succeed("playground", str(tmp_path / "net.safetensors"), "--out", str(tmp_path / "page.html"))
    page = given(tmp_path / "page.html")
    assert page["architecture"] == {"net": "plain", "depth": 1, "widths": [3], "outputs": 2, "activation": "relu"}
    assert list(page["parameters"]) == ["hidden1.weight", "hidden1.bias", "out.weight", "out.bias"]
    assert page["parameters"]["out.bias"] == net.parameters()[-1].tolist()


def test_what_is_not_there(tmp_path):
    assert "cannot read" in fail("playground", str(tmp_path / "none.csv"))
