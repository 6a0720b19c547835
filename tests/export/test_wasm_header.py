"""The header beside WebAssembly: its example, in C, runs the file in wasmtime by WebAssembly's C API."""

import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn

API = """
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef struct { size_t size; char *data; } wasm_byte_vec_t;
typedef wasm_byte_vec_t wasm_name_t;
typedef struct wasm_engine_t wasm_engine_t;
typedef struct wasm_store_t wasm_store_t;
typedef struct wasm_module_t wasm_module_t;
typedef struct wasm_instance_t wasm_instance_t;
typedef struct wasm_trap_t wasm_trap_t;
typedef struct wasm_func_t wasm_func_t;
typedef struct wasm_global_t wasm_global_t;
typedef struct wasm_memory_t wasm_memory_t;
typedef struct wasm_extern_t wasm_extern_t;
typedef struct wasm_exporttype_t wasm_exporttype_t;
typedef struct { size_t size; wasm_extern_t **data; } wasm_extern_vec_t;
typedef struct { size_t size; wasm_exporttype_t **data; } wasm_exporttype_vec_t;
enum { WASM_I32 };
typedef struct { uint8_t kind; union { int32_t i32; int64_t i64; float f32; double f64; void *ref; } of; } wasm_val_t;
typedef struct { size_t size; wasm_val_t *data; } wasm_val_vec_t;
void wasm_byte_vec_new_uninitialized(wasm_byte_vec_t *, size_t);
wasm_engine_t *wasm_engine_new(void);
wasm_store_t *wasm_store_new(wasm_engine_t *);
wasm_module_t *wasm_module_new(wasm_store_t *, const wasm_byte_vec_t *);
void wasm_module_exports(const wasm_module_t *, wasm_exporttype_vec_t *);
const wasm_name_t *wasm_exporttype_name(const wasm_exporttype_t *);
wasm_instance_t *wasm_instance_new(wasm_store_t *, const wasm_module_t *, const wasm_extern_vec_t *, wasm_trap_t **);
void wasm_instance_exports(const wasm_instance_t *, wasm_extern_vec_t *);
wasm_func_t *wasm_extern_as_func(wasm_extern_t *);
wasm_global_t *wasm_extern_as_global(wasm_extern_t *);
wasm_memory_t *wasm_extern_as_memory(wasm_extern_t *);
wasm_trap_t *wasm_func_call(const wasm_func_t *, const wasm_val_vec_t *, wasm_val_vec_t *);
void wasm_global_get(const wasm_global_t *, wasm_val_t *);
char *wasm_memory_data(wasm_memory_t *);
size_t wasm_memory_data_size(const wasm_memory_t *);
bool wasm_memory_grow(wasm_memory_t *, uint32_t);
"""
"""What the example needs of wasm.h of WebAssembly/wasm-c-api, which the Python package of wasmtime does not bring."""

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I."]


@pytest.fixture
def run(tmp_path):
    """Compiles the example in the header of a file, and returns its numbers by their names."""
    if not shutil.which("gcc"):
        pytest.skip("there is no gcc")
    pytest.importorskip("wasmtime", reason="wasmtime is not installed")
    library = next(Path(str(resources.files("wasmtime"))).glob("*/_libwasmtime.so"), None)
    if library is None:
        pytest.skip("wasmtime's library is none that gcc links")

    def ran(path):
        (tmp_path / "wasm.h").write_text(API)
        name = path.stem.upper().replace("-", "_")
        (tmp_path / "main.c").write_text(f'#define {name}_EXAMPLE\n#include "{path.name}.h"\n')
        linked = [str(library), f"-Wl,-rpath,{library.parent}"]
        subprocess.run(["gcc", *STRICT, "main.c", "-o", "main", *linked], cwd=tmp_path, check=True)
        said = subprocess.run([tmp_path / "main"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        return [(name, float(value)) for name, value in re.findall(r"(.*) = (.*)", said)]

    return ran


def test_a_training_step_and_a_prediction(run, tmp_path):
    """Zeros are more than 64 KB of them, so that the memory has to grow."""
    net = nn.Sequential(nn.Linear(2000, 3, seed=0), nn.Tanh(), nn.Linear(3, 2, seed=1))
    batch = np.zeros((16, 2000), np.float32), np.zeros(16, np.int64)
    sg.export(net, tmp_path / "one-net.wasm", batch, loss="cross_entropy", optimizer=sg.SGD(0.5))
    got = run(tmp_path / "one-net.wasm")
    assert [name for name, _ in got] == ["step loss[0]", "predict out[0]", "predict out[1]"]
    loss = sg.Trainer(net, loss="cross_entropy", optimizer=sg.SGD(0.5)).partial_fit(*batch)
    np.testing.assert_allclose([v for _, v in got], [loss, *net.predict(batch[0][:1])[0]], rtol=1e-5)


def test_integers(run, tmp_path):
    net = nn.Sequential(nn.Linear(4, 3, seed=0), nn.ReLU(), nn.Linear(3, 2, seed=1))
    rows = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    made = sg.export(net, tmp_path / "small.wasm", quantize="int8", calibration=rows)
    lowest = made.quantized.network(np.full((1, 4), made.quantized.network.box[0, 0]))  # of codes that are 0
    np.testing.assert_allclose([v for _, v in run(tmp_path / "small.wasm")], lowest.numpy()[0], rtol=1e-5)


def test_a_step_that_draws(run, tmp_path):
    net = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 1, seed=0))
    batch = np.zeros((2, 3), np.float32), np.zeros((2, 1), np.float32)
    sg.export(net, tmp_path / "drop.wasm", batch, loss="mse", optimizer=sg.SGD(0.1))
    loss = sg.Trainer(net, loss="mse", optimizer=sg.SGD(0.1)).partial_fit(*batch)
    wanted = {"step loss[0]": loss, "predict out[0]": net.predict(batch[0][:1]).item()}
    assert dict(run(tmp_path / "drop.wasm")) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.skipif(not shutil.which("gcc"), reason="there is no gcc")
def test_the_header_is_one_of_c_and_of_cpp_and_its_state_is_that_of_the_memory(tmp_path):
    net = nn.Sequential(nn.Linear(3, 5, seed=0), nn.Linear(5, 1, seed=1))
    batch = np.zeros((2, 3), np.float32), np.zeros((2, 1), np.float32)
    made = sg.export(net, tmp_path / "net.wasm", batch, loss="mse", optimizer=sg.Adam(0.1))
    text = f"""
    #include "net.wasm.h"
    typedef char whole[sizeof(net_state) == {made.state} ? 1 : -1];
    int main(void) {{
        net_step_places p = net_step_from(40001, 3);
        return !(p.state == 40016 && p.arena >= p.state + sizeof(net_state) && p.arena % 16 == 0 && p.count == 3
                 && p.y >= p.x + 3 * 24 && p.loss >= p.y + 3 * 8 && p.end >= p.loss + 3 * 4
                 && net_predict_from(40001, 1).state == p.state);
    }}
    """
    for language in ("c", "c++"):
        compiler = shutil.which({"c": "gcc", "c++": "g++"}[language])
        if compiler is not None:
            flags = [f for f in STRICT if f != "-std=c99"]
            command = [compiler, *flags, "-x", language, "-", "-o", "main"]
            subprocess.run(command, cwd=tmp_path, check=True, input=text, text=True)
            subprocess.run([tmp_path / "main"], check=True)
