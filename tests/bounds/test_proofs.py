"""Saved proofs pass the checker, which shares no code with the prover; proofs that were tampered with do not."""

import json
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from greedy import gaussian, greedy_net

import subgrad as sg
from subgrad import errors, nn
from subgrad.bounds import Within, network_digest
from subgrad.io.model_file import read_model_file, write_model_file

pytest.importorskip("flint")
import mpmath as mp
from flint import arb

from subgrad.bounds import checker
from subgrad.bounds.checker_operations import OPERATIONS, Curve

BOX = [(-1, 1), (-1, 1)]


def bump(x):
    return sg.exp(-(x * x).sum(1) / 2)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A proof in a file: a greedy network near a Gaussian bump."""
    path = tmp_path_factory.mktemp("proofs") / "bump.safetensors"
    found = sg.certify(bump, greedy_net(gaussian, 2, 10, points=200), BOX, 0.2)
    found.save(path)
    return path


def changed(path, tmp_path, change):
    tensors, header = read_model_file(path)
    tensors = {k: v.copy() for k, v in tensors.items()}
    del header["format"]
    change(tensors, header)
    write_model_file(tmp_path / "changed.safetensors", tensors, header)
    return tmp_path / "changed.safetensors"


def test_proof_passes(saved):
    assert checker.check(saved).startswith("the error is at most 0.2: ")


def test_a_staircase_is_bounded_without_its_steps(tmp_path):
    """It is x less a fraction, so one box does for the prover, and for the checker."""
    stairs, line = (lambda x: sg.floor(64 * x[:, 0]) / 64), (lambda x: x[:, 0] - 1 / 128)
    found = sg.certify(stairs, line, (-1, 1), 0.0079, budget=1000)
    assert found.status == "proven"
    found.save(tmp_path / "stairs.safetensors")
    assert checker.check(tmp_path / "stairs.safetensors").startswith("the error is at most 0.0079: ")
    assert sg.certify(stairs, line, (-1, 1), 0.0078, budget=1000).status != "proven"  # 1 / 128 is 0.00781


def test_checker_runs_by_itself(saved):
    done = subprocess.run([sys.executable, checker.__file__, str(saved)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("checked: the error is at most 0.2")


def test_checker_imports_nothing_of_the_package():
    of = checker.unreachable
    for part in (checker, checker.graphs, checker.numbers, checker.operations, of, of.units, of.units.curves):
        with open(part.__file__, encoding="utf-8") as file:
            found = [line.strip() for line in file if re.search(r"import.*subgrad|from subgrad", line)]
        names = ("curves", "numbers", "operations", "unreachable", "units")
        own = [f"from subgrad.bounds import checker_{name} as {name}" for name in names]
        allowed = {*own, "from subgrad.bounds import checker_graph as graphs", "from subgrad.errors import FileError"}
        assert set(found) <= allowed


def test_network_is_named_by_its_digest(tmp_path):
    """The same in both kinds of claims, and another one for other weights."""
    net, other = (nn.Sequential(nn.Linear(2, 3, seed=s), nn.ReLU(), nn.Linear(3, 2, seed=1)) for s in (0, 5))
    certified = sg.certify(lambda x: x, net, BOX)
    certified.save(tmp_path / "error.safetensors")
    verified = sg.verify(net, BOX, Within([-9, -9.5], [9, np.inf]))
    verified.save(tmp_path / "within.safetensors")
    pickle.loads(pickle.dumps(verified)).save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "within.safetensors").read_bytes()
    said = f"network sha256:{network_digest(net, 2)}"
    assert checker.check(tmp_path / "error.safetensors").endswith(said)
    found = checker.check(tmp_path / "within.safetensors")
    assert found.endswith(said)
    assert found.startswith("the most by which an output leaves its limits, [-9.0, -9.5] and [9.0, None], is at most 0")
    assert network_digest(other, 2) not in found


def lower_limit(tensors, header):
    header["limit"] = 0.02


def lower_limit_and_bounds(tensors, header):
    header["limit"] = 0.02
    tensors["bound"] = np.minimum(tensors["bound"], 0.02)


def one_bound_lower(tensors, header):
    tensors["bound"][np.argmax(tensors["bound"])] *= 0.5


def negative_bound(tensors, header):
    tensors["bound"][3] = -1e-9


def nan_bound(tensors, header):
    tensors["bound"][3] = np.nan


def missing_box(tensors, header):
    for name in ("low", "high", "bound"):
        tensors[name] = np.delete(tensors[name], 7, axis=0)


def shrunken_box(tensors, header):
    tensors["high"][5, 1] = np.nextafter(tensors["high"][5, 1], -np.inf)


def moved_box(tensors, header):
    tensors["low"][5] += 1e-3
    tensors["high"][5] += 1e-3


def larger_domain(tensors, header):
    header["box"][0][1] = 1.0000001


def other_weight(tensors, header):
    name = max((k for k in tensors if k.startswith("constant")), key=lambda k: tensors[k].size)
    tensors[name] = tensors[name] * 2


def other_function(tensors, header):
    next(n for n in header["graph"] if n["op"] == "exp")["op"] = "cos"


def other_claim(tensors, header):
    header["claim"] = {"property": "values", "node": header["claim"]["network"]}


def unknown_op(tensors, header):
    next(n for n in header["graph"] if n["op"] == "exp")["op"] = "gamma"


CHANGES = [
    lower_limit, lower_limit_and_bounds, one_bound_lower, negative_bound, nan_bound, missing_box, shrunken_box,
    moved_box, larger_domain, other_weight, other_function, other_claim, unknown_op,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
def test_changed_proof_fails(saved, tmp_path, change):
    with pytest.raises(checker.CheckFailed):
        checker.check(changed(saved, tmp_path, change))


def test_command_says_what_fails(saved, tmp_path):
    path = changed(saved, tmp_path, lower_limit)
    done = subprocess.run([sys.executable, checker.__file__, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "not proven: a bound is above the limit\n"


@pytest.mark.parametrize(("arguments", "message"), [
    ([], "usage: checker FILE\n"), (["no-such-file"], "cannot read no-such-file: there is no file of this name"),
    ([__file__], "this is no proof: SafetensorError"),
    (["a model"], "this is no proof: ValueError: the kind of the file"),
])  # fmt: skip
def test_command_says_what_is_no_proof(arguments, message, tmp_path):
    sg.save(nn.Linear(1, 1), tmp_path / "a model")
    done = subprocess.run(
        [sys.executable, checker.__file__, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    assert done.stderr.startswith(message)


def test_command_says_what_to_install():
    without = "import sys, runpy; sys.modules['flint'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
    command = [sys.executable, "-c", without, checker.__file__]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "the checker needs python-flint, which is not installed: pip install 'subgrad[approx]'\n"


def deep(activation):
    layers = [part for i in range(2) for part in (nn.Linear(4 if i else 2, 4, seed=i), activation())]
    return nn.Sequential(*layers, nn.Linear(4, 1, seed=5))


FUNCTIONS = {
    "every curve": lambda x: sg.exp(x[:, 0]) + sg.expm1(x[:, 1]) * sg.log(x[:, 0] + 3) - sg.log1p(sg.sqrt(x[:, 1] + 2)),
    "waves": lambda x: sg.sin(3 * x[:, 0]) * sg.cos(2 * x[:, 1]) + sg.tanh(x[:, 0]) / (2 + sg.sigmoid(x[:, 1])),
    "kinks": lambda x: sg.abs(x).max(1) - sg.minimum(x[:, 0], 0.3) + sg.clip(x[:, 1], -0.5, 0.5) + sg.norm(x, 1),
    "powers": lambda x: (x[:, 0] + 2) ** 1.5 + x[:, 1] ** 3 - (x[:, 0] + 3) ** -2 + sg.erf(x[:, 1]) - sg.erfc(x[:, 0]),
    "choices": lambda x: sg.where(x[:, 0] < 0, sg.softplus(x[:, 0]), sg.softplus(-x[:, 0])),
    "shapes": lambda x: (x.T.reshape(2, 1) @ np.ones((1, 2))).sum(0)[::-1][:1] * sg.concatenate([x, x], 1)[:, 3],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_proofs_with_every_operation_pass(name, tmp_path):
    found = sg.certify(FUNCTIONS[name], lambda x: 0.5 * x[:, 1], BOX)
    found.save(tmp_path / "proof.safetensors")
    assert checker.check(tmp_path / "proof.safetensors")


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.LeakyReLU, nn.ELU, nn.GELU])
def test_proofs_of_deep_networks_pass(activation, tmp_path):
    found = sg.certify(bump, deep(activation), BOX)
    found.save(tmp_path / "proof.safetensors")
    assert checker.check(tmp_path / "proof.safetensors")


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Sigmoid])
def test_proofs_of_steep_networks_pass(activation, tmp_path):
    """Arguments of a million either way: the units are at both of their ends within one box."""
    net = deep(activation)
    for layer in (net[0], net[2]):
        layer.weight.assign(1e6 * layer.weight.numpy())
    found = sg.certify(bump, net, BOX, 3)
    found.save(tmp_path / "proof.safetensors")
    assert checker.check(tmp_path / "proof.safetensors")


IN_MPMATH = {
    "sqrt": lambda z: mp.sqrt(max(z, 0)), "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
    "softplus": lambda z: mp.log1p(mp.exp(z)), "inverse": lambda z: 1 / z,
}  # fmt: skip
ABOVE_ZERO = ("log", "sqrt", "inverse")


@pytest.mark.parametrize("name", [name for name, op in OPERATIONS.items() if isinstance(op.rule, Curve)])
@pytest.mark.parametrize("width", [1e-9, 0.3, 40.0])
def test_curves_of_the_checker_hold_values_and_derivatives(name, width):
    f, (value, first, second) = IN_MPMATH.get(name) or getattr(mp, name), OPERATIONS[name].rule
    rng = np.random.default_rng(0)
    for start in rng.uniform(*((1e-3, 3) if name in ABOVE_ZERO else (-20, 3)), 5).tolist():
        z = arb(start).union(arb(start + width))
        found = [value(z), first(z, value(z)), second(z, value(z))]
        assert all(y.is_finite() for y in found)
        for t in np.linspace(start, start + width, 5).tolist():
            with mp.workdps(60):
                for order, y in enumerate(found):
                    assert y.overlaps(arb(str(mp.diff(f, mp.mpf(t), order)), 1e-20))


def test_only_proofs_are_saved(tmp_path):
    with pytest.raises(errors.ArgumentError, match="only what is proven can be saved as a proof, this is refuted"):
        sg.certify(bump, lambda x: x[:, 0], BOX, 0.1).save(tmp_path / "proof.safetensors")


def test_file_is_json_and_arrays(saved):
    content = saved.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["subgrad"])
    assert header["kind"] == "proof of bounds"
    assert {n["op"] for n in header["graph"]} >= {"point", "constant", "contract", "relu", "exp"}


def test_a_proof_may_have_nan_in_a_branch_that_is_not_taken(tmp_path):
    """`sort` gives NaN where there is some; in a box there is none."""
    found = sg.certify(lambda x: sg.sort(x, 1)[:, 0], lambda x: 0 * x[:, 0], BOX, 1.1)
    found.save(tmp_path / "sorted.safetensors")
    assert checker.check(tmp_path / "sorted.safetensors").startswith("the error is at most 1.1: ")


def test_nan_that_is_taken_proves_nothing(saved, tmp_path):
    def change(tensors, header):
        last = len(header["graph"]) - 1
        node = header["graph"][last]
        attrs = {"shape": [1], "value": "nan", "dtype": "float64"}
        header["graph"][last] = {**node, "op": "full", "inputs": [], "attrs": attrs}

    with pytest.raises(errors.FileError):
        checker.check(changed(saved, tmp_path, change))
