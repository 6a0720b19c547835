"""Machine code of LLVM text, by llvmlite alone: a process can be this file, without the rest of the package.

As a program, ``python machine_code.py FOLDER`` (where llvmlite is) takes jobs from its input, and leaves when that ends
or nothing comes for a while. A job is a line of JSON, with the target and the text's length, and the text. The answer
is the length of the object code, in 8 bytes, and the object code; what fails has none.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import threading
from typing import Any, BinaryIO

PATIENCE = 60.0
"""Seconds for which the process waits for another job."""


@functools.cache
def llvm() -> Any:
    """llvmlite's binding, ready to generate code for this machine."""
    import llvmlite.binding as binding  # pyright: ignore[reportMissingImports]

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


def machine(target: Any) -> Any:
    """LLVM's form of a target, which has the attributes of `subgrad.compile.code_target.Target`."""
    # Position independent code of the small model is what a loader can place anywhere, constants next to the code.
    if target.triple != llvm().get_process_triple():
        llvm().initialize_all_targets()
        llvm().initialize_all_asmprinters()
    return llvm().Target.from_triple(target.triple).create_target_machine(
        cpu=target.name, features=target.features, opt=3, codemodel=target.code_model, abiname=target.abi,
        reloc="pic" if target.position_independent else "static",
    )  # fmt: skip


def optimised(text: str, made_for: Any) -> Any:
    """The module of the text, in a context of its own, with small functions put into their callers.

    The builder computes nothing twice, folds what is known, and takes out of a loop what does not change in it. LLVM's
    optimiser took half of all time, for code that was not faster.
    """
    module = llvm().parse_assembly(text, llvm().create_context())
    passes = llvm().create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm().create_pass_builder(made_for, llvm().create_pipeline_tuning_options()))
    return module


def set_strength_reduction(triple: str, wanted: bool) -> None:
    """LLVM's pass that makes addresses in loops cheap, for the whole process: those that the builder writes are.

    It takes a quarter to a half of LLVM's time. Measured on x86, and left alone elsewhere.
    """
    if triple.startswith(("x86", "amd64", "i686")):
        llvm().set_option("", "-disable-lsr=false" if wanted else "-disable-lsr")


class _Target:
    def __init__(self, fields: dict[str, Any]) -> None:
        vars(self).update(fields)


def _serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    """Take jobs until there is none."""
    while True:
        alarm = threading.Timer(PATIENCE, os._exit, [0])
        alarm.daemon = True
        alarm.start()
        head = jobs.readline()
        alarm.cancel()
        if not head:
            return
        job = json.loads(head)
        text = jobs.read(job["length"]).decode()
        try:
            code = _code(text, _Target(job["target"]))
        except Exception:  # the other process makes the code itself, and finds the fault
            code = b""
        answers.write(len(code).to_bytes(8, "little") + code)
        answers.flush()


def _code(text: str, target: Any) -> bytes:
    set_strength_reduction(target.triple, False)
    made_for = machine(target)
    return made_for.emit_object(optimised(text, made_for))


if __name__ == "__main__":
    import signal

    sys.path.insert(0, sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    llvm()
    _serve(sys.stdin.buffer, sys.stdout.buffer)
