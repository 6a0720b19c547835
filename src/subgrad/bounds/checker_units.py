"""Linear bounds that go backward, in balls of Arb, for the checker of proofs.

A network is read as a list of units, each a function of an affine form x of inputs and earlier units: max(x, c x) with
a c of its own, 0 for relu, or a smooth function. Over a box a unit lies between two lines, which `checker_curves` has.
A linear function of the outputs is followed back to the inputs, and units are replaced by their lines on the way; so
are the arguments of units, level by level, whose ranges the lines are made of.
"""

# pyright: basic, reportMissingImports=false, reportGeneralTypeIssues=false, reportIndexIssue=false
import functools
import math
from collections.abc import Callable
from typing import NamedTuple

from flint import arb, arb_mat

if __package__:
    from subgrad.bounds import checker_curves as curves
    from subgrad.bounds import checker_graph as graphs
    from subgrad.bounds import checker_numbers as numbers
else:  # the checker is run by its path
    import checker_curves as curves
    import checker_graph as graphs
    import checker_numbers as numbers

filled, require, understood = numbers.filled, numbers.require, numbers.understood
Jet, Lines = curves.Jet, curves.Lines

ONE = -1  # the symbol of the number 1; inputs are 0 to d - 1, then units follow
ROOM = 2**18  # factors of the rows that go backward at once
DEEP, LONG = 8, 40  # sums inside of sums, and operations in all, of what is read as one function of one number
FINE = 2.0**-30  # of a number: the least ball of a factor that counts


# Affine forms


class Form:
    """A sum of symbols and of other forms, each with a factor. It is added up when it is looked at."""

    def __init__(self, parts):
        self.parts, self.found = list(parts), None

    def terms(self):
        """The factor of each symbol."""
        if self.found is None:
            self.found, self.parts = self.added(), []
        return self.found

    def added(self):
        """These, of a form that is looked at as a sum afterwards, too."""
        found: dict = {}
        pending: list = [(self, arb(1))]
        while pending:
            form, by = pending.pop()
            for part, factor in form.parts if form.found is None else form.found.items():
                if isinstance(part, Form):
                    pending.append((part, by * factor))
                else:
                    found[part] = found.get(part, arb(0)) + by * factor
        return found


class Unit(NamedTuple):
    """``curve`` of a number, as a function of a `Jet`, in so many operations; max(x, c x) if there is a ``c``."""

    of: Form
    curve: Callable
    size: int = 1
    c: arb | None = None

    def lines(self, low, high, slope=None):
        """Its lines where the number has this range, and its own range."""
        if self.c is not None:
            return curves.bent_lines(low, high, self.c)
        return curves.smooth_lines(low, high, self.curve, slope)


