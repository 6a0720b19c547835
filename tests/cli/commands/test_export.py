"""``subgrad export``: the file gives what the model and the preparation of its table give together."""

import numpy as np
import onnxruntime
import pytest
from command import fail, misuse, succeed, write_csv
from exported_code import WasmCode, routines

import subgrad as sg
from subgrad.cli.commands.whole_model import WholeModel
from subgrad.cli.jobs.pixels import Pixels
from subgrad.cli.jobs.trained.trained_network import TrainedNetwork
from subgrad.data import Table, TablePreprocessor

RECORD = {"majority": 0}
AREA = [10.0, 1e6, None, -3.0, 55.5, 0.0, 7.0, 8.0]
GARDEN = ["yes", "no", None, "no", "yes", "yes", "no", "yes"]
COLOUR = ["red", "blue", "red", None, "blue", "green", "green", "red"]
PRICE = [1.0, 5.0, 2.5, 3.5, 9.0, -1.0, 3.0, 4.0]


def codes(words, names):
    return [np.nan if w is None else names.index(w) for w in words]


ROWS = np.array([
    [np.nan if v is None else v for v in AREA], codes(GARDEN, ["no", "yes"]), codes(COLOUR, ["blue", "green", "red"]),
]).T  # fmt: skip


def saved(folder, target, values, loss, width, **more):
    table = Table({"area": AREA, "garden": GARDEN, "colour": COLOUR, **more, target: values})
    prepared = TablePreprocessor().fit(table, target)
    net = sg.models.mlp(len(prepared.feature_names), 5, width, seed=1)
    trained = TrainedNetwork(net, prepared, loss, dict(RECORD))
    trained.save(folder / "model.safetensors")
    return trained, prepared.transform(table)


def run(path, rows):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    found = dict(zip(names, session.run(None, {session.get_inputs()[0].name: rows}), strict=True))
    return found, session.get_modelmeta().custom_metadata_map


def test_numbers_truth_values_and_categories_become_a_prediction_in_its_unit(tmp_path):
    trained, features = saved(tmp_path, "price", PRICE, "squared", 1)
    assert "columns of the table" in succeed("export", tmp_path / "model.safetensors", "--to", "onnx")
    found, about = run(tmp_path / "model.onnx", ROWS)
    want = trained.preparation.restore_target(trained.scores(features)[:, 0])
    np.testing.assert_allclose(found["prediction"], want, rtol=1e-5)
    assert about["inputs"].splitlines() == [
        "area: the number itself", "garden: 1 for true, 0 for false", "colour: 0 for blue, 1 for green, 2 for red",
    ]  # fmt: skip
    one, _ = run(tmp_path / "model.onnx", ROWS[:1])
    np.testing.assert_allclose(one["prediction"], want[:1], rtol=1e-5)


@pytest.mark.parametrize(("loss", "width"), [("cross_entropy", 2), ("binomial", 1), ("hinge", 1)])
def test_classes_have_scores_and_probabilities(tmp_path, loss, width):
    trained, features = saved(tmp_path, "kind", list("abababab"), loss, width)
    succeed("export", tmp_path / "model.safetensors", "--out", tmp_path / "out.onnx")
    found, about = run(tmp_path / "out.onnx", ROWS)
    scores = trained.scores(features)
    np.testing.assert_allclose(found["scores"], scores, rtol=1e-5, atol=1e-6)
    assert about["classes"].splitlines() == ["a", "b"]
    if loss == "cross_entropy":
        powers = np.exp(scores)
        np.testing.assert_allclose(found["probabilities"], powers / powers.sum(1, keepdims=True), rtol=1e-5)
    elif loss == "binomial":
        np.testing.assert_allclose(found["probabilities"][:, 1], 1 / (1 + np.exp(-2 * scores[:, 0])), rtol=1e-5)
    else:
        assert set(found) == {"scores"}


def test_rarer_and_unknown_categories_share_a_feature():
    words = [f"c{i:02}" for i in range(60)] * 2
    prepared = TablePreprocessor().fit(Table({"c": words, "y": [*range(120)]}), "y")
    column = prepared.columns[0]
    assert column.others == 10
    places = np.array([*range(50), 99.0, -1.0, np.nan])
    table = Table({"c": [*column.categories, "new", "other", None]})
    found = prepared.of_numbers(sg.tensor(places[:, None], "float64"))
    np.testing.assert_array_equal(found.numpy(), prepared.transform(table))


def test_with_dates_the_inputs_are_the_features(tmp_path):
    days = [f"2024-01-{1 + 3 * i:02}" for i in range(8)]
    trained, features = saved(tmp_path, "price", PRICE, "squared", 1, day=days)
    assert "are the features" in succeed("export", tmp_path / "model.safetensors")
    found, about = run(tmp_path / "model.onnx", features)
    want = trained.preparation.restore_target(trained.scores(features)[:, 0])
    np.testing.assert_allclose(found["prediction"], want, rtol=1e-5)
    assert about["inputs"].splitlines() == trained.preparation.feature_names


def test_images_are_scaled_in_the_file(tmp_path):
    images = np.random.default_rng(0).integers(0, 17, (6, 4, 4)).astype(np.float32)
    pixels = Pixels.fit(images, np.arange(6) % 3, 16.0)
    trained = TrainedNetwork(sg.models.mlp(16, 5, 3, seed=0), pixels, "cross_entropy", RECORD)
    trained.save(tmp_path / "model.safetensors")
    succeed("export", tmp_path / "model.safetensors")
    rows = images.reshape(6, -1)
    found, _ = run(tmp_path / "model.onnx", rows)
    np.testing.assert_allclose(found["scores"], trained.scores(pixels.scale(images)), rtol=1e-4, atol=1e-5)


