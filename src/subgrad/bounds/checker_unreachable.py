"""Outputs that are never reached, for the checker of proofs: shown on small boxes, or on parts by signs of units."""

# pyright: basic, reportMissingImports=false, reportGeneralTypeIssues=false, reportIndexIssue=false
import numpy as np
from flint import arb

if __package__:
    from subgrad.bounds import checker_numbers as numbers
    from subgrad.bounds import checker_units as units
else:  # the checker is run by its path
    import checker_numbers as numbers
    import checker_units as units

names, real, require = numbers.names, numbers.real, numbers.require
understood, whole, wholes = numbers.understood, numbers.whole, numbers.wholes
Chosen, Form, ONE = units.Chosen, units.Form, units.ONE

HALVINGS = 20  # how often each side of a box of the proof is halved at most, about
LOOK = 8  # after so many halvings, a look whether more of them can help at all


class Unreachable:
    """That no point of some boxes has outputs y with ``rows[i] y <= limits[i]`` for all i of a member."""

    def __init__(self, header, data):
        names(header, "format", "kind", "network", "groups", "graph")
        understood(type(header["groups"]) is list and header["groups"], "the list of boxes")
        self.groups = [Group(g, k, data) for k, g in enumerate(header["groups"])]
        box = np.stack([self.groups[0].box[:, 0], self.groups[0].box[:, 1]], axis=1)
        for g in self.groups[1:]:
            understood(g.box.shape == box.shape, "a box")
            box = np.stack([np.minimum(box[:, 0], g.box[:, 0]), np.maximum(box[:, 1], g.box[:, 1])], axis=1)
        self.network = units.Network(header["graph"], data, box)
        place = self.network.place(header["network"])
        self.digest = self.network.digests[place]
        values = [self.network.row(y) for y in self.network.found[place].ravel()]
        self.outputs = [y if isinstance(y, Form) else Form([(ONE, y)]) for y in values]
        self.levels = units.levels_of(self.network, self.outputs)

    def check(self, cover):
        """Require all that makes the claim true, and say what that is."""
        for group in self.groups:
            understood(group.rows.shape[1] == len(self.outputs), "a row")
            rows = [Form([(y, arb(float(-v))) for y, v in zip(self.outputs, row, strict=True)]) for row in group.rows]
            group.shown_by.check(self, group, [r.terms() for r in rows], cover)
        cases = sum(len(g.members) for g in self.groups)
        shown = "; ".join(str(g) for g in self.groups[:4]) + ("; ..." if len(self.groups) > 4 else "")
        by = " and ".join(f"{sum(len(g.shown_by) for g in self.groups if type(g.shown_by) is kind):,} {kind.words}"
                          for kind in SHOWN.values() if any(type(g.shown_by) is kind for g in self.groups))  # fmt: skip
        return f"none of {cases} polytopes of outputs is reached, by {by}: {shown}; network sha256:{self.digest}"


class Group:
    """A box, polytopes of outputs that are not reached from it, and what shows that."""

    def __init__(self, header, number, data):
        names(header, "box", "members", "by")
        self.box = np.array([[real(v) for v in ends] for ends in header["box"]])
        understood(self.box.ndim == 2 and self.box.shape[1] == 2 and len(self.box), "a box")
        understood((self.box[:, 0] <= self.box[:, 1]).all(), "a box")
        self.rows, self.limits = numbers_of(data, number, "rows", "limits")
        understood(self.rows.ndim == 2 and self.limits.shape == (len(self.rows),), "the rows")
        understood(type(header["members"]) is list and header["members"], "the polytopes")
        self.members = [wholes(m) for m in header["members"]]
        understood(all(m and max(m) < len(self.rows) for m in self.members), "a polytope")
        self.shown_by = SHOWN[header["by"]](self, number, data)

    def __str__(self):
        def inequality(i):
            factors = [f"{v!r} y{k}" for k, v in enumerate(self.rows[i].tolist()) if v]
            return f"{' + '.join(factors) or 0} <= {float(self.limits[i])!r}"

        told = " or ".join(" and ".join(inequality(i) for i in m[:4]) + (" ..." if len(m) > 4 else "")
                           for m in self.members[:4])  # fmt: skip
        box = self.box.tolist()
        return f"from {box[:5]}{'' if len(box) < 6 else f' and {len(box) - 5} more sides'} not {told[:600]}"


def numbers_of(data, number, *wanted):
    """Arrays of finite float64 numbers of a box."""
    arrays = [data.pop(f"{name} {number}") for name in wanted]
    understood(all(a.dtype == np.float64 and np.isfinite(a).all() for a in arrays), "an array of a box")
    return arrays


