"""A figure of matplotlib that a notebook shows, in the colours of its page. Imported with the first figure."""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from subgrad.display.html_table import shown
from subgrad.display.markup import Markup

_NOTHING = dict.fromkeys(["Creator", "Date", "Format", "Type"])
_STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "subgrad"}  # the same figure, the same text


class NotebookFigure(Figure):
    """A figure that needs no window and no pyplot to be seen."""

    def _repr_html_(self) -> str:
        return shown(self.svg())

    def svg(self) -> Markup:
        """The figure as an element of a page: what is black has the colour of the page's letters."""
        content = io.StringIO()
        with matplotlib.rc_context(_STYLE):
            self.savefig(content, format="svg", metadata=_NOTHING, transparent=True)
        text = content.getvalue()
        drawn = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", text[text.index("<svg") :])
        drawn = re.sub(r"#000000\b", "currentColor", drawn).replace("<svg ", '<svg fill="currentColor" role="img" ', 1)
        return Markup(re.sub(r">\s+<", "><", drawn.strip()))
