"""Outputs that are never reached, for the checker of proofs: linear bounds that go backward, in balls of Arb.

A network of relu units, and of what is made of them and affine, is read as a list of units: each is relu of an affine
form of inputs and earlier units. Over a box a unit lies between two lines: below its chord, and above 0 or its
argument. A linear function of the outputs is followed back to the inputs, and units are replaced by their lines on the
way; so are the arguments of units, level by level, whose ranges the lines are made of.
"""

# pyright: basic, reportMissingImports=false, reportGeneralTypeIssues=false, reportIndexIssue=false
import numpy as np
from flint import arb, arb_mat

if __package__:
    from subgrad.bounds import checker_graph as graphs
    from subgrad.bounds import checker_numbers as numbers
else:  # the checker is run by its path
    import checker_graph as graphs
    import checker_numbers as numbers

filled, names, real, require = numbers.filled, numbers.names, numbers.real, numbers.require
understood, whole, wholes = numbers.understood, numbers.whole, numbers.wholes

HALVINGS = 40  # how often a box of the proof is halved at most
ONE = -1  # the symbol of the number 1; inputs are 0 to d - 1, then units follow


# Affine forms


class Form:
    """A sum of symbols and of other forms, each with a factor. It is added up when it is looked at."""

    def __init__(self, parts):
        self.parts, self.found = list(parts), None

    def terms(self):
        """The factor of each symbol."""
        if self.found is None:
            found: dict = {}
            pending: list = [(self, arb(1))]
            while pending:
                form, by = pending.pop()
                for part, factor in form.parts if form.found is None else form.found.items():
                    if isinstance(part, Form):
                        pending.append((part, by * factor))
                    else:
                        found[part] = found.get(part, arb(0)) + by * factor
            self.found, self.parts = found, []
        return self.found


class Network(graphs.Graph):
    """The graph of a proof as units, each the affine form of its argument."""

    def __init__(self, nodes, data, box):
        super().__init__(nodes, data, box)
        self.inputs, self.units = len(box), []
        self.point = filled((1, self.inputs), None)
        for i in range(self.inputs):
            self.point[0, i] = Form([(i, arb(1))])
        self.found = self.evaluate()

    def row(self, x):
        return x if isinstance(x, Form) else self.range(x)

    def range(self, x):
        require(not isinstance(x, Form), "an operation on what varies is not affine, nor made of relu")
        understood(isinstance(x, (arb, int)) and not isinstance(x, bool), "a condition in the place of a number")
        return arb(x)

    def sum(self, x, y):
        if isinstance(x, Form) or isinstance(y, Form):
            return Form([(v if isinstance(v, Form) else ONE, arb(1) if isinstance(v, Form) else v) for v in (x, y)])
        return x + y

    def times(self, x, factor):
        return Form([(x, factor)]) if isinstance(x, Form) else x * factor

    def product(self, x, y):
        if isinstance(x, Form):
            x, y = y, x
        return self.times(y if isinstance(y, Form) else self.range(y), self.range(x))

    def curve(self, x, f, first, second):
        return f(self.range(x))

    def power(self, x, p, positive):
        z = self.range(x)
        return super().power(z, p, positive) if p in (0, 1) else z ** arb(p)

    def relu(self, x):
        if not isinstance(x, Form):
            return self.range(x).max(0)
        self.units.append(x)
        return Form([(self.inputs + len(self.units) - 1, arb(1))])

    def larger(self, x, y):
        return self.sum(x, self.relu(self.sum(y, self.times(x, -1))))


class Level:
    """Units that depend on inputs and on units of earlier levels alone: their numbers, and a matrix of their forms."""

    def __init__(self, units, forms):
        self.units = units
        terms = [f.terms() for f in forms]
        self.symbols = sorted(set().union(*terms))
        self.matrix = arb_mat([[t.get(s, arb(0)) for s in self.symbols] for t in terms])


