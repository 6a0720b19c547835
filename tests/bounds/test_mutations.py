"""900 proofs of what is false, or that are none: made of genuine ones by a seeded change each, and all refused.

What a change claims is looked at with the NumPy references of the ops, at points of the box: a change counts if the
claim is false at one of them, or if the file is not what a proof is.
"""

import copy
import itertools
import json

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.bounds import Robust, Within
from subgrad.errors import FileError
from subgrad.graph.op import TABLE
from subgrad.io.model_file import read_model_file

pytest.importorskip("flint")
from safetensors.numpy import save_file

from subgrad.bounds import checker

CHANGES = 900
KNOWN = ("exp", "sin", "cos", "tanh", "sigmoid", "relu", "abs", "neg", "softplus", "erf")


class Saved:
    """A genuine proof with few small boxes, which the checker halves itself."""

    def __init__(self, found, path, cuts=2):
        found.save(path)
        tensors, self.header = read_model_file(path)
        self.tensors = {k: v.copy() for k, v in tensors.items()}
        self.box = np.array(self.header["box"])
        grids = [np.linspace(a, b, cuts + 1) for a, b in self.box]
        corners = list(itertools.product(*[list(itertools.pairwise(g)) for g in grids]))
        self.tensors["low"], self.tensors["high"] = np.array(corners).transpose(2, 0, 1)
        self.tensors["bound"] = np.full(len(corners), self.header["limit"])

    def copied(self):
        return {k: v.copy() for k, v in self.tensors.items()}, copy.deepcopy(self.header)


@pytest.fixture(scope="module")
def proofs(tmp_path_factory):
    path = tmp_path_factory.mktemp("proofs") / "proof.safetensors"
    with sg.using_dtype("float64"):
        net = nn.Sequential(nn.Linear(1, 3, seed=0), nn.ReLU(), nn.Linear(3, 1, seed=1))
        wide = nn.Sequential(nn.Linear(2, 3, seed=0), nn.Tanh(), nn.Linear(3, 3, seed=1))
    square, small = [(-0.25, 0.25)] * 2, [(-0.02, 0.02)] * 2
    error = sg.certify(lambda x: sg.sin(x[:, 0]), net, (-1, 1))
    return [
        Saved(error, path, cuts=4),
        Saved(sg.verify(wide, square, Within([-1, -1, -1], 1)), path),
        Saved(sg.verify(wide, small, Robust(int(wide(sg.zeros((1, 2), "float64")).numpy().argmax()))), path),
    ]


def plain(value):
    return tuple(map(plain, value)) if isinstance(value, list) else value


def values(tensors, header, point):
    """What the nodes are at a point."""
    found = []
    for node in header["graph"]:
        attrs = {k: plain(v) for k, v in node["attrs"].items()}
        if node["op"] == "point":
            found.append(point[None])
        elif node["op"] == "constant":
            found.append(tensors[attrs["name"]])
        else:
            found.append(TABLE[node["op"]].ref(*(found[i] for i in node["inputs"]), **attrs))
    return found


def excess(tensors, header, point):
    """By how much the claim is exceeded at a point."""
    claim, found = header["claim"], values(tensors, header, point)
    y = found[claim["network"]].ravel()
    if claim["property"] == "error":
        most = np.abs(found[claim["function"]].ravel() - y).max()
    elif claim["property"] == "within":
        low = [-np.inf if v is None else v for v in claim["low"]]
        high = [np.inf if v is None else v for v in claim["high"]]
        most = np.maximum(y - high, low - y).max()
    else:
        most = np.delete(y, claim["label"]).max() - y[claim["label"]]
    return most - header["limit"]


def is_false(tensors, header):
    """Whether the claim is false at some point of its box, by more than a hair; also if the graph is none."""
    box = np.array(header["box"])
    rng = np.random.default_rng(0)
    points = [*itertools.product(*box), *rng.uniform(box[:, 0], box[:, 1], (40, len(box)))]
    try:
        with np.errstate(all="ignore"):
            return not all(excess(tensors, header, np.array(p)) <= 0.01 for p in points)
    except (ValueError, IndexError, TypeError, KeyError, AttributeError):
        return True


