"""Sizes and times of exported code: a network for the bundled digits, and a training step of a page.

``python bench/exported.py`` prints the tables of docs/export.md. It runs what is there: Node for WebAssembly, gcc for
x86-64, and, if it is installed, emlearn on the same weights.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import subgrad as sg
from subgrad.export import MACHINES, Exported

NODE = """
import { readFileSync } from "node:fs";
const best = (f, n) => {
  let least = Infinity;
  for (let r = 0; r < 60; r++) {
    const start = performance.now();
    f();
    least = Math.min(least, (performance.now() - start) * 1e3 / n);
  }
  return least.toFixed(2);
};
const { x } = JSON.parse(readFileSync("data.json"));
for (const kind of ["vectors", "scalars"]) {
  const digits = await (await import(`./digits-${kind}.mjs`)).load();
  const rows = new Float32Array(Array(1000).fill(x[0]).flat()), row = rows.slice(0, 64);
  const calls = () => { for (let i = 0; i < 1000; i++) digits.predict(row); };
  console.log(`  ${kind}: ${best(() => digits.predict(rows), 1000)} us a row, ${best(calls, 1000)} us a call of one`);
  const page = await (await import(`./page-${kind}.mjs`)).load();
  const points = new Float32Array(64 * 400).map(Math.random), labels = new Float32Array(32 * 400).fill(1);
  console.log(`  ${kind}: ${best(() => page.step(points, labels), 400)} us a training step of 2-8-8-1, batch 32`);
}
"""

TIMER = """
#include <stdio.h>
#include <time.h>
#include "data.h"
#include "digits.h"
%s
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec * 1e-3;
}
static float out[1000 * 10];
static uint64_t arena[DIGITS_ARENA / 8 + 1];
int main(void) {
    double best = 1e9;
    long classes = 0;
    for (int r = 0; r < 60; r++) {
        double start = now();
        %s
        double took = (now() - start) / 1000;
        best = took < best ? took : best;
    }
    printf("%%.2f us a row (%%ld)\\n", best, classes);
}
"""


def digits_network() -> tuple[sg.nn.Module, np.ndarray, np.ndarray]:
    """64-32-10, trained on the bundled digits; their pixels from 0 to 1, and their classes."""
    X, y = sg.data.load_digits()
    X = X / 16
    net = sg.models.mlp(64, 32, 10, seed=0)
    sg.fit(net, X, y, loss="cross_entropy", optimizer=sg.Adam(0.01), epochs=20, batch_size=64, verbose=False)
    return net, X, y


def main() -> None:
    net, X, y = digits_network()
    page = sg.models.mlp(2, 8, 8, 1, seed=0)
    batch = np.zeros((32, 2), np.float32), np.ones(32, np.float32)
    trained = {"loss": "binomial", "optimizer": sg.SGD(0.1)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("digits, 64-32-10:", sum(p.size for p in net.parameters()) * 4, "bytes of weights")
        for kind in ("vectors", "scalars"):
            made = sg.export(net, folder / f"digits-{kind}.wasm", simd=kind == "vectors")
            _show(f"WebAssembly, {kind}", made)
        for cpu in MACHINES:
            _show(cpu, sg.export(net, folder / f"{cpu}.o", cpu=cpu))
        print("in integers of 8 bits:")
        eight = {"quantize": "int8", "calibration": (X, y)}
        for cpu in MACHINES:
            made = sg.export(net, folder / f"{cpu}.o", cpu=cpu, **eight)
            _show(cpu, made)
        print(f"  {made.quantized}")
        print("a training step and predictions, 2-8-8-1, batch 32:")
        for kind in ("vectors", "scalars"):
            made = sg.export(page, folder / f"page-{kind}.wasm", batch, simd=kind == "vectors", **trained)
            _show(f"WebAssembly, {kind}", made)
        for cpu in ("cortex-m4f", "rv32imfc"):
            _show(cpu, sg.export(page, folder / f"{cpu}.o", batch, cpu=cpu, **trained))
        rows = X[:1000]
        (folder / "data.json").write_text(json.dumps({"x": rows[:1].tolist()}))
        numbers = ",".join([f"{v:.9g}" for v in rows.ravel()])
        codes = ",".join(map(str, np.rint(255 * rows).astype(int).ravel()))
        (folder / "data.h").write_text(
            f"static const float x[64000] = {{{numbers}}};\nstatic const unsigned char codes[64000] = {{{codes}}};\n"
        )
        if shutil.which("node"):
            (folder / "run.mjs").write_text(NODE)
            print("in Node:")
            subprocess.run(["node", "run.mjs"], cwd=folder, check=True)
        if shutil.which("gcc"):
            print("in C:", flush=True)
            _in_c(net, folder, eight)


def _show(what: str, made: Exported) -> None:
    needs = ", ".join(made.needs) or "nothing"
    stack = "some" if made.stack is None else made.stack
    memory = f"arena {made.arena}, stack {stack}, state {made.state}"
    print(f"  {what}: {made.code} bytes, {memory}, needs {needs}", flush=True)


def _in_c(net: sg.nn.Module, folder: Path, eight: dict[str, Any]) -> None:
    """x86-64 with and without AVX2, and emlearn with gcc's best for the same processors."""
    for cpu, flags in (("x86-64", []), ("x86-64-v3", ["-march=x86-64-v3", "-ffast-math"])):
        sg.export(net, folder / "digits.o", cpu=cpu)
        _timed(f"subgrad, {cpu}", folder, ("", "digits_predict(x, out, 1000, arena);"), ["digits.o"])
        sg.export(net, folder / "digits.o", cpu=cpu, **eight)
        wide = "static int32_t wide[10000];"
        _timed(f"subgrad, {cpu}, 8 bits", folder, (wide, "digits_predict(codes, wide, 1000, arena);"), ["digits.o"])
        headers = _emlearn(net, folder)
        if headers:
            each = "for (int i = 0; i < 1000; i++) classes += emlearn_predict(x + 64 * i, 64);"
            code = '#include "emlearn.h"', each
            _timed(f"emlearn, gcc -O3 {' '.join(flags)}", folder, code, [f"-I{headers}", *flags])


def _timed(what: str, folder: Path, code: tuple[str, str], more: list[str]) -> None:
    (folder / "main.c").write_text(TIMER % code)
    subprocess.run(["gcc", "-O3", "main.c", *more, "-o", "main", "-lm"], cwd=folder, check=True)
    print(f"  {what}:", subprocess.run([folder / "main"], check=True, capture_output=True, text=True).stdout.strip())


def _emlearn(net: sg.nn.Module, folder: Path) -> str | None:
    """Write a header of emlearn's with the network's weights: where the rest of its headers are, if it is there."""
    try:
        import emlearn  # pyright: ignore[reportMissingImports]
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        return None
    layers = dict(net.named_parameters())
    values = {name: p.numpy() for name, p in layers.items()}
    model = MLPClassifier((32,), max_iter=1).fit(np.eye(10, 64), np.arange(10))
    model.coefs_ = [values["hidden1.weight"].T, values["out.weight"].T]
    model.intercepts_ = [values["hidden1.bias"], values["out.bias"]]
    with contextlib.chdir(folder):  # emlearn builds a trial in the folder where it runs
        emlearn.convert(model, method="inline").save(file="emlearn.h", name="emlearn")
    return emlearn.includedir


if __name__ == "__main__":
    main()