class Network(graphs.Graph):
    """The graph of a proof as units, each with the affine form of its argument."""

    def __init__(self, nodes, data, box):
        super().__init__(nodes, data, box)
        self.inputs, self.units, self.symbols, self.ranges = len(box), [], {}, {}
        self.point = filled((1, self.inputs), None)
        for i in range(self.inputs):
            self.point[0, i] = Form([(i, arb(1))])
        self.found = self.evaluate()

    def row(self, x):
        return x if isinstance(x, Form) else self.range(x)

    def range(self, x):
        require(not isinstance(x, Form), "a condition on what varies, or an operation with a jump")
        understood(isinstance(x, (arb, int)) and not isinstance(x, bool), "a condition in the place of a number")
        return arb(x)

    def sum(self, x, y):
        if isinstance(x, Form) or isinstance(y, Form):
            return Form([(v if isinstance(v, Form) else ONE, arb(1) if isinstance(v, Form) else v) for v in (x, y)])
        return x + y

    def times(self, x, factor):
        return Form([(x, factor)]) if isinstance(x, Form) else x * factor

    def product(self, x, y):
        """A unit, of functions of the same number; else ((s x + y/s)² - (s x - y/s)²) / 4."""
        if not (isinstance(x, Form) and isinstance(y, Form)):
            x, y = (y, x) if isinstance(x, Form) else (x, y)
            return self.times(y if isinstance(y, Form) else self.range(y), self.range(x))
        (of, one, size), (other_of, other, more) = self.seen(x), self.seen(y)
        if of is other_of and size + more < LONG:
            made = (lambda v: one(v).squared()) if x is y else (lambda v: one(v).product(other(v)))
            return self.unit(Unit(of, made, size + more + 1))
        if x is y:
            return self.unit(Unit(x, Jet.squared))
        by = same_size(self.extent(x), self.extent(y))
        x, y = self.times(x, by), self.times(y, 1 / by)
        plus, minus = (self.product(z, z) for z in (self.sum(x, y), self.sum(x, self.times(y, -1))))
        return self.times(self.sum(plus, self.times(minus, -1)), arb(0.25))

    def curve(self, x, f, first, second):
        if not isinstance(x, Form):
            return f(self.range(x))
        of, inner, size = self.seen(x)
        return self.unit(Unit(of, lambda v: inner(v).into(f, first, second), size + 1))

    def power(self, x, p, positive):
        if isinstance(x, Form) or p in (0, 1):
            return super().power(x, p, positive)
        return self.range(x) ** arb(p)

    def unit(self, made):
        """What a new unit is."""
        self.units.append(made)
        return Form([(self.inputs + len(self.units) - 1, arb(1))])

    def seen(self, form, deep=DEEP):
        """A form, and the function of it alone that this one is, as a function of a `Jet`, in so many operations.

        That is looked for in sums inside of sums, down to inputs and to what units are functions of; without such a
        form it is this one itself.
        """
        itself = form, (lambda v: v), 0
        if not deep or not form.parts:
            return itself
        terms, size, base = [], 0, None
        for part, factor in form.parts:
            if isinstance(part, Form):
                of, inner, more = self.seen(part, deep - 1)
            elif part == ONE:
                of, inner, more = base, (lambda v: curves.ALWAYS_ONE), 0
            elif part < self.inputs:
                return itself
            else:
                of, inner, more = self.unit_seen(self.units[part - self.inputs], deep - 1)
            size, base = size + more + 1, of if base is None else base
            if of is not base or size > LONG:
                return itself
            terms.append((inner, factor))
        if base is None:
            return itself
        return base, (lambda v: functools.reduce(Jet.plus, [f(v).times(a) for f, a in terms])), size

    def unit_seen(self, unit, deep):
        """A unit likewise."""
        if unit.c is None:
            return unit.of, unit.curve, unit.size
        of, inner, size = self.seen(unit.of, deep)
        return of, (lambda v: unit.curve(inner(v))), size + 1

    def extent(self, form):
        """Where a form lies, by intervals alone."""
        return sum((v * self.reach(s) for s, v in form.added().items()), arb(0))

    def reach(self, symbol):
        """Where a symbol lies, likewise."""
        if symbol == ONE:
            return arb(1)
        if symbol < self.inputs:
            low, high = self.box[symbol]
            return arb(low).union(arb(high))
        if symbol not in self.ranges:
            unit = self.units[symbol - self.inputs]
            self.ranges[symbol] = unit.curve(curves.itself(self.extent(unit.of))).value
        return self.ranges[symbol]

    def relu(self, x):
        return self.bent(x, arb(0)) if isinstance(x, Form) else self.range(x).max(0)

    def magnitude(self, x):
        return self.larger(x, self.times(x, -1))

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
            self.unit(Unit(x, lambda v: v.bent(c), c=c))  # where it stays alive: no other form gets its id
        unit = self.symbols[id(x)]
        own = self.units[unit - self.inputs].c
        share = (1 - c) / (1 - own)
        return Form([(unit, share), (x, c - share * own)] if c is not own else [(unit, arb(1))])


def same_size(x, y):
    """A power of 2: a factor for x, and a divisor for y, with which their balls are about as large. A ball next to a
    number counts as a part of that: squares of numbers far above their balls would leave nothing of these."""
    sizes = [float(v.rad()) + FINE * float(v.abs_upper()) for v in (x, y)]
    if not all(0 < s < math.inf for s in sizes):
        return arb(1)
    return arb(2) ** round((math.log2(sizes[1]) - math.log2(sizes[0])) / 2)


class Level:
    """Units that depend on inputs and on units of earlier levels alone: their symbols, and a matrix of their forms."""

    def __init__(self, symbols, made):
        self.units, self.made = symbols, made
        terms = [unit.of.terms() for unit in made]
        self.symbols = sorted(set().union(*terms))
        self.matrix = arb_mat([[t.get(s, arb(0)) for s in self.symbols] for t in terms])


