"""All imports of the package, those inside of functions too, keep to the order of the architecture page."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import subgrad as sg

SOURCE = Path(sg.__file__).parent
PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"

AGAINST_THE_ORDER = {
    ("errors.py", "graph"): "an error names the user's line; graph/source_location.py imports nothing",
    ("tabular/__init__.py", "sklearn"): "the estimators of tables have a name beside the function that they call",
    ("io/model_file.py", "tabular"): "a model for tables saves and loads itself, by sg.save and sg.load as well",
    ("graph/tensor.py", "ops"): "a list of tensors is their stack, which is an op",
    ("graph/op.py", "ops"): "the default rules of an op are made of ops, when it is defined",
    ("diff/curvature.py", "recur"): "kinks are looked for in the steps of loops as well",
    ("graph/op.py", "diff"): "an op without a derivative of its own has that of what it is made of",
    ("ops/tensor_methods.py", "diff"): "the method backward of a tensor is backpropagation, which is built on the ops",
    ("serve/current_model.py", "cli"): "a file of subgrad train holds what the command line prepares and answers",
    ("compile/runtime/program.py", "explain"): "a program shows its kernels as a drawing, if it is asked to",
    ("compile/tracing/reachable.py", "nn"): "a traced function depends on the modules that it reaches",
}
"""File and package, with the reason."""


def imports(file: Path) -> Iterator[str]:
    """The modules that a file imports when it runs, at once or later; not those that type checkers alone see."""
    pending: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
            continue
        pending.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            assert not node.level, f"{file} imports relatively"
            for alias in node.names:
                inner = SOURCE.parent.joinpath(*module.split("."), alias.name)
                there = inner.is_dir() or inner.with_suffix(".py").exists()
                yield f"{module}.{alias.name}" if there else module


def package_of(module: str) -> str:
    return module.split(".")[1] if module.startswith("subgrad.") else ""


def test_packages_import_in_the_order_of_the_architecture_page():
    order = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    packages = {p.stem for p in SOURCE.iterdir() if p.is_dir() or p.suffix == ".py"}
    assert set(order) == {name for name in packages if not name.startswith("_") and name != "py"}
    places = {name: i for i, name in enumerate(order)}
    against = set()
    for file in SOURCE.rglob("*.py"):
        name = file.relative_to(SOURCE).as_posix()
        own = places.get(name.split("/")[0].removesuffix(".py"), len(order))
        against |= {(name, p) for p in map(package_of, imports(file)) if places.get(p, -1) > own}
    assert against == set(AGAINST_THE_ORDER)


def _graph(folder: str) -> dict[str, set[str]]:
    """The modules of a package, and which others of them each imports."""
    files = {}
    for file in (SOURCE / folder).rglob("*.py"):
        parts = file.relative_to(SOURCE.parent).with_suffix("").parts
        files[".".join(parts).removesuffix(".__init__")] = file
    return {name: {m for m in imports(file) if m in files and m != name} for name, file in files.items()}


CIRCLES = {
    ("graph.op", "graph.tensor"): "a call of an op makes a tensor, and a tensor is what an op has made",
    ("ops.rules", "ops.shape"): "arguments are cast and repeated by ops, whose own arguments the rules prepare",
    ("ops", "ops.tensor_methods"): "a package and the module of it that attaches what the package has to tensors",
    ("nn.config", "nn.module"): "a module describes itself, and among the arguments that are described are modules",
    ("optim.step.parsing", "optim.step.schedule"): "a text names any rule, and a rule may be given as a text",
    ("recur.backward", "recur.loop"): "the derivative of a loop is a loop",
    ("recur.forward", "recur.loop"): "the tangent of a loop is a loop",
}
"""Modules that import each other, one of the two late, with the reason."""


@pytest.mark.parametrize("folder", sorted(p.name for p in SOURCE.iterdir() if (p / "__init__.py").exists()))
def test_no_circle_of_modules(folder):
    modules = _graph(folder)
    for a, b in CIRCLES:
        if a.split(".")[0] == folder:
            ours, theirs = f"subgrad.{a}", f"subgrad.{b}"
            assert theirs in modules[ours], f"{a} does not import {b} any more: take it from the list"
            assert ours in modules[theirs], f"{b} does not import {a} any more: take it from the list"
            modules[ours].remove(theirs)
    try:
        TopologicalSorter(modules).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")