class Boxes:
    """Small boxes, each of which is bounded."""

    words = "boxes"

    def __init__(self, group, number, data):
        self.low, self.high = numbers_of(data, number, "low", "high")
        shape = (len(self.low), len(group.box))
        understood(self.low.shape == self.high.shape == shape and len(self.low), "the boxes")

    def __len__(self):
        return len(self.low)

    def check(self, claim, group, forms, cover):
        """Require that they cover the box, and that no output of any is in a polytope."""
        require((self.low <= self.high).all(), "a box has its lower end above its upper one")
        cover(group.box[:, 0], group.box[:, 1], self.low, self.high)
        self.left = 10_000 + 50 * len(self.low)
        for low, high in zip(self.low, self.high, strict=True):
            self.require_outside(claim.levels, group, forms, low, high, HALVINGS * len(low))

    def require_outside(self, levels, group, forms, low, high, halvings):
        """Require that no output of a box is in a polytope; of its halves, where bounds of the whole do not say so."""
        moves = self.may_reach(levels, group, forms, low, high)
        if moves is None:
            return
        self.left -= 1
        require(self.left > 0, "this takes too many more boxes")
        if halvings % LOOK == 0:
            point = np.clip(low / 2 + high / 2, low, high)
            require(self.may_reach(levels, group, forms, point, point) is None, f"a polytope may be reached at {point}")
        axis = axis_of(high - low, group.box[:, 1] - group.box[:, 0], moves)
        middle = low[axis] / 2 + high[axis] / 2
        require(halvings > 0 and low[axis] < middle < high[axis], f"a polytope may be reached from {low} to {high}")
        for end, part in ((high, 0), (low, 1)):
            other = end.copy()
            other[axis] = middle
            ends = (low, other) if part == 0 else (other, high)
            self.require_outside(levels, group, forms, *ends, halvings - 1)

    def may_reach(self, levels, group, forms, low, high):
        """None if no output of a box is in a polytope; else by how much each input moves the row that is nearest."""
        box, found = units.Box(levels, low, high), None
        for member in group.members:
            symbols, rows = matrix([forms[i] for i in member])
            most, factors = box.above(symbols, rows, len(levels))
            off = [(f + arb(float(group.limits[i])), r) for r, (i, f) in enumerate(zip(member, most, strict=True))]
            if not any(v < 0 for v, _ in off) and not self.by_ranges(levels, group, member, symbols, rows, low, high):
                r = min(range(len(off)), key=lambda k: float(off[k][0].mid()))
                found = [float(abs(factors[i][r]).mid()) if i in factors else 0.0 for i in range(len(low))]
        return None if found is None else np.array(found)

    def by_ranges(self, levels, group, member, symbols, rows, low, high):
        """Whether it is shown by the ranges of smooth units: their lines leave those at the ends of a wide box."""
        if all(unit.c is not None for level in levels for unit in level.made):
            return False
        most, _ = units.Box(levels, low, high, flat=True).above(symbols, rows, len(levels))
        return any(f + arb(float(group.limits[i])) < 0 for i, f in zip(member, most, strict=True))


def axis_of(width, whole, moves):
    """The side to halve: the one that moves a row most; if none does, the longest one beside that of the whole box."""
    share = np.where(whole > 0, width / np.where(whole > 0, whole, 1.0), 0.0)
    moved = width * moves
    return int(np.argmax(moved if moved.any() else share))


