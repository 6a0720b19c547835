"""Linear bounds that go backward, in balls of Arb, for the checker of proofs.

A network of relu, magnitudes and the like, and of what is made of them and affine, is read as a list of units. Each is
max(x, c x) of an affine form x of inputs and earlier units, with a c of its own, 0 for relu. Over a box it lies between
two lines: below its chord, and above a line through 0 with a slope from c to 1. A linear function of the outputs is
followed back to the inputs, and units are replaced by their lines on the way; so are the arguments of units, level by
level, whose ranges the lines are made of.
"""

# pyright: basic, reportMissingImports=false, reportGeneralTypeIssues=false, reportIndexIssue=false
from typing import NamedTuple

from flint import arb, arb_mat

if __package__:
    from subgrad.bounds import checker_graph as graphs
    from subgrad.bounds import checker_numbers as numbers
else:  # the checker is run by its path
    import checker_graph as graphs
    import checker_numbers as numbers

filled, require, understood = numbers.filled, numbers.require, numbers.understood

ONE = -1  # the symbol of the number 1; inputs are 0 to d - 1, then units follow
ROOM = 2**18  # factors of the rows that go backward at once


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
        self.inputs, self.units, self.symbols = len(box), [], {}
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
        return self.bent(x, arb(0)) if isinstance(x, Form) else self.range(x).max(0)

    def larger(self, x, y):
        if isinstance(x, Form) and isinstance(y, Form) and len(y.parts) == 1:
            ((part, factor),) = y.parts
            if part is x and factor < 1:  # a magnitude, leaky relu
                return self.bent(x, arb(factor))
        return self.sum(x, self.relu(self.sum(y, self.times(x, -1))))

    def bent(self, x, c):
        """max(x, c x) for c < 1: a unit, or made of that of x if there is one."""
        if id(x) not in self.symbols:
            self.symbols[id(x)] = self.inputs + len(self.units)
            self.units.append((x, c))  # where it stays alive: no other form gets its id
        unit = self.symbols[id(x)]
        own = self.units[unit - self.inputs][1]
        share = (1 - c) / (1 - own)
        return Form([(unit, share), (x, c - share * own)] if c is not own else [(unit, arb(1))])


class Level:
    """Units that depend on inputs and on units of earlier levels alone: their symbols, and a matrix of their forms."""

    def __init__(self, symbols, units):
        self.units, self.bends = symbols, [c for _, c in units]
        terms = [form.terms() for form, _ in units]
        self.symbols = sorted(set().union(*terms))
        self.matrix = arb_mat([[t.get(s, arb(0)) for s in self.symbols] for t in terms])


def levels_of(network):
    """The levels, from the inputs on."""
    heights, groups = {}, {}
    for k, (form, _) in enumerate(network.units):
        height = max((heights.get(s, 0) for s in form.terms()), default=0) + 1
        heights[network.inputs + k] = height
        groups.setdefault(height, []).append(k)
    return [
        Level([network.inputs + k for k in groups[h]], [network.units[k] for k in groups[h]]) for h in sorted(groups)
    ]


# Bounds over a box


class Chosen(NamedTuple):
    """What a row has of its own, for some units: lists with a number for each.

    Attributes:
        signs: 1 or -1 where the row counts for this sign of the unit's argument alone, else 0.
        slopes: of the line below the unit, at most 1, where its argument has no sign.
        weights: 0 or more: so many times the argument and its sign, which is not negative, are added to the row.
        lines: of units that have no number, where these signs make them closer.
    """

    signs: list
    slopes: list
    weights: list
    lines: dict


class Lines(NamedTuple):
    """A unit max(x, c x) lies below ``above x + offset`` and above ``below x``; x may have both signs if ``open``."""

    above: arb
    offset: arb
    below: arb
    open: bool


def lines(low, high, c):
    """The lines of a unit whose argument has a range, and the unit's range."""
    if low >= 0:
        return Lines(arb(1), arb(0), arb(1), False), low.union(high)
    if high <= 0:
        return Lines(c, arb(0), c, False), (c * low).union(c * high)
    chord = ((high - c * low) / (high - low)).mid()
    offset = ((c - chord) * low).max((1 - chord) * high)  # the unit less a line is convex: largest at an end
    most = (c * low).max(high)
    return Lines(chord, offset, arb(1) if high > -low else c, True), (c * low).min(0).union(most)


