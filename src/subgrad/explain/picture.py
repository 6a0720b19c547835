"""`draw`: a graph as a picture."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subgrad.errors import ArgumentError, DTypeError, FileError, MissingExtraError
from subgrad.explain.boxes import require_whole
from subgrad.explain.dot import to_dot
from subgrad.graph import tracing
from subgrad.graph.dtype import default_dtype, int64
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.graph.tree import Tree, leaves
from subgrad.io.atomic import write_atomically

if TYPE_CHECKING:
    import numpy as np

_TEXT, _RENDERED = (".dot", ".gv"), (".svg", ".png", ".pdf")


@dataclass(frozen=True)
class Drawing:
    """A picture of a graph. ``str`` gives the DOT text; a notebook shows the picture if Graphviz is installed.

    Attributes:
        dot: the picture in Graphviz's DOT language.
    """

    dot: str

    def __str__(self) -> str:
        return self.dot

    def __repr__(self) -> str:
        return f'<drawing of {len(self.dot.splitlines())} lines of DOT: print it, or .save("net.svg")>'

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to ``path``: .dot or .gv as text; .svg, .png or .pdf by Graphviz.

        Raises:
            ArgumentError: for any other ending.
            FileError: if the file cannot be written.
            MissingExtraError: if Graphviz is needed and not installed.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix not in _TEXT + _RENDERED:
            endings = ", ".join(_TEXT + _RENDERED)
            raise ArgumentError(f"a drawing is saved as one of {endings}, got {str(path)!r}")
        write_atomically(target, self.dot.encode() if suffix in _TEXT else _render(self.dot, suffix[1:]))

    def _repr_svg_(self) -> str | None:
        return _render(self.dot, "svg").decode() if shutil.which("dot") else None


def draw(
    of: Tensor | Callable[..., Tensor],
    wrt: Tree = None,
    *,
    input_shape: Sequence[int] | Sequence[Sequence[int]] | None = None,
    backward: bool = False,
    depth: int | None = None,
) -> Drawing:
    """A picture of the graph of a tensor or a module.

    Modules are frames, parameters amber boxes, data blue ellipses; ops with a kink are red and bear the sign ∠. Shapes
    stand on the arrows; numbers are written into the ops that use them, reshapes and repeats on the arrows. Branches
    stand side by side in the order in which they were written, unless another order has fewer crossings.

    Args:
        of: a tensor; or a module, which is run on arguments of ``input_shape`` that have no values.
        wrt: as in `explain`: names the parameters, and says where gradients go. A module's own parameters if ``of``
            is one.
        input_shape: the shape of the module's input, batch included; a list of shapes for several inputs. They are
            floats, or integers where the module takes no floats, as `nn.Embedding` does.
        backward: write the local derivative on each arrow that a gradient takes back, and how often a cotangent is
            used.
        depth: modules at this nesting level are drawn as collapsed boxes: 1 are the modules that a network holds
            itself, 2 the modules in those. The step of a loop is a level in the module that has the loop, with dashed
            arrows to the next step: ``sg.draw(nn.GRU(2, 3), input_shape=(1, 5, 2), depth=2)`` shows the inside of the
            cell. None chooses the deepest level that leaves at most fifty nodes; a smaller graph is drawn op by op.

    Returns:
        A `Drawing`: print it for the DOT text, ``.save("net.svg")``, or show it in a notebook.

    Raises:
        ArgumentError: if ``of`` is neither, a module comes without ``input_shape``, ``depth`` is below 1, or there is
            both a ``depth`` and ``backward``: local derivatives belong to ops.
        GradientError: with ``backward``, if no gradient reaches any of ``wrt``.

    Example:
        >>> import subgrad as sg
        >>> w = sg.Parameter([1.0, 2.0])
        >>> picture = sg.draw(sg.relu(w * 3).sum(), {"w": w})
        >>> print(picture)
        digraph {
        ...
    """
    if depth is not None:
        require_whole("depth", depth, 1)
    if depth is not None and backward:
        raise ArgumentError(f"a picture with depth={depth} and backward=True cannot be: give one of them")
    if isinstance(of, Tensor):
        return Drawing(to_dot([of.node], wrt, backward, depth))
    if not hasattr(of, "named_parameters"):
        raise ArgumentError(f"draw takes a tensor or a module, got {type(of).__name__}")
    if input_shape is None:
        raise ArgumentError("to draw a module, say what it is given: sg.draw(net, input_shape=(1, 2))")
    outputs = _trace(of, _shapes(input_shape))
    if backward and len(outputs) > 1:
        raise ArgumentError(f"the way back is from one tensor, this module returned {len(outputs)}: draw one of them")
    return Drawing(to_dot(outputs, of if wrt is None else wrt, backward, depth))


def _shapes(given: Sequence[int] | Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    several = any(isinstance(part, Sequence) for part in given)
    return [tuple(shape) for shape in given] if several else [tuple(given)]  # pyright: ignore


def _trace(module: Callable[..., Any], shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """The nodes of what the module returns: for floats, or where it refuses them for integers."""
    floats = next((p.dtype for p in leaves(module) if p.dtype.kind == "f"), default_dtype())
    names = ["x"] if len(shapes) == 1 else [f"x{i + 1}" for i in range(len(shapes))]

    def run(dtype: np.dtype) -> Any:
        with tracing.recording():  # running statistics stay as they are
            return module(*(placeholder(shape, dtype, name) for shape, name in zip(shapes, names, strict=True)))

    try:
        made = run(floats)
    except DTypeError:
        made = run(int64)
    try:
        return [found.node for found in leaves(made)]
    except ArgumentError:
        wrong = type(made).__name__
        raise ArgumentError(f"draw takes a module that returns tensors, this one returned {wrong}") from None


def _render(dot: str, form: str) -> bytes:
    """``dot`` drawn by Graphviz in the format ``form``."""
    import subprocess  # here, since `import subgrad` should not pay for it

    program = shutil.which("dot")
    if program is None:
        raise MissingExtraError(
            f"drawing {form.upper()} needs Graphviz, whose program dot was not found: apt install graphviz, brew "
            "install graphviz, or winget install graphviz; saving as .dot needs nothing"
        )
    done = subprocess.run([program, f"-T{form}"], input=dot.encode(), capture_output=True, check=False)
    if done.returncode:
        raise FileError(f"Graphviz could not draw the graph: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


__all__ = ["Drawing", "draw"]