def levels_of(network, outputs):
    """The levels, from the inputs on, of the units that some forms depend on."""
    wanted, pending = set(), list(outputs)
    while pending:
        new = {s for s in pending.pop().terms() if s >= network.inputs} - wanted
        wanted |= new
        pending += [network.units[s - network.inputs].of for s in new]
    heights, groups = {}, {}
    for symbol in sorted(wanted):
        unit = network.units[symbol - network.inputs]
        height = max((heights.get(s, 0) for s in unit.of.terms()), default=0) + 1
        heights[symbol] = height
        groups.setdefault(height, []).append(symbol - network.inputs)
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


class Box:
    """The lines of all units over a box from ``low`` to ``high``.

    ``columns`` has the number of a unit in lists of `Chosen`, and ``tight`` the choices for a unit's argument and for
    its negative, of which its range is made. ``flat``: of smooth units the ranges are used, and no lines.
    """

    def __init__(self, levels, low, high, columns=None, tight=None, flat=False):
        self.levels, self.columns, self.tight, self.flat = levels, columns or {}, tight or {}, flat
        self.lines, self.ends, self.made = {}, {}, {}
        self.ranges = {ONE: arb(1), **{i: arb(a).union(arb(b)) for i, (a, b) in enumerate(zip(low, high, strict=True))}}
        for number, level in enumerate(levels):
            self._bound(number, level)

    def _bound(self, number, level):
        """The lines of the units of a level, by ranges of their arguments."""
        values = level.matrix * arb_mat([[self.ranges[s]] for s in level.symbols])
        ends = [[values[k, 0].lower(), values[k, 0].upper()] for k in range(len(level.units))]
        bends = [unit.c is not None for unit in level.made]
        open_ = [k for k, (low, high) in enumerate(ends) if (low < 0 < high if bends[k] else low < high) and number]
        for some in shares(open_, 2 * len(level.symbols)):
            rows = [[sign * level.matrix[k, j] for j in range(len(level.symbols))] for k in some for sign in (1, -1)]
            chosen = [c for k in some for c in self.tight.get(level.units[k], (None, None))]
            found = self.above(level.symbols, rows, number, chosen)[0]
            for k, high, low in zip(some, found[::2], found[1::2], strict=True):
                ends[k] = [ends[k][0].max(-low), ends[k][1].min(high)]
        for symbol, unit, (low, high) in zip(level.units, level.made, ends, strict=True):
            self.ends[symbol], self.made[symbol] = (low, high), unit
            self.lines[symbol], self.ranges[symbol] = unit.lines(low, high)
            if self.flat and unit.c is None:
                self.lines[symbol] = curves.flat(self.ranges[symbol], True)

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

    def closer(self, units, signs, slopes):
        """The lines of units without a number, where those that have one have these signs.

        ``slopes`` has those that lines of smooth units are to have.
        """
        known, found = {}, {}
        for unit, column in self.columns.items():
            if signs[column]:
                low, high = self.ends[unit]
                ends = (low.max(0), high) if signs[column] > 0 else (low, high.min(0))
                known[unit] = self.made[unit].lines(*ends)[1]
        for unit, factors in units:
            if unit in slopes or any(s in known for s, _ in factors):
                value = sum((v * known.get(s, self.ranges[s]) for s, v in factors), arb(0))
                low, high = self.ends[unit][0].max(value.lower()), self.ends[unit][1].min(value.upper())
                found[unit], known[unit] = self.made[unit].lines(low, high, slopes.get(unit))
        return found

    def _through(self, factors, unit, constants, chosen):
        """The factors of a unit's argument, in the place of those of the unit."""
        column, c, found = self.columns.get(unit), self.made[unit].c, []
        for r, (factor, own) in enumerate(zip(factors, chosen, strict=True)):
            above, offset, below, under, open_ = (own.lines if own else self.lines).get(unit, self.lines[unit])
            own = None if column is None else own
            if own and own.signs[column]:  # the unit is its argument x, or c x
                sign = own.signs[column]
                found.append(factor * (1 if sign > 0 else c) + sign * arb(own.weights[column]))
            elif factor > 0:
                constants[r] += factor * offset
                found.append(factor * above)
            elif factor < 0:
                constants[r] += factor * under
                found.append(factor * (arb(own.slopes[column]).max(c) if own and open_ else below))
            else:  # perhaps 0
                constants[r] += factor * self.ranges[unit]
                found.append(arb(0))
        return found


def shares(items, width):
    """Parts of a list, each of so few that rows of this width have room."""
    count = max(1, ROOM // max(1, width))
    return [items[k : k + count] for k in range(0, len(items), count)]
