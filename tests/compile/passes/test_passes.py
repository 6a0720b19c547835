"""The list of passes: each runs, promises something that is checked, and can be read in a dump."""

import numpy as np
import pytest

import subgrad as sg
from subgrad.compile import pipeline
from subgrad.compile.pipeline import PASSES, Pass, simplify
from subgrad.compile.runtime import program
from subgrad.compile.runtime.program import Program
from subgrad.errors import CheckError, FileError
from subgrad.graph.tensor import Tensor, placeholder


def training():
    x, w = placeholder((40, 6), "float32"), placeholder((6, 5), "float32")
    loss = sg.tanh(x @ w).sum()
    return Program([x, w], [loss.node, (w - 0.1 * sg.grad(loss, w)).node], variables={1: 1}, n_threads=2)


def looped():
    h, xs = placeholder((2, 3), "float32"), placeholder((5, 2, 3), "float32")
    last, rows = sg.scan(lambda h, x: (sg.tanh(h + x),) * 2, h, xs)
    return Program([h, xs], [last.node, rows.node], n_threads=1)


def test_each_pass_has_a_name_of_its_own_and_a_promise():
    assert len({p.name for p in PASSES}) == len(PASSES)
    assert all(p.promise and callable(p.check) for p in PASSES)


@pytest.mark.parametrize("make", [training, looped], ids=["training", "loop"])
def test_a_dump_has_what_each_pass_made(make, tmp_path):
    made = make()
    texts = made.dump(tmp_path)
    names = [name.split("-", 1)[1].rsplit(".", 1)[0] for name in texts]
    assert names == ["traced", *(p.name.replace(" ", "-") for p in PASSES), "optimised", "assembly"]
    assert {f.name: f.read_text() for f in tmp_path.iterdir()} == texts
    assert texts["17-emit.ll"] == made.ir
    assert made.source() in texts["16-lay-out-arena.txt"]
    assert str(made.memory) in texts["16-lay-out-arena.txt"]
    assert "define" in texts["18-optimised.ll"]
    assert ".text" in texts["19-assembly.s"] or ".section" in texts["19-assembly.s"]


def test_nodes_can_be_read_those_of_loops_set_in():
    text = looped().dump()["00-traced.txt"]
    assert "    %2 = add(%0, %1) float32[2, 3]" in text
    assert "rows: %1" in text
    assert "outputs: " in text


def test_kernels_of_a_loop_name_every_node():
    x = placeholder((4, 2), "float32")
    first = placeholder((2,), "float32")
    last, _ = sg.scan(lambda c, row: (sg.tanh(c * row), None), first, x)
    text = Program([x, first], [last], n_threads=1).dump()["13-fuse.txt"]
    assert "loop of 4 steps" in text
    assert "?" not in text


def test_the_environment_asks_for_a_dump_of_each_program(tmp_path, monkeypatch):
    monkeypatch.setenv("SUBGRAD_DUMP", str(tmp_path / "new"))
    x = placeholder((3,), "float32")
    programs = [Program([x], [x * k], n_threads=1) for k in (2, 3)]
    folders = sorted((tmp_path / "new").iterdir())
    assert [f.name for f in folders] == ["program-0000", "program-0001"]
    for made, folder in zip(programs, folders, strict=True):
        files = sorted(f.name for f in folder.iterdir())
        assert files == sorted(made.dump())
        assert next(folder.glob("*-emit.ll")).read_text() == made.ir


def test_a_dump_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    x = placeholder((3,), "float32")
    with pytest.raises(FileError, match="cannot write what the passes make into the folder"):
        Program([x], [x + 1], n_threads=1).dump(tmp_path / "file")
    monkeypatch.setenv("SUBGRAD_DUMP", str(tmp_path / "file" / "under"))
    with pytest.raises(FileError, match="cannot write what the passes make into the folder"):
        sg.compile(lambda x: x + 1)(np.ones(3, np.float32))
    assert (tmp_path / "file").read_text() == "mine"


def test_the_dump_ends_with_what_the_failing_pass_was_given(tmp_path, monkeypatch):
    monkeypatch.setenv("SUBGRAD_DUMP", str(tmp_path))
    monkeypatch.setattr(pipeline, "fuse", lambda outputs: 1 / 0)
    x = placeholder((3,), "float32")
    with pytest.raises(ZeroDivisionError):
        Program([x], [x + 1], n_threads=1)
    assert max(f.name for f in (tmp_path / "program-0000").iterdir()).endswith("copy-old-values.txt")


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("expand", lambda unit: None, "is still a compound op"),
        ("drop empty", lambda unit: setattr(unit, "outputs", [unit.outputs[0].sum()]), "changes the outputs"),
        ("merge", lambda unit: setattr(unit, "outputs", [_twice(unit.outputs[0])]), "is computed twice"),
        ("fuse", lambda unit: unit.kernels.clear(), "no kernel stores"),
        ("choose threads", lambda unit: setattr(unit, "n_threads", 0), "0 threads"),
        ("schedule", lambda unit: _reversed_schedule(unit), "another order"),
        ("emit", lambda unit: setattr(unit, "ir", "define void @other() {}"), "has no run"),
    ],
)
def test_a_broken_promise_is_found(name, wrong, said, monkeypatch):
    x = placeholder((3,), "float32")
    passes = [_spoilt(p, wrong) if p.name == name else p for p in PASSES]
    monkeypatch.setattr(program, "PASSES", passes)
    with pytest.raises(CheckError, match=said):
        Program([x], [sg.elu(x) * sg.exp(x).sum()], n_threads=1)


def _spoilt(p: Pass, wrong) -> Pass:
    def run(unit):
        if p.name != "expand":
            p.run(unit)
        wrong(unit)

    return p._replace(run=run)


def _twice(node: Tensor) -> Tensor:
    again = Tensor(node.op, node.inputs, node.attrs, node.shape, node.dtype, node.site, node.scope)
    return (node - again).node


def _reversed_schedule(unit):
    unit.placed.schedule.slots.reverse()


def test_the_graph_passes_alone_give_what_the_list_gives():
    x = placeholder((4, 3), "float32")
    (found,) = simplify([sg.softmax(x).node])
    made = Program([x], [sg.softmax(x).node], n_threads=1)
    assert found.op is made.outputs[0].op
