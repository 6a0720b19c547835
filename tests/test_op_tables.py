"""Facts about ops stand on their records or in the registry of transforms; ``python tests/test_op_tables.py`` shows
what else is keyed by op.

A collection of three ops or more somewhere else is a second list of what an op is: whoever adds an op forgets it, and
no test sees that. So each has its reason here, and there are five of them at most. A function that tells three ops or
more apart is shown as well, with its reason: it may be a rewriting rule, which is about those ops and no others.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from subgrad.graph.op import TABLE

PACKAGE = Path(__file__).parents[1] / "src" / "subgrad"
NAMES = frozenset(TABLE)
FEW = 3
"""As many ops make a table."""

TABLES = {
    "approx/expression.py FUNCTIONS": "the grammar of formulas: which names a formula may have is promised to users",
    "bounds/checker_operations.py OPERATIONS": "the checker of proofs shares nothing with the prover, records of ops "
    "included",
    "diff/conditions.py CONDITIONS": "where ops without a kink jump or are infinitely steep, for all who ask; "
    "an op of a user is looked at through what it is made of",
    "explain/dot.py _SYMBOLS": "what a picture writes in the place of a name; other ops have their names",
    "explain/drawn_graph.py _MOVES": "what a picture leaves out between two nodes, as its reader sees it",
}

REWRITING = "a rule that rewrites these ops and no others: another op stays as it is"
LOGIC = "how a tie goes through each logical op: another one raises, or has no tie"
LAYOUT = "how the ops that native code reads in place lead to elements: their role says that they do, not where to"
CASES = {
    "compile/codegen/expressions.py _made": LAYOUT,
    "compile/kernels/schedule.py _axes_of_inputs": LAYOUT,
    "compile/kernels/touches.py _through": LAYOUT,
    "compile/kernels/views.py _moved": LAYOUT,
    "compile/passes/empty.py filled": REWRITING,
    "compile/passes/layout.py _is_work": REWRITING,
    "compile/passes/layout.py _moves": REWRITING,
    "compile/passes/layout.py sink": REWRITING,
    "compile/passes/scatter_to_gather.py same": REWRITING,
    "compile/passes/simplify.py _identity": REWRITING,
    "kinks/certify/interval_derivatives.py _jumps": "where, sign and stop_gradient jump, each in its own way",
    "kinks/one_sided/jumps.py _choice": LOGIC,
    "kinks/one_sided/jumps.py _passed_on": LOGIC,
    "kinks/one_sided/rooted.py _even": REWRITING,
    "kinks/one_sided/switches.py switch_of": LOGIC,
    "recur/loop_invariants.py sum_over_steps": REWRITING,
}


# The ops that the names of a module mean


def ops_named(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Names of a module that mean an op, and modules of ops: by alias, the op's name, or "" for a module."""
    found = {"TABLE": ""}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("subgrad"):
            for alias in node.names:
                name = op_called(alias.name)
                if alias.name == "ops" or node.module == "subgrad.ops":
                    found[alias.asname or alias.name] = name or ""
                elif name and (node.module.startswith("subgrad.ops.") or node.module.endswith((".loop", ".custom"))):
                    found[alias.asname or alias.name] = name
                elif alias.name in ("CONST", "INPUT"):
                    found[alias.asname or alias.name] = alias.name
    return found


def op_called(name: str) -> str | None:
    """The op that a name in Python means: some have an underscore more, for Python or as a private name."""
    return next((n for n in (name, name.strip("_")) if n in NAMES), None)


def op_of(node: ast.expr, known: dict[str, str]) -> str | None:
    """The op that an expression names."""
    if isinstance(node, ast.Name):
        return known.get(node.id) or None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
        return op_called(node.attr)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "TABLE":
        node = node.slice
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if node.value in NAMES else None
    return None


