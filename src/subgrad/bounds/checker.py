"""An independent check of saved proofs, in the ball arithmetic of Arb: ``python -m subgrad.bounds.checker FILE``.

It shares no code with the prover: it needs python-flint, NumPy and safetensors (``pip install 'subgrad[approx]'``).
A proof holds a graph of operations on a point, a claim about two or one of its nodes, a box, a limit, and small boxes
with a bound each. Checked is that

1. the small boxes cover the box (`cover`),
2. no bound is above the limit (`Proof.check`),
3. on each small box, what the claim is about stays within the bound (`Proof.require_below`).

So what is claimed holds for every point of the box. Arb: F. Johansson, IEEE Transactions on Computers 66, 2017.

Nothing in a file is taken on trust: all that `check` says, it has computed, and what it does not understand, it
refuses. `checker_numbers` has the arithmetic, `checker_operations` the operations, `checker_graph` the graph, and
`checker_unreachable` a second kind of proof: of outputs that are never reached, with bounds that go backward of
`checker_units`.
"""

# pyright: basic, reportMissingImports=false
import json
import os
import sys

import numpy as np
from safetensors import safe_open

try:
    from flint import arb
except ImportError as error:
    stop = SystemExit if __name__ == "__main__" else ImportError
    raise stop("the checker needs python-flint, which is not installed: pip install 'subgrad[approx]'") from error
if __package__:
    from subgrad.bounds import checker_graph as graphs
    from subgrad.bounds import checker_numbers as numbers
    from subgrad.bounds import checker_operations as operations
    from subgrad.bounds import checker_unreachable as unreachable
else:  # this file is run by its path
    import checker_graph as graphs
    import checker_numbers as numbers
    import checker_operations as operations
    import checker_unreachable as unreachable

CheckFailed, OPERATIONS = numbers.CheckFailed, operations.OPERATIONS
names, real, require = numbers.names, numbers.real, numbers.require
understood, whole = numbers.understood, numbers.whole

HALVINGS = 60  # how often a small box is halved at most
LOOK = 8  # after so many halvings, a look whether more of them can help at all


def check(path):
    """What the proof in a file shows, in words that are made of what was checked alone.

    Raises `CheckFailed`, a `FileError`, if it does not show what it claims, or holds anything that is not understood.
    """
    try:
        header, data = read(path)
        if header["kind"] == "proof of unreachable outputs":
            return unreachable.Unreachable(header, data).check(cover)
        return Proof(header, data).check()
    except CheckFailed:
        raise
    except Exception as error:
        raise CheckFailed(f"this is no proof: {f'{type(error).__name__}: {error}'[:200]}") from error


# Reading


def read(path):
    """The header of a file, and its arrays by name."""
    if not os.path.isfile(path):
        raise CheckFailed(f"cannot read {path}: there is no file of this name, or it is a folder, a pipe or a device")
    with safe_open(path, "np") as file:
        text = (file.metadata() or {})["subgrad"]
        data = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    header = json.loads(text, object_pairs_hook=without_repetition, parse_constant=no_constant)
    understood(header.get("kind") in ("proof of bounds", "proof of unreachable outputs"), "the kind of the file")
    understood(type(header["format"]) is int, "the kind of the file")
    digest = header.pop("digest", "")  # against damage, no proof
    understood(type(digest) is str, "the digest")
    return header, data


def without_repetition(pairs):
    """A record of JSON, whose names must differ."""
    found = dict(pairs)
    understood(len(found) == len(pairs), "a name that stands there twice")
    return found


def no_constant(name):
    """Refuse NaN and infinity, which are no JSON."""
    understood(False, name)


# Boxes


