"""How deep the stack of firmware gets: the frames that assembly for ARM and RISC-V declares, along calls."""

from __future__ import annotations

import functools
import re

_FUNCTION = re.compile(r"\.type\s+([\w.$]+),\s*[%@]function")
_LABEL = re.compile(r"([\w.$]+):")
_SAVED = re.compile(r"\s*\.(v?save)\s+{(.*)}")
_PAD = re.compile(r"\s*\.pad\s+#(\d+)")
_OFFSET = re.compile(r"\s*\.cfi_def_cfa_offset (\d+)")
_WORD = re.compile(r"[\w.$]+")


def stack_use(assembly: str) -> int | None:
    """Bytes of stack that the deepest of all calls takes, without those of other libraries; None where a function's
    frame has no known size."""
    functions = {*_FUNCTION.findall(assembly)}
    frames, calls = dict.fromkeys(functions, 0), {name: set[str]() for name in functions}
    here = ""
    for line in assembly.splitlines():
        label = _LABEL.match(line)
        if label:
            here = label[1] if label[1] in functions else here
        if ".cfi_def_cfa_register" in line or re.search(r"\.cfi_def_cfa\s", line):
            return None
        if here:
            frames[here] = _grown(frames[here], line)
            if line.startswith("\t") and not line.startswith("\t."):
                calls[here] |= functions.intersection(_WORD.findall(line)[1:])

    @functools.cache
    def depth(name: str) -> int:
        return frames[name] + max(map(depth, calls[name] - {name}), default=0)

    return max(map(depth, functions), default=0)


def _grown(frame: int, line: str) -> int:
    """The size of a frame after a line."""
    saved, pad, offset = _SAVED.match(line), _PAD.match(line), _OFFSET.match(line)
    if saved:
        return frame + (8 if saved[1] == "vsave" else 4) * len(saved[2].split(","))
    if pad:
        return frame + int(pad[1])
    return max(frame, int(offset[1])) if offset else frame


__all__ = ["stack_use"]