def last_name(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_op(node: ast.expr) -> bool:
    """Whether an expression is the op of a node, or its name: ``op``, ``node.op``, ``node.op.name``."""
    owner = node.value if isinstance(node, ast.Attribute) and node.attr == "name" else node
    return last_name(owner) == "op"


@functools.cache
def parsed(path: Path) -> tuple[list[tuple[ast.AST, str]], dict[str, str]]:
    """All nodes of a file, see `named`, and its names of ops."""
    nodes = list(named(ast.parse(path.read_text(encoding="utf-8"))))
    return nodes, ops_named(node for node, _ in nodes)


def named(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """All nodes of a tree, from above, with the innermost function, or the variable of the module, that they are in."""
    pending: list[tuple[ast.AST, str]] = [(tree, "")]
    while pending:
        node, name = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Assign) and not name:
            name = ast.unparse(node.targets[0])
        elif isinstance(node, ast.AnnAssign) and not name:
            name = ast.unparse(node.target)
        yield node, name
        pending += [(child, name) for child in ast.iter_child_nodes(node)]


# Collections


def keys_of(node: ast.AST) -> list[ast.expr]:
    """What a literal collection holds, of a dictionary the keys, those of what is unpacked into it included."""
    if isinstance(node, ast.Set | ast.Tuple | ast.List):
        return [part for e in node.elts for part in (keys_of(e.value) if isinstance(e, ast.Starred) else [e])]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return [part for k, v in pairs for part in ([k] if k is not None else keys_of(v))]
    if isinstance(node, ast.Call) and last_name(node.func) == "dict":
        return [ast.Constant(k.arg) for k in node.keywords if k.arg]
    if isinstance(node, ast.Call) and last_name(node.func) == "fromkeys":
        return keys_of(node.args[0])
    return []


def tables(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The collections of a file that are keyed by op: where they are, and the ops."""
    (nodes, known), inside = parsed(path), set()
    for node, name in nodes:
        if isinstance(node, ast.Call) and last_name(node.func) == "Transform":
            inside |= set(ast.walk(node))
        keys = [] if node in inside or name == "__all__" else keys_of(node)
        found = [op for op in (op_of(k, known) for k in keys) if op]
        words = all(isinstance(k, ast.Constant) for k in keys)  # of which some may be the names of ops by chance
        if len(set(found)) >= FEW and (not words or len(found) > len(keys) / 2):
            inside |= set(ast.walk(node))
            yield f"{path.relative_to(PACKAGE).as_posix()} {name}", found


# Functions that tell ops apart


def cases(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The functions of a file that compare with at least three ops: where they are, and the ops."""
    nodes, known = parsed(path)
    found: dict[str, set[str | None]] = {}
    for node, name in nodes:
        parts: list[ast.expr] = []
        if isinstance(node, ast.Compare) and is_op(node.left):
            parts = [p for c in node.comparators for p in keys_of(c) or [c]]
        elif isinstance(node, ast.Match) and is_op(node.subject):
            parts = [p.value for c in node.cases for p in ast.walk(c.pattern) if isinstance(p, ast.MatchValue)]
        found.setdefault(name, set()).update(op_of(p, known) for p in parts)
    for name, ops in found.items():
        compared = sorted(op for op in ops if op not in (None, "CONST", "INPUT"))
        if len(compared) >= FEW:
            yield f"{path.relative_to(PACKAGE).as_posix()} {name}", compared


def everywhere(find) -> dict[str, list[str]]:
    """What is found in all files but those of the ops themselves."""
    files = [p for p in sorted(PACKAGE.rglob("*.py")) if PACKAGE / "ops" not in p.parents]
    found: dict[str, list[str]] = {}
    for path in files:
        for place, ops in find(path):
            found[place] = found.get(place, []) + ops
    return found


def shown(found: dict[str, list[str]]) -> str:
    return "\n".join(f"  {place}: {', '.join(dict.fromkeys(ops))}" for place, ops in found.items())


@pytest.mark.parametrize(("find", "allowed"), [(tables, TABLES), (cases, CASES)], ids=["tables", "cases"])
def test_what_is_keyed_by_op_has_its_reason(find, allowed):
    found = everywhere(find)
    new = {place: ops for place, ops in found.items() if place not in allowed}
    assert not new, f"keyed by op, outside of records and transforms:\n{shown(new)}"
    assert set(allowed) <= set(found), f"is no longer there: {sorted(set(allowed) - set(found))}"


def test_there_are_five_tables_at_most():
    assert len(TABLES) <= 5


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Makes a package of one file with this text, which is looked through instead."""
    monkeypatch.setattr("test_op_tables.PACKAGE", tmp_path)
    return lambda text: (tmp_path / "file.py").write_text(f"from subgrad import ops\n{text}\n", encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "T = {ops.add: 1, ops.mul: 2, ops.exp: 3}",
        "T = frozenset([ops.add, ops.mul, ops.exp])",
        "T = {'add': 1, 'mul': 2, 'exp': 3, 'other': 4}",
        "T = {**dict.fromkeys([ops.add, ops.mul], 1), ops.exp: 2}",
        "T = dict(add=1, mul=2, exp=3)",
        "def f(node): return node.op in (ops.add, ops.mul, TABLE['exp'])",
        "T = (*VIEWS, ops.add, ops.mul, ops.exp)",
    ],
)
def test_a_table_is_found(text, package):
    package(text)
    assert everywhere(tables)


@pytest.mark.parametrize(
    "text",
    [
        "if node.op is ops.add: pass\n    if node.op is ops.mul or node.op is ops.exp: pass",
        "if node.op.name == 'add': pass\n    if node.op.name in ('mul', 'exp'): pass",
        "match node.op.name:\n        case 'add' | 'mul': pass\n        case 'exp': pass",
    ],
)
def test_a_function_that_tells_ops_apart_is_found(text, package):
    package(f"def f(node):\n    {text}")
    assert everywhere(cases)


if __name__ == "__main__":
    print(f"keyed by op:\n{shown(everywhere(tables))}\nfunctions that tell ops apart:\n{shown(everywhere(cases))}")