def levels_of(network):
    """The levels, from the inputs on."""
    heights, groups = {}, {}
    for k, form in enumerate(network.units):
        height = max((heights.get(s, 0) for s in form.terms()), default=0) + 1
        heights[network.inputs + k] = height
        groups.setdefault(height, []).append(k)
    return [
        Level([network.inputs + k for k in groups[h]], [network.units[k] for k in groups[h]]) for h in sorted(groups)
    ]


# Bounds over a box


class Box:
    """The lines of all units over a box from ``low`` to ``high``."""

    def __init__(self, levels, low, high):
        self.levels, self.lines = levels, {}
        self.ranges = {ONE: arb(1), **{i: arb(a).union(arb(b)) for i, (a, b) in enumerate(zip(low, high, strict=True))}}
        for number, level in enumerate(levels):
            self._bound(number, level)

    def _bound(self, number, level):
        """The lines of the units of a level, by ranges of their arguments."""
        values = level.matrix * arb_mat([[self.ranges[s]] for s in level.symbols])
        ends = [[values[k, 0].lower(), values[k, 0].upper()] for k in range(len(level.units))]
        open_ = [k for k, (low, high) in enumerate(ends) if low < 0 < high]
        rows = [[sign * level.matrix[k, j] for j in range(len(level.symbols))] for k in open_ for sign in (1, -1)]
        if rows and number:
            found = self.above(level.symbols, rows, number)[0]
            for k, high, low in zip(open_, found[::2], found[1::2], strict=True):
                ends[k] = [ends[k][0].max(-low), ends[k][1].min(high)]
        for unit, (low, high) in zip(level.units, ends, strict=True):
            self.ranges[unit] = low.max(0).union(high.max(0))
            self.lines[unit] = lines(low, high)

    def above(self, symbols, rows, level):
        """For rows of factors of symbols below a level, what they are at most; and their factors of the inputs."""
        factors = {s: [row[j] for row in rows] for j, s in enumerate(symbols)}
        constants = [arb(0)] * len(rows)
        for at in reversed(self.levels[:level]):
            if not any(u in factors for u in at.units):
                continue
            columns = [self._through(factors.pop(u, None), u, constants) for u in at.units]
            moved = arb_mat([[c[r] for c in columns] for r in range(len(rows))]) * at.matrix
            for j, s in enumerate(at.symbols):
                old = factors.get(s)
                factors[s] = [moved[r, j] + (old[r] if old else 0) for r in range(len(rows))]
        found = []
        for r in range(len(rows)):
            total = constants[r]
            for s, column in factors.items():
                total += column[r] * self.ranges[s]
            found.append(total.upper())
        return found, factors

    def _through(self, factors, unit, constants):
        """The factors of a unit's argument, in the place of those of the unit."""
        if factors is None:
            return [arb(0)] * len(constants)
        (slope, offset), least = self.lines[unit]
        found = []
        for r, factor in enumerate(factors):
            if factor > 0:
                constants[r] += factor * offset
                found.append(factor * slope)
            elif factor < 0:
                found.append(factor * least)
            else:  # perhaps 0
                constants[r] += factor * self.ranges[unit]
                found.append(arb(0))
        return found


def lines(low, high):
    """The slope and the offset of the line above a relu whose argument has a range, and the slope of that below it."""
    if low >= 0:
        return (arb(1), arb(0)), arb(1)
    if high <= 0:
        return (arb(0), arb(0)), arb(0)
    slope = (high / (high - low)).mid()
    return (slope, (-slope * low).max((1 - slope) * high)), arb(1 if high > -low else 0)


