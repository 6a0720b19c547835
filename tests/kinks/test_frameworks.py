"""The table of what frameworks return at kinks: our columns, and that the exact one is right where it can be told."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_the_documentation_is_of_today(capsys):
    spec = importlib.util.spec_from_file_location("kinks_frameworks", ROOT / "examples" / "kinks_frameworks.py")
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    rows = program.main()
    page = (ROOT / "docs" / "maths" / "exact-subgradients.md").read_text(encoding="utf-8")
    for name, cells in rows.items():
        assert f"| {name} | {cells['sg.subgradient']} | {cells['sg.grad']} |" in page
    assert rows["relu(x) − relu(−x) at 0"]["sg.subgradient"] == "1"
    assert capsys.readouterr().out.count("\n") == len(rows) + 2
