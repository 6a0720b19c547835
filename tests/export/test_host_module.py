"""The module for JavaScript, in Node."""

import json
import shutil
import subprocess

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="there is no node")

SCRIPT = """
import { load } from "./net.mjs";
import { readFileSync } from "node:fs";
const given = JSON.parse(readFileSync("given.json")), model = await load();
const errors = [];
for (const wrong of [() => model.step([1], [0]), () => model.step(given.x), () => model.predict(given.x, 1.5),
                     () => model.predict(given.x, 3), () => model.predict(7), () => model.predict("1234")]) {
  try { wrong(); } catch (error) { errors.push(`${error.name}: ${error.message}`); }
}
const losses = [...model.step(given.x, given.y), ...model.step(new Float32Array(given.x), given.y.map(BigInt), 2)];
const answers = [...model.predict(given.x, 8)], sizes = [...model.state.step_size];
const far = model.predict(new Float32Array(4 * 20000)).length;  // more than the memory holds at first
model.state.step_size[0] = 0;
const still = [model.step(given.x, given.y)[0], model.step(given.x, given.y)[0]], seeds = String(model.drawn);
model.reset();
model.drawn = 0n;
const again = [...model.step(given.x, given.y)];
console.log(JSON.stringify({ errors, losses, answers, sizes, far, still, seeds, again }));
"""


def test_steps_and_answers_of_a_page(tmp_path):
    net = nn.Sequential(nn.Linear(4, 6, seed=0), nn.ReLU(), nn.Linear(6, 2, seed=1))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 4, 4)).astype(np.float32), rng.integers(0, 2, (2, 4))
    sg.export(net, tmp_path / "net.wasm", (x[0], y[0]), loss="cross_entropy", optimizer=sg.SGD(0.5))
    (tmp_path / "given.json").write_text(json.dumps({"x": x.ravel().tolist(), "y": y.ravel().tolist()}))
    (tmp_path / "run.mjs").write_text(SCRIPT)
    ran = subprocess.run(["node", "run.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True)
    got = json.loads(ran.stdout)
    trainer = sg.Trainer(net, loss="cross_entropy", optimizer=sg.SGD(0.5))
    losses = [trainer.partial_fit(a, b) for a, b in [*zip(x, y, strict=True)] * 2]
    np.testing.assert_allclose(got["losses"], losses, rtol=1e-5)
    np.testing.assert_allclose(np.reshape(got["answers"], (8, 2)), net.predict(x.reshape(8, 4)), rtol=1e-4, atol=1e-5)
    assert (got["sizes"], got["far"], got["still"][0]) == ([0.5], 2 * 20000, got["still"][1])
    np.testing.assert_allclose(got["again"], losses[:2], rtol=1e-5)
    assert got["errors"] == [
        "RangeError: step(x, y, count): x: expected 1 x (4, 4) = 16 numbers, got 1",
        "TypeError: step(x, y, count): expected 2 arrays and perhaps count, got 1 arguments",
        "RangeError: predict(x, count): expected a whole count, got 1.5",
        "RangeError: predict(x, count): x: expected 3 x (1, 4) = 12 numbers, got 32",
        *["TypeError: predict(x, count): x: expected an array of numbers"] * 2,
    ]


INTEGERS = """
import { load } from "./net.mjs";
import { readFileSync } from "node:fs";
const model = await load();
console.log(JSON.stringify([...model.predict(JSON.parse(readFileSync("given.json")))]));
"""


def test_integers_are_made_of_numbers_and_numbers_of_integers(tmp_path):
    net = nn.Sequential(nn.Linear(4, 6, seed=0), nn.ReLU(), nn.Linear(6, 2, seed=1))
    rows = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    made = sg.export(net, tmp_path / "net.wasm", quantize="int8", calibration=rows)
    assert "predict(x: Float32Array | ArrayLike<number>, count?: number): Float32Array;" in (
        tmp_path / "net.d.mts"
    ).read_text()
    (tmp_path / "given.json").write_text(json.dumps(rows.ravel().tolist()))
    (tmp_path / "run.mjs").write_text(INTEGERS)
    ran = subprocess.run(["node", "run.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True)
    difference = np.abs(np.reshape(json.loads(ran.stdout), (30, 2)) - net.predict(rows)).max()
    np.testing.assert_allclose(difference, made.quantized.largest, rtol=1e-3)
