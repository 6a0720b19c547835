"""Code for microcontrollers and other processors, run by unicorn, against the interpreter."""

import numpy as np
import pytest
from emulated import run
from exported_code import interpreted, numbers, routines, whole

import subgrad as sg
from subgrad.export.object_code import object_code
from subgrad.export.symbols import undefined
from subgrad.export.targets import machine


def step_and_predict():
    net = sg.models.mlp(3, 6, 2, activation="tanh", seed=0)
    batch = np.zeros((4, 3), np.float32), np.array([0, 1, 1, 0])
    return routines(net, batch, loss="cross_entropy", optimizer=sg.SGD(0.5, momentum=0.9))


@pytest.mark.parametrize("cpu", ["cortex-m4f", "rv32imfc"])
def test_a_step_and_a_prediction(cpu):
    made = step_and_predict()
    state = whole(made.state)
    for routine, (given, results, after) in zip(made.each, run(made, cpu), strict=True):
        wanted, state = interpreted(routine, state, given)
        np.testing.assert_allclose(results[0], wanted[0], rtol=1e-5, atol=1e-6)
        for name, value in numbers(made.state, state).items():
            np.testing.assert_allclose(numbers(made.state, after)[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    "cpu", ["cortex-m7", "cortex-m33", "rv64gc", "aarch64", "aarch64-windows", "aarch64-macos"]
)
def test_an_answer(cpu):
    made = routines(sg.models.mlp(3, 6, 2, activation="tanh", seed=0))
    ((given, results, _),) = run(made, cpu)
    np.testing.assert_allclose(results[0], interpreted(made.each[0], b"", given)[0][0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("cpu", "added"), [("rv32imc", "__addsf3"), ("cortex-m0", "__aeabi_fadd")])
def test_without_floating_point_hardware_the_compilers_library_is_named(cpu, added):
    net = sg.models.mlp(3, 4, 2, seed=0)
    assert added in undefined(object_code(routines(net), machine(cpu)).content)
