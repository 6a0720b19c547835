"""A graph shown to people: the two passes as a table, and the graph as a picture."""

from subgrad.explain.picture import Drawing, draw
from subgrad.explain.table import Explanation, explain

__all__ = ["Drawing", "Explanation", "draw", "explain"]
