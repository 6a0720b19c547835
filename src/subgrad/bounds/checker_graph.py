"""The graph of a proof, for the checker of proofs: its nodes, and what they hold over a box."""

# pyright: basic, reportMissingImports=false, reportGeneralTypeIssues=false, reportIndexIssue=false
import hashlib
import json

import numpy as np
from flint import arb, arb_mat

if __package__:
    from subgrad.bounds import checker_numbers as numbers
    from subgrad.bounds import checker_operations as operations
else:  # the checker is run by its path
    import checker_numbers as numbers
    import checker_operations as operations

LARGEST, Numbers = numbers.LARGEST, numbers.Numbers
each, element, filled, names = numbers.each, numbers.element, numbers.filled, numbers.names
require, understood, whole = numbers.require, numbers.understood, numbers.whole
Curve, OPERATIONS = operations.Curve, operations.OPERATIONS


class Graph(Numbers):
    """The nodes of a proof, each with an operation on nodes before it, and the box on which they are looked at."""

    def __init__(self, nodes, data, box):
        understood(type(nodes) is list and nodes, "the graph")
        self.nodes, self.box, self.signs, self.digests, constants = nodes, box, [], [], set()
        for k, node in enumerate(nodes):
            names(node, "op", "attrs", "inputs")
            op, attrs = node["op"], node["attrs"]
            understood(type(op) is str and type(attrs) is dict and type(node["inputs"]) is list, "a node")
            require(op in OPERATIONS, f"this checker does not know the operation {op[:40]!r}")
            if isinstance(OPERATIONS[op].rule, Curve):
                understood(len(node["inputs"]) == 1 and not attrs, f"an operation {op}")
            understood(all(whole(i) < k for i in node["inputs"]), "an input of a node")
            array = None
            if op == "constant":
                array = data[attrs["name"]]
                constants.add(attrs["name"])
            self.signs.append(self.never_negative(node, array))
            self.digests.append(self.digest(node, array))
        understood(constants == set(data), "an array that no node uses")
        for array in data.values():
            understood(array.dtype.kind in "fiub" and array.size <= LARGEST and np.isfinite(array).all(), "an array")
        self.fixed = {name: each(element, array) for name, array in data.items()}

    def place(self, k):
        """The number of a node that a claim is about."""
        understood(whole(k) < len(self.nodes), "a node of a claim")
        return k

    def digest(self, node, array):
        """A name that only the same function of the point has."""
        own = node["attrs"]
        if array is not None:
            own = [array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).hexdigest()]
        parts = [node["op"], own, [self.digests[i] for i in node["inputs"]]]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def never_negative(self, node, array):
        """Whether no number of a node is negative, whatever the point, so that roots of them are known down to 0."""
        if node["op"] == "point":
            return bool((self.box >= 0).all())
        if array is not None:
            return bool((array >= 0).all())
        return bool(OPERATIONS[node["op"]].sign(node, [self.signs[i] for i in node["inputs"]]))

    def values(self, low, high):
        """What each node holds over a box, as an array of numbers: at every point of the box its value lies in them."""
        middle = np.clip(low / 2 + high / 2, low, high)
        sides = [(arb(a) - arb(m)).union(arb(b) - arb(m)) for a, m, b in zip(low, middle, high, strict=True)]
        self.deltas = arb_mat([[arb(1)], *[[s] for s in sides]])
        self.point = filled((1, len(low)), None)
        for i, m in enumerate(middle):
            self.point[0, i] = arb_mat([[arb(m), *[int(i == j) for j in range(len(low))]]])
        return self.evaluate()

    def evaluate(self):
        """What each node holds, for the point that is set: nodes that are the same function hold the same numbers."""
        found, size, first = [], 0, {}
        for k, node in enumerate(self.nodes):
            same = first.setdefault(self.digests[k], k)
            if same < k:
                found.append(found[same])
                continue
            self.positives = [self.signs[i] for i in node["inputs"]]
            inputs = [found[k] for k in node["inputs"]]
            found.append(OPERATIONS[node["op"]].rule(self, *inputs, **node["attrs"]))
            size += found[-1].size
            understood(size <= LARGEST, "a graph of so many numbers")
        return found
