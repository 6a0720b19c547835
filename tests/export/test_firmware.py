"""Code for microcontrollers, run by unicorn, against the interpreter."""

import numpy as np
import pytest
from elf_loader import Elf
from exported_code import inputs_of, interpreted, numbers, routines, whole

import subgrad as sg
from subgrad.export.object_code import object_code
from subgrad.export.symbols import undefined
from subgrad.export.targets import machine

unicorn = pytest.importorskip("unicorn", reason="unicorn, which runs code for other processors, is not installed")

CODE, DATA, STOP = 0x10000, 0x20000000, 0x70000


def cortex_m(emulator, arguments):
    from unicorn import arm_const as arm

    emulator.reg_write(arm.UC_ARM_REG_C1_C0_2, 0xF << 20)
    emulator.reg_write(arm.UC_ARM_REG_FPEXC, 0x40000000)
    registers = [arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3]
    for register, value in zip(registers, arguments, strict=False):
        emulator.reg_write(register, value)
    stack = DATA + 0xF000
    for i, value in enumerate(arguments[4:]):
        emulator.mem_write(stack + 4 * i, value.to_bytes(4, "little"))
    emulator.reg_write(arm.UC_ARM_REG_SP, stack)
    emulator.reg_write(arm.UC_ARM_REG_LR, STOP | 1)


def risc_v(emulator, arguments):
    from unicorn import riscv_const as riscv

    emulator.reg_write(riscv.UC_RISCV_REG_MSTATUS, 0x6000)  # the floating point unit is on
    stack = DATA + 0xF000
    for i, value in enumerate(arguments[:8]):
        emulator.reg_write(riscv.UC_RISCV_REG_A0 + i, value)
    for i, value in enumerate(arguments[8:]):
        emulator.mem_write(stack + 4 * i, value.to_bytes(4, "little"))
    emulator.reg_write(riscv.UC_RISCV_REG_SP, stack)
    emulator.reg_write(riscv.UC_RISCV_REG_RA, STOP)


def run(made, cpu):
    """All routines one after the other, once each: their results, and the state after each."""
    code = object_code(made, machine(cpu))
    assert undefined(code.content) == []
    elf = Elf(code.content, CODE)
    arm = cpu.startswith("cortex")
    kind = (unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    emulator = unicorn.Uc(*(kind if arm else (unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)))
    emulator.mem_map(0, 0x80000)
    emulator.mem_map(DATA, 0x10000)
    emulator.mem_write(CODE, bytes(elf.image))
    state, arena, top = DATA, DATA + 0x1000, DATA + 0x4000
    assert made.state.size <= 0x1000
    assert code.arena <= 0x3000

    def call(name, arguments):
        (cortex_m if arm else risc_v)(emulator, arguments)
        emulator.emu_start(elf.functions[f"{made.prefix}_{name}"], STOP, count=10**7)

    if made.state.size:
        call("init", [state])
        assert bytes(emulator.mem_read(state, made.state.size)) == whole(made.state)
    found = []
    for routine in made.each:
        given, at, places = inputs_of(routine), top, []
        for array in (*routine.arguments, *routine.results):
            places.append(at)
            at += -(-array.nbytes // 16) * 16
        for place, array in zip(places, given, strict=False):
            emulator.mem_write(place, array.tobytes())
        call(routine.name, [*[state] * routine.uses_state, *places, 1, arena])
        results = [
            np.frombuffer(bytes(emulator.mem_read(place, a.nbytes)), a.dtype).reshape(a.shape)
            for place, a in zip(places[len(given) :], routine.results, strict=True)
        ]
        found.append((given, results, bytes(emulator.mem_read(state, made.state.size))))
    return found


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


def test_without_floating_point_hardware_the_compilers_library_is_named():
    net = sg.models.mlp(3, 4, 2, seed=0)
    needs = undefined(object_code(routines(net), machine("rv32imc")).content)
    assert {"__addsf3", "__mulsf3"} <= set(needs)