def cover(a, b, low, high):
    """Require that boxes cover the box from corner a to corner b.

    ``low`` and ``high``, shape (n, d), are the corners of the boxes. The box is cut where no box crosses, and each part
    again, until one box holds all of a part.
    """
    pending = [(a, b, np.arange(len(low)))]
    while pending:
        a, b, some = pending.pop()
        holds = (low[some] <= a) & (b <= high[some])
        if holds.all(axis=1).any():
            continue
        axis, at = place_to_cut(low[some], high[some])
        left, right = some[high[some, axis] <= at], some[low[some, axis] >= at]
        pending.append((a, with_coordinate(b, axis, at), left))
        pending.append((with_coordinate(a, axis, at), b, right))


def place_to_cut(low, high):
    """An axis, and a number there at which boxes end and others begin, and which none crosses."""
    most_even, found = 0, None
    for axis in range(low.shape[1]):
        order = np.argsort(low[:, axis], kind="stable")
        starts = low[order, axis]
        reached = np.maximum.accumulate(high[order, axis])
        for k in np.flatnonzero((reached[:-1] == starts[1:]) & (starts[:-1] < starts[1:])):
            smaller_side = min(k + 1, len(low) - k - 1)  # at least 1
            if smaller_side >= most_even:
                most_even, found = smaller_side, (axis, float(starts[k + 1]))
    if found is None:
        raise CheckFailed("not proven: the boxes do not cover the box")
    return found


def with_coordinate(corner, axis, value):
    """A corner with another coordinate along one axis."""
    found = corner.copy()
    found[axis] = value
    return found


class Proof:
    """What a file says, as far as it can be understood at all."""

    def __init__(self, header, data):
        names(header, "format", "kind", "claim", "box", "limit", "graph")
        understood(type(header["box"]) is list and header["box"], "the box")
        self.box = np.array([[real(v) for v in ends] for ends in header["box"]])
        understood(self.box.shape == (len(self.box), 2), "the box")
        understood((self.box[:, 0] <= self.box[:, 1]).all(), "the box")
        self.limit = real(header["limit"])
        self.low, self.high, self.bound = (data.pop(name) for name in ("low", "high", "bound"))
        for array in (self.low, self.high, self.bound):
            understood(array.dtype == np.float64 and np.isfinite(array).all(), "a number of the small boxes")
        understood(self.bound.ndim == 1 and len(self.bound), "the list of bounds")
        understood(self.low.shape == self.high.shape == (len(self.bound), len(self.box)), "the list of boxes")
        self.graph = graphs.Graph(header["graph"], data, self.box)
        self.claim = Claim(header["claim"], self.graph)
        self.left = 10_000 + 50 * len(self.bound)  # how many boxes may be halved

    def check(self):
        """Require all that makes the claim true, and say what that is."""
        require((self.low <= self.high).all(), "a box has its lower end above its upper one")
        require((self.bound <= self.limit).all(), "a bound is above the limit")
        cover(self.box[:, 0], self.box[:, 1], self.low, self.high)
        for low, high, bound in zip(self.low, self.high, self.bound.tolist(), strict=True):
            self.require_below(low, high, bound, HALVINGS)
        box = self.box.tolist()
        if len(box) > 4:
            box = f"{box[:4]} and {len(box) - 4} more sides"
        shown = f"{len(self.bound):,} boxes cover {box}, and none exceeds {self.limit!r}"
        return f"{self.claim.words} is at most {self.limit!r}: {shown}; {self.claim.about}"

    def require_below(self, low, high, bound, halvings):
        """Require that what is claimed is at most ``bound`` at each point of the box from ``low`` to ``high``.

        Where the ranges over the box do not show it, it is shown for each half.
        """
        if self.claim.is_at_most(bound, low, high):
            return
        self.left -= 1
        require(self.left, "this takes too many more boxes")
        if halvings % LOOK == HALVINGS % LOOK:
            point = np.clip(low / 2 + high / 2, low, high)
            require(not self.claim.exceeds(bound, point), f"{bound!r} is exceeded at {point}")
        axis = np.argmax(high - low)
        middle = low[axis] / 2 + high[axis] / 2
        require(halvings > 0 and low[axis] < middle < high[axis], f"{bound!r} may be exceeded from {low} to {high}")
        self.require_below(low, with_coordinate(high, axis, middle), bound, halvings - 1)
        self.require_below(with_coordinate(low, axis, middle), high, bound, halvings - 1)