def test_a_network_alone(tmp_path):
    sg.save(sg.models.mlp(4, 8, 3, seed=0), tmp_path / "mlp.safetensors")
    assert "those of the network" in succeed("export", tmp_path / "mlp.safetensors")
    assert (tmp_path / "mlp.onnx").exists()
    sg.save(sg.nn.Conv2d(1, 2, 3), tmp_path / "conv.safetensors")
    assert "give an example" in fail("export", tmp_path / "conv.safetensors")
    succeed("export", tmp_path / "conv.safetensors", "--shape", "1,1,8,8")
    assert "--shape" in misuse("export", tmp_path / "conv.safetensors", "--shape", "a")
    assert "there is no file" in fail("export", tmp_path / "none.safetensors")


def test_quantiles_have_an_output_of_their_own(tmp_path):
    trained, features = saved(tmp_path, "price", PRICE, "quantile", 2)
    trained.record["quantiles"] = [0.1, 0.9]
    trained.save(tmp_path / "model.safetensors")
    succeed("export", tmp_path / "model.safetensors")
    found, about = run(tmp_path / "model.onnx", ROWS)
    want = trained.preparation.restore_target(trained.scores(features))
    np.testing.assert_allclose(found["quantiles"], want, rtol=1e-5)
    assert about["quantiles"].splitlines() == ["0.1", "0.9"]


def test_a_model_for_tables_is_exported_with_its_preparation(tmp_path):
    model = sg.tabular.fit_tabular({"x": range(9), "y": list("ababababa")}, "y", effort="quick")
    model.save(tmp_path / "m.safetensors")
    assert "columns of the table" in succeed("export", tmp_path / "m.safetensors")
    found, about = run(tmp_path / "m.onnx", np.arange(9.0)[:, None])
    np.testing.assert_allclose(found["probabilities"], model.predict_proba({"x": range(9)}), rtol=1e-5)
    assert (about["inputs"], about["classes"].splitlines()) == ("x: the number itself", ["a", "b"])
    succeed("export", tmp_path / "m.safetensors", "--to", "wasm")
    integers = ["--to", "wasm", "--quantize", "int8", "--calibration", "digits"]
    assert "an ensemble, and integers are for one network" in fail("export", tmp_path / "m.safetensors", *integers)


def test_a_table_becomes_code_for_a_page_and_for_a_microcontroller(tmp_path):
    trained, features = saved(tmp_path, "price", PRICE, "squared", 1)
    assert "columns of the table" in succeed("export", tmp_path / "model.safetensors", "--to", "wasm")
    succeed("export", tmp_path / "model.safetensors", "--to", "object", "--cpu", "cortex-m7")
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {f"model.{end}" for end in ("safetensors", "wasm", "wasm.h", "mjs", "d.mts", "o", "h")}
    header = (tmp_path / "model.h").read_text()
    assert " * inputs: colour: 0 for blue, 1 for green, 2 for red\n" in header
    assert "void model_predict(const double *rows, double *prediction, size_t count, void *arena);" in header
    whole = WholeModel(trained).eval()
    made = routines(whole, whole.example)
    code = WasmCode(made)
    found = [code.call(made.each[0], (row[None],))[0][0][0] for row in ROWS]
    want = trained.preparation.restore_target(trained.scores(features)[:, 0])
    np.testing.assert_allclose(found, want, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "object"], "--to object --cpu NAME"),
        (["--cpu", "x86-64"], "got --to onnx"),
        (["--to", "object", "--cpu", "z80"], "cpu='z80': expected one of x86-64"),
    ],
)
def test_a_processor_is_for_an_object_file(tmp_path, arguments, message):
    sg.save(sg.models.mlp(3, 2, 1, seed=0), tmp_path / "net.safetensors")
    assert message in " ".join(misuse("export", tmp_path / "net.safetensors", *arguments).replace("│", " ").split())


def test_a_network_in_integers_says_what_they_cost(tmp_path):
    saved(tmp_path, "price", PRICE, "squared", 1)
    rows = tmp_path / "rows.csv"
    write_csv(rows, {"area": AREA, "garden": GARDEN, "colour": COLOUR, "price": PRICE})
    place = ["export", tmp_path / "model.safetensors", "--to", "object", "--cpu", "cortex-m0", "--quantize", "int8"]
    told = succeed(*place, "--calibration", rows)
    assert "its inputs are the columns of the table" in told
    assert f"{len(PRICE)} rows: " in told
    header = (tmp_path / "model.h").read_text()
    assert "const double *rows, int32_t *out" in header
    assert " * out: price is 3.375 + " in header
    assert " * inputs: colour: 0 for blue, 1 for green, 2 for red\n" in header
    assert "--calibration FILE, or neither" in misuse(*place)
    assert "got --to onnx" in misuse("export", place[1], "--quantize", "int8", "--calibration", rows)
    sg.save(sg.models.mlp(4, 8, 3, seed=0), tmp_path / "model.safetensors")
    assert "sg.export takes arrays" in fail(*place, "--calibration", rows)
