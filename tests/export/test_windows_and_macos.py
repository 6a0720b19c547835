"""Objects for Windows and macOS on x86-64: their code runs on this processor, called as these systems call it, against
the interpreter. Those for AArch64 are among the processors that unicorn runs."""

import ctypes
import mmap
import platform

import numpy as np
import pytest
from exported_code import inputs_of, interpreted, numbers, routines, whole
from object_loader import loaded

import subgrad as sg
from subgrad import nn
from subgrad.compile import native
from subgrad.compile.runtime.cpu import host
from subgrad.export.object_code import object_code
from subgrad.export.targets import machine

x86_64_alone = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64") or not hasattr(mmap, "PROT_EXEC"),
    reason="the processor is none of x86-64, or its memory cannot be made executable here",
)
EXECUTABLE = 0 if not hasattr(mmap, "PROT_EXEC") else mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC


class Called:
    """Routines as code of another system, at a place in this process."""

    def __init__(self, made, cpu):
        self.made, self.code = made, object_code(made, machine(cpu))
        self.convention = "win64cc" if "windows" in cpu else "ccc"
        self.memory = mmap.mmap(-1, 1 << 20, prot=EXECUTABLE)
        self.object = loaded(self.code.content, ctypes.addressof(ctypes.c_char.from_buffer(self.memory)))
        self.memory[: len(self.object.image)] = bytes(self.object.image)
        self.state = np.full(made.state.size, 7, np.uint8)
        self.arena = np.full(self.code.arena, 7, np.uint8)
        if made.state.size:
            self.call("init", self.state.ctypes.data)

    def call(self, name, *arguments):
        heads = ", ".join(f"i64 %a{i}" for i in range(len(arguments)))
        text = f"""define void @call(i64 %f, {heads}) {{
            %p = inttoptr i64 %f to ptr
            call {self.convention} void %p({heads})
            ret void
        }}"""
        function = native.load(text).function("call", None, [ctypes.c_int64] * (1 + len(arguments)))
        function(self.object.functions[f"{self.made.prefix}_{name}"], *arguments)

    def run(self, routine, given):
        """The results of one call, and the state after it."""
        arrays = [*map(np.ascontiguousarray, given), *(np.empty(a.shape, a.dtype) for a in routine.results)]
        places = [self.state] * routine.uses_state + arrays
        self.call(routine.name, *(a.ctypes.data for a in places), 1, self.arena.ctypes.data)
        return arrays[len(given) :], self.state.tobytes()


@x86_64_alone
@pytest.mark.parametrize("cpu", ["x86-64-windows", "x86-64-v3-windows", "x86-64-macos"])
def test_a_step_and_a_prediction(cpu):
    if cpu != "x86-64-windows" and not (host().fma and host().vector_bits >= 256):
        pytest.skip("the processor has no AVX2")
    net = nn.Sequential(nn.Linear(3, 16, seed=0), nn.Tanh(), nn.Linear(16, 2, seed=1))
    batch = np.zeros((4, 3), np.float32), np.array([0, 1, 1, 0])
    made = routines(net, batch, loss="cross_entropy", optimizer=sg.SGD(0.5, momentum=0.9))
    code, state = Called(made, cpu), whole(made.state)
    assert code.state.tobytes() == state
    for routine in made.each:
        given = inputs_of(routine)
        (got,), after = code.run(routine, given)
        (wanted,), state = interpreted(routine, state, given)
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
        for name, value in numbers(made.state, state).items():
            np.testing.assert_allclose(numbers(made.state, after)[name], value, rtol=1e-5, atol=1e-6, err_msg=name)