class Claim:
    """What is claimed of which nodes: that each of some numbers, made of these nodes, is at most the limit.

    The numbers are made here, and so is what is said of them:

    - ``error``: the differences of two nodes, whose magnitudes count;
    - ``within``: by how much an output leaves its limits;
    - ``robust``: by how much the score of another class exceeds that of the label;
    - ``values``: the elements of a node.
    """

    def __init__(self, claim, graph):
        understood(type(claim) is dict, "a claim")
        self.graph, self.kind = graph, claim.get("property")
        if self.kind == "error":
            self._read(claim, ["function", "network"])
            self.words = "the error"
        elif self.kind == "within":
            self._read(claim, ["network"], "low", "high")
            self.low, self.high = limits_of(claim["low"]), limits_of(claim["high"])
            told = [e if len(e) < 5 else f"{len(e)} numbers" for e in (self.low, self.high)]
            self.words = f"the most by which an output leaves its limits, {told[0]} and {told[1]},"
        elif self.kind == "robust":
            self._read(claim, ["network"], "label")
            self.label = whole(claim["label"])
            self.words = f"the most by which the score of another class exceeds that of class {self.label}"
        else:
            understood(self.kind == "values", "a claim")
            self._read(claim, ["node"])
            self.words, self.about = "the largest value of the graph", f"{self.about}, whose meaning is not checked"

    def _read(self, claim, roots, *more):
        """The nodes that the claim is about, and the digests by which they are told."""
        names(claim, "property", *roots, *more)
        self.roots = [self.graph.place(claim[root]) for root in roots]
        digests = [self.graph.digests[k] for k in self.roots]
        self.about = ", ".join(f"{root} sha256:{digest}" for root, digest in zip(roots, digests, strict=True))

    def is_at_most(self, bound, low, high):
        """Whether it is shown that no number exceeds ``bound`` anywhere in a box. False says nothing."""
        found = self.ranges(low, high)
        if self.kind == "error":
            return all(z <= bound and -z <= bound for z in found)
        return all(z <= bound for z in found)

    def exceeds(self, bound, point):
        """Whether it is shown that a number exceeds ``bound`` at a point."""
        found = self.ranges(point, point)
        if self.kind == "error":
            return any(z > bound or -z > bound for z in found)
        return any(z > bound for z in found)

    def ranges(self, low, high):
        """Of each number, the ball in which it lies on a box."""
        values = self.graph.values(low, high)
        found = self.numbers(*(values[k].ravel() for k in self.roots))
        understood(len(found), "a claim about nothing")
        return [self.graph.range(v) for v in found]

    def numbers(self, y, other=None):
        """The numbers of the claim, from the elements of its nodes."""
        if self.kind == "error":
            return self.minus(y, other)
        if self.kind == "robust":
            understood(self.label < len(y) > 1, "a class")
            others, own = np.delete(y, self.label), y[self.label : self.label + 1]
            return self.minus(others, np.repeat(own, len(others)))
        if self.kind == "within":
            above = [self.less(v, end) for v, end in zip(y, self.high, strict=True) if end is not None]
            below = [self.less(v, end) for v, end in zip(y, self.low, strict=True) if end is not None]
            return above + [self.graph.times(v, -1) for v in below]
        return y

    def minus(self, a, b):
        """The differences of two arrays."""
        return OPERATIONS["add"].rule(self.graph, a, OPERATIONS["neg"].rule(self.graph, b))

    def less(self, v, end):
        """A number less an end of its limits."""
        return self.graph.sum(v, arb(-end))


def limits_of(values):
    """The limits of a claim: numbers, or None where there is none."""
    return [None if v is None else real(v) for v in values]


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit("usage: checker FILE")
    try:
        print("checked:", check(sys.argv[1]))
    except CheckFailed as error:
        sys.exit(str(error))
