"""How a module finds what it is made of, keeps its state, and differentiates itself."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, DTypeError, ShapeError
from subgrad.graph.order import toposort
from subgrad.nn.running import evaluating


class Net(nn.Module):
    def __init__(self, width=4):
        self.gain = sg.Parameter([2.0])
        self.hidden = nn.Linear(2, width, seed=0)
        self.out = nn.Linear(width, 1, bias=False, seed=1)

    def forward(self, x):
        return self.gain * self.out(sg.tanh(self.hidden(x)))


class Nested(nn.Module):
    def __init__(self):
        self.layers = [nn.Linear(2, 2), nn.ReLU()]
        self.heads = {"left": (nn.Linear(2, 1, bias=False),), "numbers": [1, 2.5, None]}
        self.again = self.layers[0]
        self.offsets = [sg.Parameter(0.0), sg.Parameter(1.0)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.heads["left"][0](self.again(x)) + self.offsets[0] + self.offsets[1]


def names(module):
    return [name for name, _ in module.named_parameters()]


# What it is made of


def test_parameters_are_named_by_their_paths_in_order():
    assert names(Net()) == ["gain", "hidden.weight", "hidden.bias", "out.weight"]
    assert [name for name, _ in Net().named_modules()] == ["", "hidden", "out"]


def test_parameters_are_found_in_lists_tuples_and_dicts():
    net = Nested()
    assert names(net) == ["layers.0.weight", "layers.0.bias", "heads.left.0.weight", "offsets.0", "offsets.1"]
    assert list(net.children) == ["layers.0", "layers.1", "heads.left.0"]


def test_shared_parts_are_found_once_and_get_the_sum_of_the_gradients():
    net = Nested()
    assert list(net.children.values()).count(net.again) == 1
    x = sg.tensor([[1.0, 2.0]])
    untied = nn.Linear(2, 2)
    untied.load_state_dict(net.again.state_dict())
    net.layers[0], tied = untied, net.layers[0]
    loss = net(x).sum()
    apart = sg.grad(loss, [untied.weight, tied.weight])
    net.layers[0] = tied
    together = sg.grad(net(x).sum(), net)["layers.0.weight"]
    np.testing.assert_allclose(together.numpy(), apart[0].numpy() + apart[1].numpy(), rtol=1e-6)


def test_a_tied_weight_has_its_first_name():
    class Tied(nn.Module):
        def __init__(self):
            self.embed = nn.Embedding(5, 3)
            self.out = nn.Linear(3, 5)
            self.out.weight = self.embed.weight

    assert names(Tied()) == ["embed.weight", "out.bias"]


def test_a_child_may_know_its_parent():
    class Child(nn.Module):
        def __init__(self, parent):
            self.parent, self.weight = parent, sg.Parameter(1.0)

    net = Net()
    net.child = Child(net)
    assert names(net)[-1] == "child.weight"


def test_a_deep_nest_needs_no_recursion():
    net = nn.Linear(1, 1)
    for _ in range(3000):
        outer = nn.Module()
        outer.inner = net
        net = outer
    assert len(net.parameters()) == 2


def test_a_parameter_without_requires_grad_is_state_and_is_not_trained():
    net = Net()
    net.gain.requires_grad = False
    assert "gain" not in names(net)
    assert "gain" in net.state_dict()
    assert sg.grad(net(sg.ones((1, 2))).sum(), net).keys() == {"hidden.weight", "hidden.bias", "out.weight"}


def test_a_dataclass_can_be_a_module():
    @dataclasses.dataclass(eq=False)
    class Scale(nn.Module):
        size: int
        start: float = 1.0

        def __post_init__(self):
            self.weight = sg.Parameter(np.full(self.size, self.start))

    scale = Scale(3, start=2.0)
    assert names(scale) == ["weight"]
    assert scale.config() == {"module": "Scale", "args": {"size": 3, "start": 2.0}}


# State


def test_state_goes_from_one_module_to_another():
    a, b = Net(), Net()
    for p in a.parameters():
        p.assign(p.numpy() + 1)
    b.load_state_dict(a.state_dict())
    x = sg.ones((3, 2))
    np.testing.assert_array_equal(a(x).numpy(), b(x).numpy())


def test_a_state_that_was_taken_does_not_change_with_the_module():
    net = Net()
    state = net.state_dict()
    before = {name: value.copy() for name, value in state.items()}
    net.gain.assign([9.0])
    np.testing.assert_equal(state, before)


@pytest.mark.parametrize(
    ("change", "error", "parts"),
    [
        (lambda s: {k: v for k, v in s.items() if k != "gain"}, ArgumentError, ["gain is missing"]),
        (lambda s: {**s, "bias": np.zeros(1)}, ArgumentError, ["bias is unknown"]),
        (lambda s: {**s, "gain": np.zeros((2, 1), "float32")}, ShapeError, ["gain has shape (2, 1), expected (1,)"]),
        (lambda s: {**s, "gain": np.zeros(1)}, DTypeError, ["gain has dtype float64, expected float32"]),
        (
            lambda s: {"other": s["gain"], "gain": np.zeros((2, 3)), "hidden.bias": s["hidden.bias"]},
            ArgumentError,
            [
                "this state does not fit the Net: ",
                "hidden.weight is missing; out.weight is missing; other is unknown; ",
                "gain has shape (2, 3), expected (1,); gain has dtype float64, expected float32",
            ],
        ),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing_and_all_is_listed(change, error, parts):
    net = Net()
    state = {name: value + 1 for name, value in net.state_dict().items()}
    before = net.state_dict()
    with pytest.raises(error) as caught:
        net.load_state_dict(change(state))
    for part in parts:
        assert part in str(caught.value)
    np.testing.assert_equal(net.state_dict(), before)


def test_modes_reach_every_module_below():
    net = nn.Sequential(nn.Residual(nn.Dropout(0.5)), nn.Dropout(0.5))
    assert net.training
    assert net.eval() is net
    assert not any(m.training for _, m in net.named_modules())
    assert all(m.training for _, m in net.train().named_modules())


def test_evaluation_for_a_while_is_about_one_thread_and_leaves_the_modes_alone():
    net = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5).eval())
    with evaluating(net):
        assert [m.training for _, m in net.named_modules()] == [False, False, False]
        found = []
        thread = threading.Thread(target=lambda: found.extend(m.training for _, m in net.named_modules()))
        thread.start()
        thread.join()
        net[0].train()  # a module may change its mind, for as long as this goes on
        assert net[0].training
    assert found == [m.training for _, m in net.named_modules()] == [True, True, False]


def test_gradients_accumulate_until_they_are_forgotten():
    net = Net()
    x = sg.ones((1, 2))
    net(x).sum().backward()
    once = net.out.weight.grad.numpy()
    net(x).sum().backward()
    np.testing.assert_allclose(net.out.weight.grad.numpy(), 2 * once)
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


# Running


def test_nodes_know_the_module_that_made_them():
    class Outer(nn.Module):
        def __init__(self):
            self.net = nn.Sequential(Net(), nn.ReLU())

        def forward(self, x):
            return self.net(x) + self.net[0].hidden(x).sum()

    nodes = toposort([Outer()(sg.tensor([[1.0, 2.0]]))])
    scopes = {n.scope for n in nodes if n.op.name in ("contract", "tanh", "relu")}
    assert scopes == {"net.0.hidden", "net.0", "net.0.out", "net.1"}
    assert (sg.ones(1) + 1).scope == ""


def test_an_error_inside_leaves_no_module_running():
    net = Net()
    with pytest.raises(ShapeError):
        net(sg.ones((1, 3)))
    assert nn.Linear(2, 2)(sg.ones(2)).scope == ""


def test_numpy_arrays_take_the_dtype_of_the_parameters():
    with sg.using_dtype("float64"):
        net = Net()
    assert net(np.ones((1, 2))).dtype == np.float64
    assert Net()(np.ones((1, 2))).dtype == np.float32


def test_a_module_without_forward_says_so():
    class Empty(nn.Module):
        pass

    with pytest.raises(ArgumentError, match="Empty defines no forward"):
        Empty()(1.0)


# The protocol


def numerical(f, value, h=1e-6):
    """df/dvalue by central differences, of shape f.shape + value.shape."""
    steps = (h * np.eye(value.size)).reshape(value.size, *value.shape)
    columns = [(f(value + step) - f(value - step)) / (2 * h) for step in steps]
    return np.stack(columns, -1).reshape(*columns[0].shape, *value.shape)


def test_both_jacobians_agree_with_finite_differences_and_the_pullback_with_both():
    with sg.using_dtype("float64"):
        net = Net(3)
        x = np.array([[0.3, -1.0], [2.0, 0.5]])
        by_input, by_parameter = net.jacobian(x)
        cotangent = np.array([[1.0], [-2.0]])
        y, pullback = net.vjp(x)
        dx, du = pullback(cotangent)
        np.testing.assert_array_equal(y.numpy(), net(x).numpy())
        expected = numerical(lambda v: net(v).numpy(), x)
        np.testing.assert_allclose(by_input.numpy(), expected, atol=1e-8)
        np.testing.assert_allclose(dx.numpy(), np.tensordot(cotangent, expected, 2), atol=1e-8)
        assert by_parameter.keys() == du.keys() == dict(net.named_parameters()).keys()
        for name, p in net.named_parameters():

            def moved(value, p=p):
                p.assign(value)
                return net(x).numpy()

            start = p.numpy()
            expected = numerical(moved, start)
            p.assign(start)
            np.testing.assert_allclose(by_parameter[name].numpy(), expected, atol=1e-8)
            np.testing.assert_allclose(du[name].numpy(), np.tensordot(cotangent, expected, 2), atol=1e-8)


def test_a_hand_written_backward_is_used_and_checked():
    class Cube(nn.Module):
        forward = staticmethod(sg.custom_vjp(lambda x: x**3, lambda g, y, x: 3 * x * x * g))

    _, pullback = Cube().vjp([2.0])
    assert pullback([1.0])[0].tolist() == [12.0]
    sg.check(Cube(), [2.0, -1.0])


def test_a_repr_that_can_be_read():
    assert repr(nn.Sequential(Net(), nn.Branches(nn.ReLU(), nn.LeakyReLU(0.3), join="sum"))) == (
        "Sequential(\n"
        "  (0): Net(\n"
        "    (hidden): Linear(2, 4, seed=0)\n"
        "    (out): Linear(4, 1, bias=False, seed=1)\n"
        "  )\n"
        "  (1): Branches(join='sum'\n"
        "    (paths.0): ReLU()\n"
        "    (paths.1): LeakyReLU(slope=0.3)\n"
        "  )\n"
        ")"
    )


@pytest.mark.parametrize("parts", [
    {"a.b": nn.Linear(2, 2), "a": {"b": nn.Linear(2, 2)}},
    {1: nn.Linear(2, 2), "1": nn.Linear(2, 2)},
])  # fmt: skip
def test_two_parts_of_one_name_are_refused(parts):
    model = nn.Module()
    model.parts = parts
    with pytest.raises(ArgumentError, match=r"Module has two parts called 'parts\.(a\.b|1)'"):
        model.state_dict()
