"""What is said to names of other libraries: they lead to names that exist, and each kind of error says so."""

import pickle
from inspect import signature

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
        (lambda: sg.metrics.f1_score, "has no attribute 'f1_score'; did you mean sg.metrics.f1?"),
        (lambda: sg.linalg.norm, "it is sg.norm"),
        (lambda: sg.random.exponental, "did you mean exponential?"),
        (lambda: sg.data.DataLoader, "any iterable of batches (x, y)"),
        (lambda: sg.fft.fft2, "module 'subgrad.fft' has no attribute 'fft2'; did you mean fft?"),
        (lambda: sg.tensor(1.0).unsqueeze, "a tensor has no attribute 'unsqueeze'; did you mean sg.expand_dims?"),
        (lambda: sg.tensor(1.0).cuda, "tensors live in the memory of the processor"),
    ],
)
def test_an_attribute_of_another_library_gets_a_hint(look, says):
    with pytest.raises(AttributeError) as caught:
        look()
    assert says in str(caught.value)


@pytest.mark.parametrize("module", [sg.data, sg.fft, sg.linalg, sg.metrics, sg.random])
def test_completion_shows_names_for_users_alone(module):
    assert dir(module) == sorted(module.__all__)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: sg.sum(x, dim=0), "dim is named axis here"),
        (lambda x: sg.mean(x, dim=0, keepdim=True), "dim is named axis here; keepdim is named keepdims here"),
        (lambda x: sg.softmax(x, dim=1), "dim is named axis here"),
        (lambda x: sg.random.uniform([0, 1], low=0), "uniform() got an unexpected keyword argument 'low'"),
        (lambda x: sg.fit(nn.Linear(2, 1), x, x, loss="mse", lr=0.1), "the step size is that of the optimiser"),
        (lambda x: x.max(dim=0), "dim is named axis here"),
        (lambda x: x.mean(keepdim=True), "keepdim is named keepdims here"),
        (lambda x: nn.Linear(units=3), "Linear() got an unexpected keyword argument 'units'; units is named out_"),
        (lambda x: nn.GRU(units=3), "units is named hidden_size here"),
        (lambda x: nn.Conv2d(filters=3, strides=2), "filters is named out_channels here; strides is named stride"),
        (lambda x: nn.Linear(3, 4, activation="relu"), "an activation is a layer of its own"),
        (lambda x: nn.LSTM(2, 3)(x[None], hx=None), "LSTM.forward() got an unexpected keyword argument 'hx'; hx is"),
        (lambda x: nn.GRU(2, 3)(x[None], lengths=[2]), "mask=sg.arange(steps) < lengths[:, None]"),
        (lambda x: nn.Embedding(num_embeddings=3, dim=2), "num_embeddings is named count here"),
        (lambda x: sg.Adam(learning_rate=0.1), "Adam() got an unexpected keyword argument 'learning_rate'; learning"),
        (lambda x: sg.step.Cosine(0.1, T_max=9), "T_max is named steps here"),
        (lambda x: sg.EarlyStopping(restore_best_weights=True), "restore_best_weights is named restore_best here"),
        (lambda x: sg.CSVLogger(filename="a"), "filename is named path here"),
        (lambda x: nn.cross_entropy(x, y_true=[0]), "y_true is named y here"),
        (lambda x: nn.cross_entropy(x, [0, 1], weight=[1, 2]), "weight is named class_weight here"),
        (lambda x: nn.squared_loss(x, x, weight=[1, 2]), "weight is named sample_weight here"),
        (lambda x: sg.fit(nn.Linear(2, 1), x, x, loss="mse", validation_split=0.1), "is named validation here"),
    ],
)
def test_an_argument_of_another_library_gets_a_hint(call, says):
    with pytest.raises(TypeError, match="unexpected keyword") as caught:
        call(sg.ones((2, 2)))
    assert says in str(caught.value)


def test_every_argument_of_the_table_is_one_somewhere():
    functions = sg.fit, sg.sum, nn.cross_entropy, nn.squared_loss
    functions += nn.LSTM.forward, nn.MultiHeadAttention.forward
    known = {name for function in functions for name in signature(function).parameters}
    for home in (nn, sg.optim, sg.step, sg):
        for name in dir(home):
            made = getattr(home, name)
            if isinstance(made, type) and issubclass(made, hints.Hinted):
                known.update(signature(made.__init__).parameters)
    known.update(signature(sg.sklearn.NeuralNetworkClassifier.__init__).parameters)
    assert {ours for names in hints.KEYWORDS.values() for ours in names.split()} <= known


def test_an_optimiser_that_is_given_parameters_says_who_gives_them():
    net = nn.Linear(1, 1)
    with pytest.raises(TypeError, match="two values for lr.* an optimiser is given its parameters by sg.fit"):
        sg.Adam(net.parameters(), lr=0.1)
    with pytest.raises(sg.errors.ArgumentError, match="got a list: an optimiser is given its parameters by sg.fit"):
        sg.SGD(list(net.parameters()))


def test_what_an_own_module_cannot_take_is_python_s_to_say():
    class Net(nn.Module):
        def __init__(self, width, **more):
            self.width = width

    assert Net(3, units=4).width == 3
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        nn.Linear(3, 4, colour=1)


def test_functions_that_give_hints_are_pickled_and_other_errors_are_theirs():
    assert pickle.loads(pickle.dumps(sg.mean)) is sg.mean
    with pytest.raises(TypeError, match="other"):
        sg.mean(sg.ones(2), other=1)
    assert not hasattr(sg.tensor(1.0), "__array_interface__")
