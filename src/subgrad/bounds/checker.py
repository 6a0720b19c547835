"""An independent check of saved proofs, in the ball arithmetic of Arb: ``python -m subgrad.bounds.checker FILE``.

It shares no code with the prover: it needs python-flint, NumPy and safetensors (``pip install 'subgrad[approx]'``).
A proof holds a graph of operations on a point, a claim about two or one of its nodes, a box, a limit, and small boxes
with a bound each. Checked is that these cover the box, that no bound is above the limit, and that what is claimed holds
on each small box within its bound. Arb: F. Johansson, IEEE Transactions on Computers 66, 2017.

Nothing in a file is taken on trust: all that `check` says, it has
computed, and what it does not understand, it refuses.
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
else:  # this file is run by its path
    import checker_graph as graphs

CURVES, CheckFailed = graphs.CURVES, graphs.CheckFailed
names, real, require, understood, whole = graphs.names, graphs.real, graphs.require, graphs.understood, graphs.whole

HALVINGS = 60  # how often a small box is halved at most


def check(path):
    """What the proof in a file shows, in words that are made of what was checked alone.

    Raises `CheckFailed`, a `FileError`, if it does not show what it claims, or holds anything that is not understood.
    """
    try:
        return Proof(*read(path)).check()
    except CheckFailed:
        raise
    except Exception as error:
        raise CheckFailed(f"this is no proof: {f'{type(error).__name__}: {error}'[:200]}") from error


# Reading


def read(path):
    """The header of a file, and its arrays by name."""

    def unique(pairs):
        understood(len(dict(pairs)) == len(pairs), "a name that stands there twice")
        return dict(pairs)

    if not os.path.isfile(path):
        raise CheckFailed(f"cannot read {path}: there is no file of this name, or it is a folder, a pipe or a device")
    with safe_open(path, "np") as file:
        text = (file.metadata() or {})["subgrad"]
        data = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    header = json.loads(text, object_pairs_hook=unique, parse_constant=lambda name: understood(False, name))
    understood(header.get("kind") == "proof of bounds" and type(header["format"]) is int, "the kind of the file")
    understood(type(header.pop("digest", "")) is str, "the digest")  # against damage, no proof
    names(header, "format", "kind", "claim", "box", "limit", "graph")
    return header, data


# Boxes


def cover(a, b, low, high):
    """The boxes cover the box from a to b: it is cut where no box crosses, until one of them holds the part."""
    pending = [(a, b, np.arange(len(low)))]
    while pending:
        a, b, some = pending.pop()
        if ((low[some] <= a) & (b <= high[some])).all(axis=1).any():
            continue
        axis, at = place_to_cut(low[some], high[some])
        to, start = (np.where(np.arange(len(a)) == axis, at, end) for end in (b, a))
        pending += [(a, to, some[high[some, axis] <= at]), (start, b, some[low[some, axis] >= at])]


def place_to_cut(low, high):
    best = (0, 0, 0.0)
    for axis in range(low.shape[1]):
        order = np.argsort(low[:, axis], kind="stable")
        reach, start = np.maximum.accumulate(high[order, axis])[:-1], low[order[1:], axis]
        cuts = np.flatnonzero((reach == start) & (low[order[:-1], axis] < start))
        best = max([best, *((min(k + 1, len(low) - k - 1), axis, float(start[k])) for k in cuts)])
    require(best[0], "the boxes do not cover the box")
    return best[1:]


class Proof:
    """What a file says, as far as it can be understood at all."""

    def __init__(self, header, data):
        understood(type(header["box"]) is list and header["box"], "the box")
        self.box = np.array([[real(v) for v in ends] for ends in header["box"]])
        understood(self.box.shape == (len(self.box), 2) and (self.box[:, 0] <= self.box[:, 1]).all(), "the box")
        self.limit = real(header["limit"])
        self.low, self.high, self.bound = (data.pop(name) for name in ("low", "high", "bound"))
        for array in (self.low, self.high, self.bound):
            understood(array.dtype == np.float64 and np.isfinite(array).all(), "a number of the small boxes")
        understood(self.bound.ndim == 1 and len(self.bound), "the list of bounds")
        understood(self.low.shape == self.high.shape == (len(self.bound), len(self.box)), "the list of boxes")
        self.graph = graphs.Graph(header["graph"], data, self.box)
        self.claim = Claim(header["claim"], self.graph)
        self.left = 10_000 + 50 * len(self.bound)

    def check(self):
        require((self.low <= self.high).all(), "a box has its lower end above its upper one")
        require((self.bound <= self.limit).all(), "a bound is above the limit")
        cover(self.box[:, 0], self.box[:, 1], self.low, self.high)
        for corners in zip(self.low, self.high, self.bound.tolist(), strict=True):
            self.require_below(*corners, HALVINGS)
        box = self.box.tolist() if len(self.box) <= 4 else f"{self.box[:4].tolist()} and {len(self.box) - 4} more sides"
        shown = f"{len(self.bound):,} boxes cover {box}, and none exceeds {self.limit!r}"
        return f"{self.claim.words} is at most {self.limit!r}: {shown}; {self.claim.about}"

    def require_below(self, low, high, bound, halvings):
        """The values over a box are at most ``bound``; halved where this cannot be seen at once."""
        values = self.claim.ranges(low, high)
        if all(z <= bound and (not self.claim.two_sided or -z <= bound) for z in values):
            return
        self.left -= 1
        require(self.left, "this takes too many more boxes")
        if halvings % 8 == 4:  # now and then a look whether halves can be below it at all
            point = np.clip(low / 2 + high / 2, low, high)
            above = any(z > bound or (self.claim.two_sided and -z > bound) for z in self.claim.ranges(point, point))
            require(not above, f"{bound!r} is exceeded at {point}")
        axis = np.argmax(high - low)
        middle = low[axis] / 2 + high[axis] / 2
        require(halvings > 0 and low[axis] < middle < high[axis], f"{bound!r} may be exceeded from {low} to {high}")
        to, start = (np.where(np.arange(len(low)) == axis, middle, end) for end in (high, low))
        self.require_below(low, to, bound, halvings - 1)
        self.require_below(start, high, bound, halvings - 1)


class Claim:
    """What is claimed of which nodes. Its numbers are made of the nodes here, and so is what is said of them."""

    def __init__(self, claim, graph):
        understood(type(claim) is dict and claim.get("property") in ("error", "within", "robust", "values"), "a claim")
        self.graph, self.kind = graph, claim["property"]
        roots = {"error": ("function", "network"), "values": ("node",)}.get(self.kind, ("network",))
        names(claim, "property", *roots, *{"within": ("low", "high"), "robust": ("label",)}.get(self.kind, ()))
        self.roots = [graph.place(claim[r]) for r in roots]
        self.about = ", ".join(f"{r} sha256:{graph.digests[k]}" for r, k in zip(roots, self.roots, strict=True))
        self.two_sided = self.kind == "error"
        if self.kind == "error":
            self.words = "the error"
        elif self.kind == "within":
            self.low, self.high = ([None if v is None else real(v) for v in claim[k]] for k in ("low", "high"))
            limits = (e if len(e) < 5 else f"{len(e)} numbers" for e in (self.low, self.high))
            self.words = "the most by which an output leaves its limits, {} and {},".format(*limits)
        elif self.kind == "robust":
            self.label = whole(claim["label"])
            self.words = f"the most by which the score of another class exceeds that of class {self.label}"
        else:
            self.words, self.about = "the largest value of the graph", f"{self.about}, whose meaning is not checked"

    def ranges(self, low, high):
        """Of each number that must not exceed the limit, where it lies on a box."""
        found = self.graph.values(low, high)
        numbers = self.numbers(*(found[k].ravel() for k in self.roots))
        understood(len(numbers), "a claim about nothing")
        return [self.graph.range(v) for v in numbers]

    def numbers(self, y, other=None):
        graph = self.graph
        minus = lambda a, b: graph.op_add(a, graph.op_neg(b))  # noqa: E731
        if self.kind == "error":
            return minus(y, other)
        if self.kind == "robust":
            understood(self.label < len(y) > 1, "a class")
            return minus(np.delete(y, self.label), np.repeat(y[self.label : self.label + 1], len(y) - 1))
        if self.kind == "within":
            pairs = [(v, end, 1) for v, end in zip(y, self.high, strict=True) if end is not None]
            pairs += [(v, end, -1) for v, end in zip(y, self.low, strict=True) if end is not None]
            return [graph.times(graph.sum(v, arb(-end)), sign) for v, end, sign in pairs]
        return y


if __name__ == "__main__":
    try:
        print("checked:", check(sys.argv[1]) if sys.argv[1:] else sys.exit("usage: checker FILE"))
    except CheckFailed as error:
        sys.exit(str(error))
