"""A model for tables as a module: it answers rows of numbers as the model answers the table, in ONNX Runtime and as
WebAssembly as well."""

import numpy as np
import onnxruntime
import pytest
from exported_code import WasmCode, routines

import subgrad as sg
from subgrad.data import Table
from subgrad.fit import History
from subgrad.tabular import TabularModel
from subgrad.tabular.defaults import Settings
from subgrad.tabular.held_out import Errors
from subgrad.tabular.network import TabularNetwork
from subgrad.tabular.number_scale import Scale
from subgrad.tabular.preparation import TabularPreparation

rng = np.random.default_rng(0)
SIZE = [None, 1e300, *rng.lognormal(size=46)]
TOWNS = [f"town {i:02}" for i in range(12)]
TABLE = {
    "size": SIZE, "garden": ["yes", None, "no", "yes"] * 12, "colour": ["red", "blue", None] * 16, "town": TOWNS * 4,
    "price": rng.uniform(1, 9, 48), "kind": list("abc") * 16,
}  # fmt: skip
LATER = {"size": [np.inf, 2.0, None], "garden": [None, "no", "yes"], "colour": ["blue", "green", None],
         "town": ["town 03", "elsewhere", None]}  # fmt: skip
ROWS = [[np.inf, np.nan, 0, 3], [2.0, 0, 7, 99], [np.nan, 1, np.nan, np.nan]]
"""The same as numbers: what is unknown is a place that no category has."""


def model(target, scale=None, quantiles=()):
    """With weights that nobody has trained."""
    given = {name: TABLE[name] for name in ("size", "garden", "colour", "town", target)}
    prepared = TabularPreparation().fit(Table(given), target)
    outputs = len(prepared.classes) or (len(quantiles) + 1 if quantiles else 1)
    net = TabularNetwork(
        *prepared.layout, outputs=outputs, members=2, hidden=(4, 3), activation="relu", waves=2, bins=3, seed=1
    )
    net.weights[-1].assign(rng.normal(size=net.weights[-1].shape))
    return TabularModel(
        prepared, net, Settings(), scale=scale, temperature=1.3, history=History([], ""), scores={}, out_of_fold=None,
        errors=Errors(np.zeros(2)), record={"quantiles": list(quantiles)},
    )  # fmt: skip


def test_the_columns_become_the_same_features():
    found = model("kind")
    assert [c.kind for c in found.preparation.columns] == ["scaled", "truth", "category", "embedded"]
    wanted = found.preparation.transform(Table(LATER))
    got = found.module().features(sg.tensor(ROWS, dtype="float64"))
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["classes", "numbers", "logarithms", "quantiles"])
def test_answers_are_those_of_the_model(kind, tmp_path):
    scale = {"classes": None, "logarithms": Scale(1.2, 0.8, 1.0, 9.0, True, 1.1)}.get(kind, Scale(5.0, 2.0, 1.0, 9.0))
    found = model("kind" if kind == "classes" else "price", scale, (0.9, 0.1) if kind == "quantiles" else ())
    table = Table({name: TABLE[name] for name in LATER})
    column = {c.name: c for c in found.preparation.columns}
    places = {name: {v: i for i, v in enumerate(column[name].categories)} for name in ("colour", "town")}
    places["garden"] = {"yes": 1, "no": 0}
    rows = np.array([
        [np.nan if v is None else places[name][v] if name in places else v for v in TABLE[name]] for name in LATER
    ], np.float64).T  # fmt: skip
    name, wanted = {
        "classes": ("probabilities", found.predict_proba), "quantiles": ("quantiles", found.predict_quantiles),
    }.get(kind, ("prediction", found.predict))  # fmt: skip
    wanted, whole = wanted(table), found.module()
    np.testing.assert_allclose(whole(sg.tensor(rows, dtype="float64"))[name].numpy(), wanted, rtol=1e-5)
    sg.onnx.save(whole, tmp_path / "m.onnx", whole.example, info=whole.about())
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    (got,) = session.run([name], {session.get_inputs()[0].name: rows})
    np.testing.assert_allclose(got, wanted, rtol=1e-5)
    if kind in ("classes", "logarithms"):
        made = routines(whole, whole.example)
        code = WasmCode(made)
        got = [code.call(made.each[0], [row[None]])[0][0][0] for row in rows[:5]]
        np.testing.assert_allclose(got, wanted[:5], rtol=1e-5)


def test_a_table_with_dates_leaves_features_as_inputs():
    table = {"day": [f"2024-01-{i + 1:02}" for i in range(20)], "x": [*range(20)], "y": [*range(20)]}
    prepared = TabularPreparation().fit(Table(table), "y")
    net = TabularNetwork(*prepared.layout, outputs=1, members=2, hidden=(3,), activation="relu", seed=0)
    found = TabularModel(
        prepared, net, Settings(), scale=Scale(5.0, 2.0, 1.0, 9.0), temperature=1.0, history=History([], ""), scores={},
        out_of_fold=None, errors=Errors(np.zeros(2)), record={},
    )  # fmt: skip
    whole = found.module()
    assert not whole.prepares
    assert whole.example.shape == (1, len(prepared.feature_names))
    assert whole.about()["inputs"].splitlines() == prepared.feature_names
    np.testing.assert_allclose(whole(prepared.transform(Table(table)))["prediction"].numpy(), found.predict(table))