def until_false(change):
    """A change that is drawn again until the claim is false."""

    def drawn(rng, proof):
        while True:
            tensors, header = proof.copied()
            change(rng, tensors, header)
            if is_false(tensors, header):
                return tensors, header

    drawn.__name__ = change.__name__
    return drawn


def once(change):
    """A change after which the file is no proof, whatever it claims."""

    def drawn(rng, proof):
        tensors, header = proof.copied()
        change(rng, tensors, header)
        return tensors, header

    drawn.__name__ = change.__name__
    return drawn


def some(rng, parts):
    return list(parts)[rng.integers(len(parts))]


def constants(tensors):
    return [k for k in tensors if k.startswith("constant")]


@until_false
def limit(rng, tensors, header):
    header["limit"] -= abs(rng.normal()) * (abs(header["limit"]) + 0.1)
    tensors["bound"][:] = header["limit"]


@until_false
def weight(rng, tensors, header):
    array = tensors[some(rng, [k for k in constants(tensors) if tensors[k].dtype == float])]
    at = tuple(rng.integers(n) for n in array.shape)
    array[at] += rng.normal() * 10.0 ** rng.integers(-1, 3)


@until_false
def operation(rng, tensors, header):
    some(rng, [n for n in header["graph"] if n["op"] in KNOWN])["op"] = some(rng, KNOWN)


@until_false
def wire(rng, tensors, header):
    place = int(rng.integers(1, len(header["graph"])))
    node = header["graph"][place]
    if node["inputs"]:
        node["inputs"][rng.integers(len(node["inputs"]))] = int(rng.integers(place))


@until_false
def root(rng, tensors, header):
    header["claim"]["network"] = int(rng.integers(len(header["graph"])))


@until_false
def claim(rng, tensors, header):
    kind = header["claim"]["property"]
    if kind == "within":
        header["claim"][some(rng, ["low", "high"])][rng.integers(3)] = float(rng.normal())
    elif kind == "robust":
        header["claim"]["label"] = int(rng.integers(3))
    else:
        header["claim"]["function"] = int(rng.integers(len(header["graph"])))


@until_false
def domain(rng, tensors, header):
    """With boxes that cover it."""
    scale = 10.0 ** rng.uniform(0, 3)
    header["box"] = (np.array(header["box"]) * scale).tolist()
    tensors["low"] *= scale
    tensors["high"] *= scale


@once
def wider_domain(rng, tensors, header):
    end = int(rng.integers(2))
    side = some(rng, header["box"])
    side[end] = float(np.nextafter(side[end], (-np.inf, np.inf)[end])) + 10.0 ** rng.uniform(-12, 2) * (-1, 1)[end]


@once
def side_of_a_box(rng, tensors, header):
    name = some(rng, ["low", "high"])
    box, axis = (int(rng.integers(n)) for n in tensors[name].shape)
    inwards = np.inf if name == "low" else -np.inf
    tensors[name][box, axis] = np.nextafter(tensors[name][box, axis], inwards)


@once
def box_left_out(rng, tensors, header):
    k = int(rng.integers(len(tensors["bound"])))
    tensors.update({name: np.delete(tensors[name], k, axis=0) for name in ("low", "high", "bound")})


@once
def no_number(rng, tensors, header):
    array = tensors[some(rng, ["low", "high", "bound"])]
    array[tuple(rng.integers(n) for n in array.shape)] = some(rng, [np.nan, np.inf, -np.inf])


@once
def no_weight(rng, tensors, header):
    array = tensors[some(rng, [k for k in constants(tensors) if tensors[k].dtype == float])]
    array[tuple(rng.integers(n) for n in array.shape)] = some(rng, [np.nan, np.inf, -np.inf])


