"""Code for other processors, run by unicorn."""

import numpy as np
import pytest
from elf_loader import AARCH64, ARM
from exported_code import inputs_of, whole
from object_loader import loaded

from subgrad.export.object_code import object_code
from subgrad.export.symbols import undefined
from subgrad.export.targets import machine

unicorn = pytest.importorskip("unicorn", reason="unicorn, which runs code for other processors, is not installed")

CODE, DATA, STOP, SIZE = 0x10000, 0x20000000, 0xF0000, 0x40000


class Machine:
    """An emulator with the object code of routines in it."""

    def __init__(self, made, cpu):
        self.made = made
        self.code = code = object_code(made, machine(cpu))
        assert undefined(code.content) == []
        self.object, self.wide = loaded(code.content, CODE), machine(cpu).pointer_bytes == 8
        self.arm = self.object.machine == ARM
        modes = {
            True: (unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS),
            False: (unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64 if self.wide else unicorn.UC_MODE_RISCV32),
        }
        kind = (unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM) if self.object.machine == AARCH64 else modes[self.arm]
        self.emulator = unicorn.Uc(*kind)
        self.emulator.mem_map(0, 0x100000)
        self.emulator.mem_map(DATA, SIZE)
        self.emulator.mem_write(CODE, bytes(self.object.image))
        self.top, self.counted = DATA, 0
        self.state, self.arena = self.room(made.state.size), self.room(code.arena)
        self.lowest = self.stack = DATA + SIZE - 0x100
        if made.state.size:
            self.call("init", [self.state])

    def room(self, size):
        place = self.top
        self.top += -(-size // 16) * 16
        assert self.top < DATA + SIZE - 0x8000
        return place

    def call(self, name, arguments):
        """Runs a function; raises where it does something that it may not."""
        place = {AARCH64: self._aarch64, ARM: self._cortex_m}.get(self.object.machine, self._risc_v)
        place(arguments)
        self.emulator.emu_start(self.object.functions[f"{self.made.prefix}_{name}"], STOP, count=10**7)

    def count(self):
        """From now on count instructions."""
        self.emulator.hook_add(unicorn.UC_HOOK_CODE, lambda *_: setattr(self, "counted", self.counted + 1))

    def watch_stack(self):
        """From now on note the lowest address of the stack that is written."""

        def written(_emulator, _access, address, *_rest):
            if self.stack - 0x4000 < address < self.stack:
                self.lowest = min(self.lowest, address)

        self.emulator.hook_add(unicorn.UC_HOOK_MEM_WRITE, written)

    def run(self, routine, given):
        """The results of one call, and the state after it."""
        arrays = (*routine.arguments, *routine.results)
        places = [self.room(a.nbytes) for a in arrays]
        for place, array in zip(places, given, strict=False):
            self.emulator.mem_write(place, np.ascontiguousarray(array).tobytes())
        self.call(routine.name, [*[self.state] * routine.uses_state, *places, 1, self.arena])
        results = [
            np.frombuffer(bytes(self.emulator.mem_read(place, a.nbytes)), a.dtype).reshape(a.shape)
            for place, a in zip(places[len(given) :], routine.results, strict=True)
        ]
        return results, bytes(self.emulator.mem_read(self.state, self.made.state.size))

    def _place(self, registers, arguments, size):
        for register, value in zip(registers, arguments, strict=False):
            self.emulator.reg_write(register, value)
        for i, value in enumerate(arguments[len(registers) :]):
            self.emulator.mem_write(self.stack + size * i, value.to_bytes(size, "little"))

    def _cortex_m(self, arguments):
        from unicorn import arm_const as arm

        self.emulator.reg_write(arm.UC_ARM_REG_C1_C0_2, 0xF << 20)
        self.emulator.reg_write(arm.UC_ARM_REG_FPEXC, 0x40000000)
        self._place([arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3], arguments, 4)
        self.emulator.reg_write(arm.UC_ARM_REG_SP, self.stack)
        self.emulator.reg_write(arm.UC_ARM_REG_LR, STOP | 1)

    def _aarch64(self, arguments):
        from unicorn import arm64_const as arm

        self.emulator.reg_write(arm.UC_ARM64_REG_CPACR_EL1, 0x300000)  # the floating point unit is on
        self._place([arm.UC_ARM64_REG_X0 + i for i in range(8)], arguments, 8)
        self.emulator.reg_write(arm.UC_ARM64_REG_SP, self.stack)
        self.emulator.reg_write(arm.UC_ARM64_REG_LR, STOP)

    def _risc_v(self, arguments):
        from unicorn import riscv_const as riscv

        self.emulator.reg_write(riscv.UC_RISCV_REG_MSTATUS, 0x6000)  # the floating point unit is on
        self._place([riscv.UC_RISCV_REG_A0 + i for i in range(8)], arguments, 8 if self.wide else 4)
        self.emulator.reg_write(riscv.UC_RISCV_REG_SP, self.stack)
        self.emulator.reg_write(riscv.UC_RISCV_REG_RA, STOP)


def run(made, cpu):
    """All routines one after the other, once each: what they were given, their results, and the state after each."""
    machine = Machine(made, cpu)
    if made.state.size:
        assert bytes(machine.emulator.mem_read(machine.state, made.state.size)) == whole(made.state)
    found = []
    for routine in made.each:
        given = inputs_of(routine)
        found.append((given, *machine.run(routine, given)))
    return found
