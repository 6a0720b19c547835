"""JavaScript modules become one script, for a page that loads nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import TopologicalSorter

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";\n', re.MULTILINE)
_DESCRIPTION = re.compile(r"^ */\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const) ([\w$]+))", re.MULTILINE)


def bundle(modules: Mapping[str, str]) -> str:
    """One script of modules by their file names; each becomes a function, so names inside do not meet.

    The modules import with ``import { a, b as c } from "./file.mjs";`` and export what they declare, nothing else.
    Descriptions of their parts, ``/** ... */``, stay behind.

    >>> print(bundle({"b.mjs": 'import { a } from "./a.mjs";\\na();\\n', "a.mjs": "export const a = () => 1;\\n"}))
    const modules = {};
    modules["a.mjs"] = (() => {
    const a = () => 1;
    return { a };
    })();
    modules["b.mjs"] = (() => {
    const { a } = modules["a.mjs"];
    a();
    return {  };
    })();
    <BLANKLINE>
    """
    needs = {name: {file for _, file in _IMPORT.findall(text)} for name, text in modules.items()}
    parts = [_as_function(name, modules[name]) for name in TopologicalSorter(needs).static_order()]
    return "const modules = {};\n" + "".join(parts)


def _as_function(name: str, text: str) -> str:
    exported = [own for _, own in _EXPORT.findall(text)]
    text = _DESCRIPTION.sub("", text)  # 10 KB
    text = _IMPORT.sub(lambda m: f'const {{{m[1].replace(" as ", ": ")}}} = modules["{m[2]}"];\n', text)
    text = _EXPORT.sub(lambda m: m[1], text)
    return f'modules["{name}"] = (() => {{\n{text}return {{ {", ".join(exported)} }};\n}})();\n'


__all__ = ["bundle"]
