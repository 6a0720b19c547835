"""What is said to names of other libraries: they lead to names that exist, and each kind of error says so."""

import pickle

import pytest

import subgrad as sg
from subgrad import hints, nn


def test_every_name_of_the_table_exists():
    homes = {"sg": sg, "nn": nn, "x": sg.tensor(1.0)}
    for ours in hints.NAMES:
        first, *rest = ours.split(".")
        found = homes[first]
        for part in rest:
            found = getattr(found, part)


def test_no_name_that_exists_has_another_one():
    taken = {name for name in hints.table() if name in sg.__all__ or name in nn.__all__}
    assert taken - {"scatter", "gather", "grad", "fit"} == set()


@pytest.mark.parametrize(
    ("look", "says"),
    [
        (lambda: sg.cat, "module 'subgrad' has no attribute 'cat'; did you mean sg.concatenate?"),
        (lambda: sg.rleu, "did you mean relu?"),
        (lambda: sg.no_grad, "leave it out"),
        (lambda: nn.MSELoss, "did you mean nn.squared_loss?"),
        (lambda: nn.Dense, "did you mean nn.Linear?"),
        (lambda: sg.optim.Adm, "did you mean Adam?"),
        (lambda: sg.tensor(1.0).unsqueeze, "a tensor has no attribute 'unsqueeze'; did you mean sg.expand_dims?"),
        (lambda: sg.tensor(1.0).cuda, "tensors live in the memory of the processor"),
    ],
)
def test_an_attribute_of_another_library_gets_a_hint(look, says):
    with pytest.raises(AttributeError) as caught:
        look()
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: sg.sum(x, dim=0), "dim is named axis here"),
        (lambda x: sg.mean(x, dim=0, keepdim=True), "dim is named axis here; keepdim is named keepdims here"),
        (lambda x: sg.softmax(x, dim=1), "dim is named axis here"),
        (lambda x: x.max(dim=0), "dim is named axis here"),
        (lambda x: x.mean(keepdim=True), "keepdim is named keepdims here"),
    ],
)
def test_an_argument_of_another_library_gets_a_hint(call, says):
    with pytest.raises(TypeError, match="unexpected keyword") as caught:
        call(sg.ones((2, 2)))
    assert says in str(caught.value)


def test_functions_that_give_hints_are_pickled_and_other_errors_are_theirs():
    assert pickle.loads(pickle.dumps(sg.mean)) is sg.mean
    with pytest.raises(TypeError, match="other"):
        sg.mean(sg.ones(2), other=1)
    assert not hasattr(sg.tensor(1.0), "__array_interface__")