@once
def array(rng, tensors, header):
    """Another shape, another dtype, an array too many or too few."""
    name = some(rng, tensors)
    kind = int(rng.integers(5))
    if kind == 0:
        tensors["more"] = tensors[name]
    elif kind == 1:
        del tensors[name]
    elif kind == 2:
        tensors[some(rng, ["low", "high", "bound"])] = np.zeros((0,))
    elif kind == 3:
        tensors[some(rng, ["low", "high", "bound"])] = tensors["bound"].astype(some(rng, [np.float32, np.int64, bool]))
    else:
        tensors[name] = tensors[name][None, None, None]
        header["limit"] = -1e9


JUNK = [None, True, "0", [], {}, "NaN", float("nan"), float("inf"), 10**400, -1, 0.5, [[0, 1]], 2**60]


@once
def junk(rng, tensors, header):
    """Something else in the place of a part of the header."""
    places = [(header, k) for k in ("kind", "claim", "box", "limit", "graph", "format")]
    places += [(header["claim"], k) for k in header["claim"]] + [(header["box"], 0), (header["box"][0], 1)]
    node = some(rng, header["graph"])
    places += [(node, k) for k in node]
    where, key = some(rng, places)
    new = some(rng, [j for j in JUNK if type(j) is not type(where[key]) or isinstance(j, float)])
    if (where, key, new) != (node, "inputs", []) or node["inputs"]:
        smaller_or_larger = key in ("limit", 1) and type(new) in (int, float)  # which may be as true as it was
        where[key] = "x" if smaller_or_larger else new


@once
def attribute(rng, tensors, header):
    """An attribute too many or too few, or of another type or an absurd size."""
    node = some(rng, [n for n in header["graph"] if n["attrs"]])
    key = some(rng, node["attrs"])
    kind = int(rng.integers(3))
    if kind == 0:
        node["attrs"]["more"] = 1
    elif kind == 1:
        del node["attrs"][key]
    else:
        node["attrs"][key] = some(rng, [None, {}, "?", [2**40], [[2**40]], [True], [0.5]])


@once
def key(rng, tensors, header):
    where = some(rng, [header, header["claim"], some(rng, header["graph"])])
    if rng.random() < 0.5:
        del where[some(rng, where)]
    else:
        where[some(rng, ["words", "magnitudes", "tolerance", "slack", "quantity"])] = some(rng, JUNK)


@once
def input_of_a_node(rng, tensors, header):
    place = int(rng.integers(len(header["graph"])))
    header["graph"][place]["inputs"] = [some(rng, [-1, place, len(header["graph"]), True, 1.0, "0", 2**70])]


@once
def unknown(rng, tensors, header):
    some(rng, [header["claim"], some(rng, header["graph"])])[some(rng, ["property", "op"])] = some(
        rng, ["gamma", "init__", "_number", "values", "point ", "", "argmax", "uniform", "curves"]
    )


KINDS = [
    limit, weight, operation, wire, root, claim, domain, wider_domain, side_of_a_box, box_left_out, no_number,
    no_weight, array, junk, attribute, key, input_of_a_node, unknown,
]  # fmt: skip


def written(path, tensors, header):
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, path, {"subgrad": json.dumps(header)})


def test_the_genuine_ones_pass(proofs, tmp_path):
    for proof in proofs:
        written(tmp_path / "proof", *proof.copied())
        assert checker.check(tmp_path / "proof")


@pytest.mark.parametrize("kind", KINDS, ids=lambda f: f.__name__)
def test_changed_proofs_are_refused(kind, proofs, tmp_path):
    rng = np.random.default_rng(KINDS.index(kind))
    path = tmp_path / "proof"
    for n in range(-(-CHANGES // len(KINDS))):
        tensors, header = kind(rng, proofs[n % len(proofs)])
        written(path, tensors, header)
        with pytest.raises(FileError) as caught:
            print(n, header, checker.check(path))
        assert len(str(caught.value)) < 400
