"""Certificates are attacked: a thousand changes, each of which makes the claim false or meaningless, are refused."""

import json
import os
import sys
from dataclasses import replace

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import FileError, SubgradError
from subgrad.kinks.certify.certificate import Certificate
from subgrad.kinks.certify.certificates import load_certificate, verify_certificate
from subgrad.kinks.certify.stationary import is_stationary

COUNT = 1000


def corner(x):
    return abs(x[0]) + sg.relu(x[1]) - 0.25 * x[1] + 0.125 * x[0]


def tilted(x):
    """Its least slope at 0 is 1e-6, beside slopes of 1."""
    return abs(sg.sin(x[0])) + 2e-6 * x[1] + x[0] * sg.tanh(x[1])


ISSUED = [
    (f, is_stationary(f, x, delta=delta))
    for f, x, delta in [
        (corner, [0.0, 0.0], 0.0), (corner, [0.01, -0.01], 0.1), (corner, [0.0, 1.0], 0.0), (corner, [1.0, 1.0], 0.1),
        (tilted, [0.0, 0.0], 0.0), (lambda x: ((x - 1) ** 2).sum(), [0.0, 0.0], 0.0),
    ]
]  # fmt: skip
NO_NUMBERS = [None, "1", True, [], {}, [1.0], float("nan"), float("inf"), 10**400]
NUMBERS = ("delta", "tolerance", "step")
VECTORS = ("x", "weights", "direction")
TABLES = ("points", "gradients")


def spoiled(rng, content):
    """Something that is no number, or no list, in a random place."""
    bad = NO_NUMBERS[rng.integers(len(NO_NUMBERS))]
    name = rng.choice([*NUMBERS, *VECTORS, *TABLES])
    if name in NUMBERS:
        content[name] = bad
    elif name in VECTORS:
        content[name][rng.integers(len(content[name]))] = bad
    else:
        row = content[name][rng.integers(len(content[name]))]
        row[rng.integers(len(row))] = bad


def renamed(rng, content):
    changes = [
        ("claim", rng.choice(["foo", "unknown", "", "Stationary"])), ("dtype", rng.choice(["int64", "float16"])),
        ("shapes", [[3]]), ("shapes", [[-2]]), ("shapes", [[2.0]]), ("reason", 7), ("format", "subgrad certificate 2"),
        ("more", 1), ("low", [0.0]), ("high", "none"),
    ]  # fmt: skip
    name, value = changes[rng.integers(len(changes))]
    content[name] = value


def flipped(rng, content):
    content["claim"] = "descent" if content["claim"] == "stationary" else "stationary"
    content["step"] = float(rng.uniform(0.1, 2)) if content["claim"] == "descent" else 0.0


def pinned(rng, content):
    """Bounds that leave no way out, or a tolerance for which all is stationary."""
    content["claim"], content["step"] = "stationary", 0.0
    content["x"] = list(content["x"] + rng.uniform(0.1, 1, 2))
    content.update(low=content["x"], high=content["x"], tolerance=1e9)


def moved(rng, content):
    content["x"] = [v + s * rng.uniform(0.2, 2) for v, s in zip(content["x"], rng.choice([-1, 1], 2), strict=True)]


def regraded(rng, content):
    row = content["gradients"][rng.integers(len(content["gradients"]))]
    row[rng.integers(2)] += float(rng.choice([-1, 1]) * 10.0 ** rng.uniform(-4, 2))


def reweighted(rng, content):
    w = content["weights"]
    w[rng.integers(len(w))] += float(rng.choice([-1, 1]) * 10.0 ** rng.uniform(-4, 1))


def redirected(rng, content):
    if content["claim"] == "descent":
        factor = float(rng.choice([-1.0, 0.0, 1.1, 2.0]))
        content["direction"] = [factor * v for v in content["direction"]]
    else:
        reweighted(rng, content)


def stepped(rng, content):
    if content["claim"] == "descent":
        far = [] if content["x"] == [0.0, 0.0] else [1e3, 1e6]  # there f falls farther than the certificate says
        content["step"] *= float(rng.choice([-1.0, 0.0, *far]))
    else:
        flipped(rng, content)


def scattered(rng, content):
    """A point beyond the radius, or in a cell with another gradient."""
    i = rng.integers(len(content["points"]))
    far = 3 * content["delta"] or 3.0
    pairs = zip(content["points"][i], content["x"], strict=True)
    content["points"][i] = [v - far * np.sign(p - v or 1) for p, v in pairs]


CHANGES = [spoiled, renamed, flipped, pinned, moved, regraded, reweighted, redirected, stepped, scattered]


def refused(path, content, f):
    path.write_text(json.dumps(content))
    try:
        return not verify_certificate(load_certificate(path), f)
    except SubgradError as error:
        return len(str(error)) < 500


