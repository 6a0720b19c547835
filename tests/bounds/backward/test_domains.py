"""Where a function is undefined nothing is proven of it: its values are NaN there."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.bounds import Within

WIDE = Within(-1e3, 1e3)
LEAVES = {
    "sqrt": sg.sqrt,
    "a power": lambda x: x**1.5,
    "an inverse of a root": lambda x: 1 / (1 + x**0.3),
    "asin": sg.asin,
    "acos": sg.acos,
    "acosh": sg.acosh,
    "bounded values": lambda x: sg.sign(sg.log(x)),
    "the larger": lambda x: sg.maximum(sg.sqrt(x), 0.0),
    "tanh of a root": lambda x: sg.tanh(sg.sqrt(x)),
    "what is rectified": lambda x: -sg.minimum(sg.relu(sg.sqrt(x)), 1.0),
    "a comparison": lambda x: sg.where(sg.log(x) <= 20, 0.0, 1e4),
    "log1p": lambda x: sg.sign(sg.log1p(x)),
    "a constant": lambda x: x + sg.sqrt(sg.tensor(-1.0, dtype=x.dtype)),
}


@pytest.mark.parametrize("name", LEAVES)
def test_nothing_is_proven_where_a_function_is_undefined(name):
    f = LEAVES[name]
    with np.errstate(all="ignore"):
        y = f(sg.tensor([[-2.5]], dtype="float64")).numpy()
    assert not abs(y).max() <= 1e3  # the property is false
    assert sg.verify(f, [(-2.5, 0.75)], WIDE & Within(-2e3, 2e3), budget=50).status != "proven"
    if name not in ("asin", "acos"):
        assert sg.verify(f, [(-2.5, 0.75)], WIDE, budget=50).status != "proven"


with sg.using_dtype("float64"):
    NET = nn.Sequential(nn.Linear(2, 4, seed=0), nn.ReLU(), nn.Linear(4, 2, seed=1))
    NORMED = nn.Sequential(nn.Linear(2, 4, seed=0), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 2, seed=1))

STAYS = {
    "a norm": lambda x: sg.norm(NET(x), axis=1, keepdims=True),
    "a norm through 0": lambda x: sg.norm(x, axis=1, keepdims=True),
    "a norm of powers": lambda x: (abs(x) ** 1.5).sum(1, keepdims=True) ** 0.5,
    "the root of a mean": lambda x: sg.sqrt((x * x).mean(1, keepdims=True)),
    "the root of what is rectified": lambda x: sg.sqrt(sg.relu(NET(x))),
    "a sum of exponentials": lambda x: sg.log(sg.exp(NET(x)).sum(1, keepdims=True)),
    "a layer norm": NORMED,
}


@pytest.mark.parametrize("name", STAYS)
def test_rounding_does_not_leave_a_domain(name):
    """Sums of what is not negative are not, though their rounding errors are wider than they are."""
    prop = Within(-20, 20) & Within(-30, 30)
    assert sg.verify(STAYS[name], [(-1, 2), (-1, 1)], prop, budget=50).status == "proven"
