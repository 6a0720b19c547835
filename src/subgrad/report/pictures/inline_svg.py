"""Figures of matplotlib as SVG that belongs to a page: its fonts, its colours in light and dark, no foreign names."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from subgrad.display.markup import Markup, visible
from subgrad.report.phrases import tick

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 370.0  # of a picture, in units of which its letters have 11: readable on a telephone

INK, MUTED, RULE, PAGE = "#010101", "#020202", "#030303", "#040404"
FIRST, SECOND = "#0a0001", "#0a0002"
SERIES = (FIRST, SECOND, "#0a0003", "#0a0004", "#0a0005", "#0a0006")
_VARIABLES = {INK: "ink", MUTED: "muted", RULE: "rule", PAGE: "page"} | {c: f"c{i}" for i, c in enumerate(SERIES, 1)}
"""Colours to draw with; in the page each is a variable of its style sheet, with a value in light and one in dark."""

_STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 11,
    "font.family": "DejaVu Sans",  # wider than what browsers use: a text that fits here does there
    "text.color": INK,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 11,
    "legend.handlelength": 1.2,
    "legend.borderaxespad": 0.2,
}
_NOTHING = dict.fromkeys(["Creator", "Date", "Format", "Type"])


def picture(name: str, alternative: str, draw: Callable[[Axes], None], height: float = 250.0) -> Markup:
    """What ``draw`` draws on a pair of axes, as an element of a page.

    Args:
        name: one that no other picture of the page has.
        alternative: what it shows, for those who do not see it.
        draw: draws with the colours of this module.
        height: where the width is 370.
    """
    import matplotlib
    from matplotlib.figure import Figure

    content = io.StringIO()
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser has the sign
        warnings.filterwarnings("ignore", "constrained_layout not applied")
        figure = Figure(figsize=(WIDTH / 72, height / 72), layout="constrained")
        axes = figure.add_subplot()
        axes.grid(True, axis="y", color=RULE, linewidth=0.8)
        axes.xaxis.set_major_formatter(tick)
        axes.yaxis.set_major_formatter(tick)
        draw(axes)
        figure.savefig(content, format="svg", metadata=_NOTHING)
    return _inlined(content.getvalue(), name, alternative)


def _inlined(svg: str, name: str, alternative: str) -> Markup:
    """The SVG file as an element: without what is only of use in a file of its own."""
    body = svg[svg.index("<svg") :]
    box = re.search(r'viewBox="([^"]*)"', body)
    assert box is not None
    inner = body[body.index(">") + 1 : body.rindex("</svg>")]
    inner = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->", "", inner, flags=re.DOTALL)
    inner = re.sub(r"<[^>]*>", lambda tag: _cleaned(tag[0]), inner)
    own = set(re.findall(r'(?:url\(|href=")#([^")]+)', inner))
    inner = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in own else "", inner)
    inner = re.sub(r">\s+<", "><", inner.strip())
    label = html.escape(visible(alternative))
    return Markup(f'<svg viewBox="{box[1]}" role="img" aria-label="{label}" class="{name.split()[0]}">{inner}</svg>')


def _cleaned(tag: str) -> str:
    """A tag with colours and fonts of the page, and numbers of two decimals."""
    tag = re.sub(r"#[0-9a-f]{6}\b", lambda found: _colour(found[0]), tag)
    tag = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", tag).replace("xlink:href", "href")
    return re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), tag)


def _colour(code: str) -> str:
    return f"var(--{_VARIABLES[code]})" if code in _VARIABLES else code


def bars(counts: list[int] | list[float], alternative: str, width: int = 96, height: int = 22) -> Markup:
    """A histogram as small as a word."""
    most, step = max(counts, default=0) or 1, width / max(len(counts), 1)
    gap = 1 if step > 3 else 0
    parts = []
    for i, count in enumerate(counts):
        tall = max(round(height * count / most, 1), 1 if count else 0)
        parts.append(f"M{i * step:.1f} {height}v-{tall:g}h{step - gap:.1f}v{tall:g}z" if count else "")
    label = html.escape(visible(alternative))
    drawn = f'<path d="{"".join(parts)}"/><path class="base" d="M0 {height + 0.5}h{width}"/>'
    return Markup(
        f'<svg class="bars" viewBox="0 0 {width} {height + 1}" width="{width}" height="{height + 1}" role="img" '
        f'aria-label="{label}">{drawn}</svg>'
    )


__all__ = ["FIRST", "INK", "MUTED", "PAGE", "RULE", "SECOND", "SERIES", "bars", "picture"]