# The claim


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
        self.network = Network(header["graph"], data, box)
        place = self.network.place(header["network"])
        self.digest = self.network.digests[place]
        values = [self.network.row(y) for y in self.network.found[place].ravel()]
        self.outputs = [y if isinstance(y, Form) else Form([(ONE, y)]) for y in values]
        self.levels = levels_of(self.network)

    def check(self, cover):
        """Require all that makes the claim true, and say what that is."""
        for group in self.groups:
            understood(group.rows.shape[1] == len(self.outputs), "a row")
            require((group.low <= group.high).all(), "a box has its lower end above its upper one")
            cover(group.box[:, 0], group.box[:, 1], group.low, group.high)
            self.left = 1_000 + 10 * len(group.low)
            rows = [Form([(y, arb(float(-v))) for y, v in zip(self.outputs, row, strict=True)]) for row in group.rows]
            forms = [r.terms() for r in rows]
            for low, high in zip(group.low, group.high, strict=True):
                self.require_outside(group, forms, low, high, HALVINGS)
        cases = sum(len(g.members) for g in self.groups)
        boxes = sum(len(g.low) for g in self.groups)
        shown = "; ".join(str(g) for g in self.groups[:4]) + ("; ..." if len(self.groups) > 4 else "")
        about = f"network sha256:{self.digest}"
        return f"none of {cases} polytopes of outputs is reached, by {boxes:,} boxes: {shown}; {about}"

    def require_outside(self, group, forms, low, high, halvings):
        """Require that no output of a box is in a polytope; of its halves, where bounds of the whole do not say so."""
        box, open_ = Box(self.levels, low, high), None
        for member in group.members:
            symbols = sorted(set().union(*(forms[i] for i in member)))
            rows = [[forms[i].get(s, arb(0)) for s in symbols] for i in member]
            found, factors = box.above(symbols, rows, len(self.levels))
            off = [(f + arb(float(group.limits[i])), r) for r, (i, f) in enumerate(zip(member, found, strict=True))]
            if not any(v < 0 for v, _ in off):
                r = min(range(len(off)), key=lambda k: float(off[k][0].mid()))
                open_ = [float(abs(factors[i][r]).mid()) if i in factors else 0.0 for i in range(len(low))]
        if open_ is None:
            return
        self.left -= 1
        require(self.left > 0, "this takes too many more boxes")
        axis = int(np.argmax((high - low) * np.array(open_)))
        middle = low[axis] / 2 + high[axis] / 2
        require(halvings > 0 and low[axis] < middle < high[axis], f"a polytope may be reached from {low} to {high}")
        for end, part in ((high, 0), (low, 1)):
            other = end.copy()
            other[axis] = middle
            ends = (low, other) if part == 0 else (other, high)
            self.require_outside(group, forms, *ends, halvings - 1)


class Group:
    """A box, polytopes of outputs that are not reached from it, and the boxes that cover it."""

    def __init__(self, header, number, data):
        names(header, "box", "members")
        self.box = np.array([[real(v) for v in ends] for ends in header["box"]])
        understood(self.box.ndim == 2 and self.box.shape[1] == 2 and len(self.box), "a box")
        understood((self.box[:, 0] <= self.box[:, 1]).all(), "a box")
        arrays = [data.pop(f"{name} {number}") for name in ("rows", "limits", "low", "high")]
        understood(all(a.dtype == np.float64 and np.isfinite(a).all() for a in arrays), "an array of a box")
        self.rows, self.limits, self.low, self.high = arrays
        understood(self.rows.ndim == 2 and self.limits.shape == (len(self.rows),), "the rows")
        understood(self.low.shape == self.high.shape == (len(self.low), len(self.box)) and len(self.low), "the boxes")
        understood(type(header["members"]) is list and header["members"], "the polytopes")
        self.members = [wholes(m) for m in header["members"]]
        understood(all(m and max(m) < len(self.rows) for m in self.members), "a polytope")

    def __str__(self):
        def inequality(i):
            factors = [f"{v!r} y{k}" for k, v in enumerate(self.rows[i].tolist()) if v]
            return f"{' + '.join(factors) or 0} <= {float(self.limits[i])!r}"

        told = " or ".join(" and ".join(inequality(i) for i in m[:4]) + (" ..." if len(m) > 4 else "")
                           for m in self.members[:4])  # fmt: skip
        box = self.box.tolist()
        return f"from {box[:5]}{'' if len(box) < 6 else f' and {len(box) - 5} more sides'} not {told[:600]}"