class Box:
    """The lines of all units over a box from ``low`` to ``high``.

    ``columns`` has the number of a unit in lists of `Chosen`, and ``tight`` the choices for a unit's argument and for
    its negative, of which its range is made.
    """

    def __init__(self, levels, low, high, columns=None, tight=None):
        self.levels, self.columns, self.tight = levels, columns or {}, tight or {}
        self.lines, self.ends, self.bends = {}, {}, {}
        self.ranges = {ONE: arb(1), **{i: arb(a).union(arb(b)) for i, (a, b) in enumerate(zip(low, high, strict=True))}}
        for number, level in enumerate(levels):
            self._bound(number, level)

    def _bound(self, number, level):
        """The lines of the units of a level, by ranges of their arguments."""
        values = level.matrix * arb_mat([[self.ranges[s]] for s in level.symbols])
        ends = [[values[k, 0].lower(), values[k, 0].upper()] for k in range(len(level.units))]
        open_ = [k for k, (low, high) in enumerate(ends) if low < 0 < high] if number else []
        for some in shares(open_, 2 * len(level.symbols)):
            rows = [[sign * level.matrix[k, j] for j in range(len(level.symbols))] for k in some for sign in (1, -1)]
            chosen = [c for k in some for c in self.tight.get(level.units[k], (None, None))]
            found = self.above(level.symbols, rows, number, chosen)[0]
            for k, high, low in zip(some, found[::2], found[1::2], strict=True):
                ends[k] = [ends[k][0].max(-low), ends[k][1].min(high)]
        for unit, c, (low, high) in zip(level.units, level.bends, ends, strict=True):
            self.ends[unit], self.bends[unit] = (low, high), c
            self.lines[unit], self.ranges[unit] = lines(low, high, c)

    def above(self, symbols, rows, level, chosen=None):
        """For rows of factors of symbols below a level: what they are at most, and their factors of symbols.

        ``chosen`` has for each row what it has of its own, or None.
        """
        factors = {s: [row[j] for row in rows] for j, s in enumerate(symbols)}
        constants = [arb(0)] * len(rows)
        trail, nothing, chosen = {}, [arb(0)] * len(rows), chosen or [None] * len(rows)
        for at in reversed(self.levels[:level]):
            if not any(u in factors or u in self.columns for u in at.units):
                continue
            trail.update({u: factors.pop(u, nothing) for u in at.units})
            columns = [self._through(trail[u], u, constants, chosen) for u in at.units]
            moved = arb_mat([[c[r] for c in columns] for r in range(len(rows))]) * at.matrix
            for j, s in enumerate(at.symbols):
                old = factors.get(s, nothing)
                factors[s] = [moved[r, j] + old[r] for r in range(len(rows))]
        found = []
        for r in range(len(rows)):
            total = constants[r]
            for s, column in factors.items():
                total += column[r] * self.ranges[s]
            found.append(total.upper())
        return found, {**trail, **factors}

    def without_number(self):
        """The open units that have no number, each with the factors of its argument."""
        for level in self.levels:
            for k, unit in enumerate(level.units):
                if self.lines[unit].open and unit not in self.columns:
                    factors = [(s, level.matrix[k, j]) for j, s in enumerate(level.symbols)]
                    yield unit, [(s, v) for s, v in factors if v != 0]

    def closer(self, units, signs):
        """The lines of units without a number, where those that have one have these signs."""
        known, found = {}, {}
        for unit, column in self.columns.items():
            if signs[column]:
                low, high = self.ends[unit]
                ends = (low.max(0), high) if signs[column] > 0 else (low, high.min(0))
                known[unit] = lines(*ends, self.bends[unit])[1]
        for unit, factors in units:
            if any(s in known for s, _ in factors):
                value = sum((v * known.get(s, self.ranges[s]) for s, v in factors), arb(0))
                low, high = self.ends[unit][0].max(value.lower()), self.ends[unit][1].min(value.upper())
                found[unit], known[unit] = lines(low, high, self.bends[unit])
        return found

    def _through(self, factors, unit, constants, chosen):
        """The factors of a unit's argument, in the place of those of the unit."""
        column, c, found = self.columns.get(unit), self.bends[unit], []
        for r, (factor, own) in enumerate(zip(factors, chosen, strict=True)):
            above, offset, below, open_ = (own.lines if own else self.lines).get(unit, self.lines[unit])
            own = None if column is None else own
            if own and own.signs[column]:  # the unit is its argument x, or c x
                sign = own.signs[column]
                found.append(factor * (1 if sign > 0 else c) + sign * arb(own.weights[column]))
            elif factor > 0:
                constants[r] += factor * offset
                found.append(factor * above)
            elif factor < 0:
                found.append(factor * (arb(own.slopes[column]).max(c) if own and open_ else below))
            else:  # perhaps 0
                constants[r] += factor * self.ranges[unit]
                found.append(arb(0))
        return found


def shares(items, width):
    """Parts of a list, each of so few that rows of this width have room."""
    count = max(1, ROOM // max(1, width))
    return [items[k : k + count] for k in range(0, len(items), count)]
