"""The page's training, run by Node, against the Python programs that the page shows."""

import html
import json
import math
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest

import subgrad as sg

STEPS = 40
CASES = {
    "hinge": {"data": "circles", "samples": 60, "noise": 0.2, "start": "random", "rule": "polyak", "target": 0.2},
    "huber": {
        "data": "waves", "samples": 50, "net": "residual", "depth": 3, "width": 6, "activation": "abs",
        "start": "random", "rule": "summable", "a": 20, "b": 200, "penalty": "l2", "rate": 0.01,
    },
    "cross_entropy": {
        "data": "spirals", "samples": 60, "classes": 3, "net": "branches", "depth": 2, "width": 7, "activation": "tanh",
        "start": "random", "rule": "sqrt", "a": 0.5, "batch": "16", "penalty": "l1", "rate": 0.001,
    },
    "absolute": {"net": "plain", "start": "hand", "noise": 0.3, "samples": 9, "rule": "length", "a": 0.05},
    "binomial": {},
}  # fmt: skip
"""Settings by the loss."""

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="there is no node on this machine to run JavaScript with")


def trained(code, folder, cases):
    """What the page makes of each of the settings."""
    (folder / "playground.mjs").write_text(code.host, encoding="utf-8")
    (folder / "playground.wasm").write_bytes(code.module)
    command = [str(NODE), str(Path(__file__).with_name("train.mjs")), str(folder / "playground.mjs")]
    command += [json.dumps(code.sizes), *map(json.dumps, cases)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def runs(code, tmp_path_factory):
    cases = [{"steps": STEPS, "loss": loss, **settings} for loss, settings in CASES.items()]
    return dict(zip(CASES, trained(code, tmp_path_factory.mktemp("node"), cases), strict=True))


@needs_node
@pytest.mark.parametrize("loss", list(CASES))
def test_the_page_trains_as_the_program_that_it_shows(runs, loss, capsys):
    page = runs[loss]
    program = page["program"].replace("range(1, 201)", f"range(1, {STEPS + 1})")
    names = {}
    exec(compile(program, "shown", "exec"), names)
    assert f"nn.{loss}" in program
    np.testing.assert_allclose(page["losses"], names["losses"], rtol=1e-5, atol=1e-5)
    state = names["net"].state_dict()
    assert list(page["now"]) == list(state)
    for name, value in state.items():
        np.testing.assert_allclose(page["now"][name], value, rtol=1e-4, atol=1e-5)
    assert capsys.readouterr().out.startswith(f"{names['losses'][0]}")


@needs_node
def test_no_convex_loss_goes_above_its_bound(runs):
    assert runs["binomial"]["losses"] == [pytest.approx(math.log(2))] * STEPS  # XOR, and the gradient 0
    hinge = runs["hinge"]
    assert len(hinge["bounds"]) == STEPS
    assert np.all(np.minimum.accumulate(hinge["losses"]) <= np.array(hinge["bounds"]) + 1e-6)
    assert runs["huber"]["bounds"] == [None] * STEPS  # two layers are not convex


@needs_node
def test_every_network_has_finite_losses_and_knows_its_numbers(code, tmp_path):
    """Widths, depths and losses beside each other; a network of fewer units has no numbers of others."""
    cases = [
        {"steps": 3, "samples": 9, "data": data, "net": net, "depth": depth, "width": width, "start": "random"}
        for data in ("xor", "waves", "blobs") for net in ("linear", "plain", "residual", "branches")
        for depth, width in ((1, 1), (4, 8), (3, 5))
    ]  # fmt: skip
    for case, run in zip(cases, trained(code, tmp_path, cases), strict=True):
        assert all(math.isfinite(loss) for loss in run["losses"]), case
        biases = {name: np.shape(v)[0] for name, v in run["now"].items() if name.endswith("bias")}
        hidden = sum(n for name, n in biases.items() if name not in ("bias", "out.bias"))
        assert hidden == (0 if case["net"] == "linear" else case["depth"] * case["width"]), case


@needs_node
def test_chapters_link_into_it_with_settings_that_it_has(tmp_path):
    chapters = sorted((Path(__file__).parents[2] / "docs" / "maths").glob("*.md"))
    links = [re.findall(r'playground\.html#([^"]*)"', page.read_text(encoding="utf-8")) for page in chapters]
    assert [len(found) for found in links] == [1] * len(chapters)
    given = [html.unescape(found[0]) for found in links]
    script = tmp_path / "look.mjs"
    module = Path(sg.__file__).parent / "playground" / "page" / "settings.mjs"
    script.write_text(
        f"import {{ fromAddress }} from {json.dumps(module.as_uri())};\n"
        "console.log(JSON.stringify(process.argv.slice(2).map((text) => fromAddress(text))));\n",
        encoding="utf-8",
    )
    done = subprocess.run([str(NODE), str(script), *given], capture_output=True, text=True, timeout=60, check=True)
    for settings, link in zip(json.loads(done.stdout), given, strict=True):
        for name, value in parse_qsl(link, strict_parsing=True):
            assert str(settings[name]) == value, link