def test_changes_are_refused_and_the_genuine_ones_accepted(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "c.json"
    genuine = []
    for f, found in ISSUED:
        assert found.claim != "unknown"
        found.save(path)
        genuine.append((f, path.read_text()))
        assert verify_certificate(load_certificate(path), f)
    accepted = []
    for k in range(COUNT):
        f, text = genuine[k % len(genuine)]
        content, change = json.loads(text), CHANGES[k // len(genuine) % len(CHANGES)]
        change(rng, content)
        if not refused(path, content, f):
            accepted.append((change.__name__, k, content["claim"]))
    assert not accepted, accepted


@pytest.mark.parametrize("text", ["", "[]", "nul", "[" * 100_000, '{"format": "subgrad certificate 1"}', "\xff"])
def test_files_of_anything_else_are_refused(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(FileError, match="no certificate"):
        load_certificate(path)


def test_numbers_of_any_size_are_refused_without_a_warning():
    for f, certificate in ISSUED[:3]:
        for name in (*VECTORS, *TABLES):
            for size in (1e308, -1.7e308):
                forged = replace(certificate, **{name: np.full(getattr(certificate, name).shape, size)})
                unused = name == "direction" and certificate.claim == "stationary"
                assert verify_certificate(forged, f) == unused


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other pipes and devices")
def test_only_regular_files_of_a_sensible_size_are_read(tmp_path):
    pipe, sparse = tmp_path / "pipe", tmp_path / "sparse"
    os.mkfifo(pipe)
    with open(sparse, "wb") as file:
        file.truncate(2**40)
    for path, message in ((pipe, "a device or a pipe"), ("/dev/zero", "a device or a pipe"), (sparse, "are the most"),
                          (tmp_path, "it is a folder"), (tmp_path / "none", "No such file")):  # fmt: skip
        with pytest.raises(FileError, match=message):
            load_certificate(path)


def test_words_of_a_file_are_not_repeated_as_facts(tmp_path):
    path = tmp_path / "c.json"
    ISSUED[0][1].save(path)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "reason": "certified by the ministry"}))
    words = "the file claims 'stationary' of a point with 2 variables; verify_certificate checks that"
    assert str(load_certificate(path)) == words


def test_what_only_rounding_makes_is_no_descent():
    def f(x):
        return 2.0**53 + abs(x).sum()

    found = is_stationary(lambda x: 2.0**53 - x.sum(), [0.0, 0.0])
    assert not verify_certificate(found, f)
    assert is_stationary(f, [0.0, 0.0]).claim == "stationary"
    assert is_stationary(f, [0.0, 0.0], budget=1).claim != "descent"


def test_a_stationary_point_nearby_is_another_one():
    found = is_stationary(lambda x: abs(x).sum(), [0.0, 0.0])
    for d in (2e-4, 1e-6, 1e-9, 1e-13, 1e-100, 1e-280):
        assert not verify_certificate(found, lambda x, d=d: abs(x - d).sum())


def test_no_descent_at_a_minimum_when_the_budget_is_spent():
    for n, budget in ((6, 20), (3, 3), (4, 1)):
        f = lambda x: 1.0 + 4 * abs(x).max() + abs(x).sum()  # noqa: E731
        assert is_stationary(f, np.zeros(n), budget=budget).claim != "descent"


def test_descents_with_small_slopes_are_genuine():
    for seed in (3, 4, 7):
        rng = np.random.default_rng(seed)
        a, b, t = (sg.tensor(v, "float64") for v in rng.standard_normal((3, 3)) * [[1], [1], [1e-6]])
        f = lambda x, a=a, b=b, t=t: abs(sg.sin(x @ a)) + abs(sg.tanh(x @ b)) + x @ t  # noqa: E731
        found = is_stationary(f, np.zeros(3), tolerance=1e-8)
        assert found.claim == "descent"
        assert verify_certificate(found, f)


def test_variables_that_are_others_are_refused():
    """Of the same numbers in all, too."""
    _, found = ISSUED[0]
    for shapes in (((1,), (1,)), ((), ())):
        forged = replace(found, shapes=shapes)
        assert not verify_certificate(forged, corner)
        assert not verify_certificate(forged, corner, sg.tensor([0.0, 0.0], "float64"))


@pytest.mark.parametrize(
    "f", [lambda x: x[0] % 1.0, lambda x: x[0] - 2 * sg.floor(x[0]), lambda x: -sg.atan2(x[0] - 1, -1.0)]
)
def test_no_descent_leads_over_a_jump(f):
    """Each rises by more than 1 just below 1, although its slope there is 1."""
    ends = np.full(1, np.inf)
    one = np.ones(1)
    forged = Certificate(
        "descent", one, 0.0, 1e-6, one[None] - 1e-4, one[None], one, one, -ends, ends, 0.5, ((1,),), "float64"
    )
    values = [float(f(sg.tensor([x], "float64"))) for x in (0.5, 1.0)]
    assert values[0] > values[1]
    assert not verify_certificate(forged, f)
    still = replace(forged, claim="stationary", step=0.0, tolerance=2.0)
    assert not verify_certificate(still, f)
