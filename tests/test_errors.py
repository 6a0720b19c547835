"""Errors are short, whatever they quote, name the user's line at their end, and are the same behind a pickle."""

import pickle

import pytest

import subgrad as sg
from subgrad import errors
from subgrad.bounds import Within

KINDS = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.SubgradError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_long_message_is_cut_in_its_middle(kind):
    short, long = kind("it is short"), kind(f"expected a name, got {'x' * 100_000!r} of columns")
    assert str(short).startswith("it is short")
    assert len(str(long)) < errors.LONGEST + 200
    assert str(long).startswith("expected a name, got 'xxx")
    assert "xxx' of columns" in str(long)
    for error in (short, long):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind
        assert str(again) == str(error)
        assert errors.message_of(again) == errors.message_of(error)
        assert errors.message_of(again)


@pytest.mark.parametrize(
    "call",
    [
        lambda: sg.verify(sg.nn.ReLU(), [(1.0, 0.0)] * 5000, Within(0, 1)),
        lambda: sg.nn.Linear(1, 1).load_state_dict({f"layer {i}": [0.0] for i in range(5000)}),
        lambda: sg.minimize(lambda x: x.sum(), [0.0], bounds=[(0, 1)] * 5000),
        lambda: sg.zeros((2, 2)).sum("axis" * 5000),
        lambda: sg.optim.get(["adam"] * 5000),
    ],
)
def test_what_was_given_may_be_long(call):
    with pytest.raises(errors.SubgradError) as caught:
        call()
    assert len(str(caught.value)) < 1200