class Parts:
    """Parts of the box by signs of units' arguments, each with a row that is above its limit there.

    A unit is named by a node of the graph and the number of an element of it, which is the argument. Some units have
    slopes for the bounds of their arguments; and each part has slopes and weights, as `Chosen` says. Smooth units are
    named by elements that are their values; each part has slopes for the lines around them.
    """

    words = "parts"

    def __init__(self, group, number, data):
        def whole_numbers(name):
            found = data.pop(f"{name} {number}")
            understood(found.dtype.kind == "i", "a list of units")
            return found

        self.units, self.signs = whole_numbers("units"), whole_numbers("signs")
        self.tight, self.row, self.smooth = (whole_numbers(name) for name in ("tight", "row", "smooth"))
        self.tight_slopes, self.slopes, self.weights, self.smooth_slopes = (
            data.pop(f"{name} {number}").astype(np.float64)
            for name in ("tight slopes", "slopes", "weights", "smooth slopes")
        )
        n, width = len(self.row), len(self.units)
        understood(self.units.shape == (width, 2) and (self.units >= 0).all(), "the units")
        understood(self.row.shape == (n,) and ((self.row >= 0) & (self.row < len(group.rows))).all(), "a row of a part")
        understood(all(a.shape == (n, width) for a in (self.signs, self.slopes, self.weights)), "the parts")
        understood(((self.signs >= -1) & (self.signs <= 1)).all(), "a sign")
        understood(self.tight.ndim == 1 and ((self.tight >= 0) & (self.tight < width)).all(), "a unit with slopes")
        understood(self.tight_slopes.shape == (2 * len(self.tight), width), "the slopes of units")
        for slopes in (self.slopes, self.tight_slopes):
            understood(((slopes <= 1) & (slopes > -np.inf)).all(), "a slope")
        understood(((self.weights >= 0) & (self.weights < np.inf)).all(), "a weight")
        understood(self.smooth.shape == (len(self.smooth), 2) and (self.smooth >= 0).all(), "the smooth units")
        understood(self.smooth_slopes.shape == (n, len(self.smooth)), "the slopes of smooth units")
        understood(np.isfinite(self.smooth_slopes).all(), "a slope of a smooth unit")

    def __len__(self):
        return len(self.row)

    def check(self, claim, group, forms, cover):
        """Require that for each polytope the parts of one of its rows are the whole box, and that all bounds hold."""
        for member in group.members:
            require(any(are_all(self.signs[self.row == i]) for i in member), "parts by signs of units are missing")
        columns = {}
        for c, form in enumerate(elements(claim, self.units)):
            symbol = claim.network.symbols.get(id(form))
            require(symbol is not None, "parts are by signs of what is no unit's argument")
            columns[symbol] = c
        understood(len(columns) == len(self.units), "a unit that stands there twice")
        symbol_of, none = {c: s for s, c in columns.items()}, [0] * len(self.units)
        used = {symbol for level in claim.levels for symbol in level.units}
        columns = {s: c for s, c in columns.items() if s in used}
        smooth = [only_unit(form, claim.network.inputs) for form in elements(claim, self.smooth)]
        slopes = [Chosen(none, s, none, {}) for s in self.tight_slopes.tolist()]
        pairs = zip(self.tight.tolist(), slopes[::2], slopes[1::2], strict=True)
        low, high = group.box.T
        box = units.Box(claim.levels, low, high, columns, {symbol_of[c]: (up, down) for c, up, down in pairs})
        bare = list(box.without_number())
        given = [dict(zip(smooth, slopes, strict=True)) for slopes in self.smooth_slopes.tolist()]
        parts = list(zip(self.row.tolist(), self.signs, self.slopes, self.weights, given, strict=True))
        for some in units.shares(parts, len(columns) + sum(len(level.units) for level in claim.levels)):
            symbols, rows = matrix([forms[row] for row, *_ in some])
            chosen = [Chosen(a.tolist(), b.tolist(), w.tolist(), box.closer(bare, a, s)) for _, a, b, w, s in some]
            found, _ = box.above(symbols, rows, len(claim.levels), chosen)
            for (row, *_), most in zip(some, found, strict=True):
                within = most + arb(float(group.limits[row])) < 0
                require(within, "a polytope may be reached where units have the signs of a part")


SHOWN = {"boxes": Boxes, "signs": Parts}
"""What shows that polytopes are not reached, by the name it has in a file."""


def elements(claim, places):
    """What stands at some places of the graph, each a node and the number of an element."""
    found = []
    for k, element in places.tolist():
        node = claim.network.found[claim.network.place(k)].ravel()
        understood(element < len(node), "a unit")
        found.append(node[element])
    return found


def only_unit(form, inputs):
    """The unit that a form is but for a factor and a number, None if there are others."""
    symbols = [s for s in form.terms() if s != ONE] if isinstance(form, Form) else []
    return symbols[0] if len(symbols) == 1 and symbols[0] >= inputs else None


def matrix(forms):
    """The symbols of forms, and for each form the factors of all of them."""
    symbols = sorted(set().union(*forms))
    return symbols, [[form.get(s, arb(0)) for s in symbols] for form in forms]


def are_all(signs):
    """Whether parts by signs, of which 0 stands for both, are together all combinations.

    Cut by a sign that each has, and each half again, until one stands for all of a half.
    """
    pending = [signs]
    while pending:
        left = pending.pop()
        if not left.any(axis=1).all():
            continue
        everywhere = np.flatnonzero(left.all(axis=0))
        if not len(left) or not len(everywhere):
            return False
        for sign in (1, -1):
            half = left[left[:, everywhere[0]] == sign]
            half[:, everywhere[0]] = 0
            pending.append(half)
    return True
