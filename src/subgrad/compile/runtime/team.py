"""The native half of `threads`: how one call hands work to threads that wait for it, and how they wait.

A worker has a slot, a few words in memory. While it waits it watches the slot's first word; a caller claims the slot,
writes what to run, and posts it. So a call of two threads costs a few hundred nanoseconds, where the system's own ways
of waking a thread cost 30 microseconds (measured on Linux). A worker that nobody needs for a while parks: it goes back
to Python, which puts it to sleep. Who waits in the middle of a program, for a share to end or at a barrier, looks for
some 30 microseconds and then sleeps in the system: on a machine that others use too, the thread that is waited for may
not be running at all.
"""

from __future__ import annotations

import ctypes
import functools
import platform
import sys
from typing import Any

from subgrad.compile.native import load
from subgrad.compile.runtime.cpu import host

PARKED, WAITING, CLAIMED, POSTED, RUNNING = range(5)
STATE, SLOT = 0, 16  # the word with the state, and the words of a slot: two cache lines, that nobody else is on
FRAME, THREAD, SLEEPERS = 1, 2, 3  # its other words: what to run, as which thread, how many sleep until it is done
RUN, TABLE, STEPS, SYNC, SLEEP, WAKE, OTHERS, SLOTS = range(8)  # words of a frame: what to run, how to wait, who helps
SPINS = 200  # turns in which a worker that waits for work keeps its processor, before it offers that to others
PATIENCE = 400  # turns after which a worker parks: the later ones, which yield, take about half a microsecond each
BUSY = 300_000  # ticks of the processor's clock, some 0.1 ms, after which it does so before: others need the processor


def pause(triple: str) -> str:
    """The instruction that tells the processor that this is a waiting loop."""
    return "call void @llvm.x86.sse2.pause()" if "x86" in triple else "call void @llvm.aarch64.hint(i32 1)"


def spins(triple: str) -> int:
    """How often a loop looks before its thread sleeps: some 30 us, about what it takes to be woken."""
    return 1000 if "x86" in triple else 10_000


def clock(triple: str) -> str:
    """The intrinsic that reads a clock of the processor: on x86 the cycles of its nominal rate."""
    return "llvm.readcyclecounter" if "x86" in triple else "llvm.readsteadycounter"


# optnone: LLVM's optimiser would take 15 ms for these loops, and they only wait.
_TEXT = """
define private void @rest(i64 %turns, ptr %yield) nounwind noinline optnone {{
  {pause}
  %long = icmp sgt i64 %turns, {SPINS}
  br i1 %long, label %offer, label %done
offer:
  call void %yield()
  br label %done
done:
  ret void
}}

; Runs what is posted in the slot until nothing is for a while; the slot's state is WAITING at first, PARKED at the end.
define void @serve(ptr %slot, ptr %yield) nounwind noinline optnone {{
entry:
  %start = call i64 @{clock}()
  br label %look
look:
  %turns = phi i64 [ 0, %entry ], [ %more, %tired ], [ %more, %wait ], [ %turns, %begin ], [ 0, %rested ]
  %since = phi i64 [ %start, %entry ], [ %since, %tired ], [ %since, %wait ], [ %since, %begin ], [ %again, %rested ]
  %state = load atomic i64, ptr %slot acquire, align 8
  %posted = icmp eq i64 %state, {POSTED}
  br i1 %posted, label %begin, label %wait
begin:
  %taken = cmpxchg ptr %slot, i64 {POSTED}, i64 {RUNNING} acq_rel monotonic
  %mine = extractvalue {{ i64, i1 }} %taken, 1
  br i1 %mine, label %work, label %look
work:
  %framep = getelementptr i64, ptr %slot, i64 {FRAME}
  %frame = load ptr, ptr %framep
  %threadp = getelementptr i64, ptr %slot, i64 {THREAD}
  %thread = load i64, ptr %threadp
  %wakep = getelementptr i64, ptr %frame, i64 {WAKE}
  %wakef = load ptr, ptr %wakep
  call void @share(ptr %frame, i64 %thread)
  store atomic i64 {WAITING}, ptr %slot seq_cst, align 8
  %sleepersp = getelementptr i64, ptr %slot, i64 {SLEEPERS}
  %sleepers = load atomic i64, ptr %sleepersp seq_cst, align 8
  %awake = icmp eq i64 %sleepers, 0
  br i1 %awake, label %rested, label %rouse
rouse:
  call void %wakef(ptr %slot)
  br label %rested
rested:
  %again = call i64 @{clock}()
  br label %look
wait:
  call void @rest(i64 %turns, ptr %yield)
  %more = add i64 %turns, 1
  %now = call i64 @{clock}()
  %waited = sub i64 %now, %since
  %late = icmp sgt i64 %waited, {BUSY}
  %often = icmp sgt i64 %turns, {PATIENCE}
  %enough = or i1 %late, %often
  br i1 %enough, label %tired, label %look
tired:
  %both = cmpxchg ptr %slot, i64 {WAITING}, i64 {PARKED} acq_rel monotonic
  %parked = extractvalue {{ i64, i1 }} %both, 1
  br i1 %parked, label %leave, label %look
leave:
  ret void
}}

define private void @share(ptr %frame, i64 %thread) nounwind noinline optnone {{
  %run = load ptr, ptr %frame
  %tablep = getelementptr i64, ptr %frame, i64 {TABLE}
  %table = load ptr, ptr %tablep
  %stepsp = getelementptr i64, ptr %frame, i64 {STEPS}
  %steps = load i64, ptr %stepsp
  %syncp = getelementptr i64, ptr %frame, i64 {SYNC}
  %sync = load ptr, ptr %syncp
  call void %run(ptr %table, i64 %thread, i64 %steps, ptr %sync)
  ret void
}}

define private ptr @slot_of(ptr %frame, i64 %i) nounwind noinline optnone {{
  %first = getelementptr i64, ptr %frame, i64 {SLOTS}
  %place = getelementptr ptr, ptr %first, i64 %i
  %slot = load ptr, ptr %place
  ret ptr %slot
}}

; Runs the frame with this thread and all others, or not at all: whether it did, 1 or 0. Who has not begun when this
; thread is done, because the system lets somebody else run, is not waited for: this thread does that share as well.
; Where shares wait for each other, all have begun by then.
define i64 @together(ptr %frame) nounwind noinline optnone {{
entry:
  %sleepp = getelementptr i64, ptr %frame, i64 {SLEEP}
  %sleepf = load ptr, ptr %sleepp
  %othersp = getelementptr i64, ptr %frame, i64 {OTHERS}
  %others = load i64, ptr %othersp
  br label %claim
claim:
  %i = phi i64 [ 0, %entry ], [ %i1, %claimed ]
  %all = icmp eq i64 %i, %others
  br i1 %all, label %post, label %try
try:
  %slot = call ptr @slot_of(ptr %frame, i64 %i)
  %both = cmpxchg ptr %slot, i64 {WAITING}, i64 {CLAIMED} acq_rel monotonic
  %mine = extractvalue {{ i64, i1 }} %both, 1
  br i1 %mine, label %claimed, label %undo
claimed:
  %i1 = add i64 %i, 1
  br label %claim
undo:
  %u = phi i64 [ %i, %try ], [ %u1, %free ]
  %none = icmp eq i64 %u, 0
  br i1 %none, label %fail, label %free
free:
  %u1 = sub i64 %u, 1
  %given = call ptr @slot_of(ptr %frame, i64 %u1)
  store atomic i64 {WAITING}, ptr %given release, align 8
  br label %undo
fail:
  ret i64 0
post:
  %p = phi i64 [ 0, %claim ], [ %p1, %next ]
  %sent = icmp eq i64 %p, %others
  br i1 %sent, label %work, label %next
next:
  %to = call ptr @slot_of(ptr %frame, i64 %p)
  %framep = getelementptr i64, ptr %to, i64 {FRAME}
  store ptr %frame, ptr %framep
  %p1 = add i64 %p, 1
  %threadp = getelementptr i64, ptr %to, i64 {THREAD}
  store i64 %p1, ptr %threadp
  store atomic i64 {POSTED}, ptr %to release, align 8
  br label %post
work:
  call void @share(ptr %frame, i64 0)
  br label %join
join:
  %j = phi i64 [ 0, %work ], [ %j1, %joined ]
  %ready = icmp eq i64 %j, %others
  br i1 %ready, label %done, label %look
look:
  %turns = phi i64 [ 0, %join ], [ %turns, %take ], [ %turns1, %waited ]
  %from = call ptr @slot_of(ptr %frame, i64 %j)
  %state = load atomic i64, ptr %from acquire, align 8
  %posted = icmp eq i64 %state, {POSTED}
  br i1 %posted, label %take, label %check
take:
  %back = cmpxchg ptr %from, i64 {POSTED}, i64 {WAITING} acq_rel monotonic
  %mine2 = extractvalue {{ i64, i1 }} %back, 1
  br i1 %mine2, label %alone, label %look
alone:
  %thread = add i64 %j, 1
  call void @share(ptr %frame, i64 %thread)
  br label %joined
check:
  %busy = icmp eq i64 %state, {RUNNING}
  br i1 %busy, label %wait, label %joined
wait:
  {pause}
  %long = icmp sgt i64 %turns, {spins}
  br i1 %long, label %sleep, label %waited
sleep:
  %sleepersp = getelementptr i64, ptr %from, i64 {SLEEPERS}
  %before = atomicrmw add ptr %sleepersp, i64 1 seq_cst
  call void %sleepf(ptr %from, i64 {RUNNING})
  %after = atomicrmw sub ptr %sleepersp, i64 1 seq_cst
  br label %waited
waited:
  %turns1 = add i64 %turns, 1
  br label %look
joined:
  %j1 = add i64 %j, 1
  br label %join
done:
  ret i64 1
}}
"""


# A thread that sleeps until a word is no longer what it expects, or is woken at it; it may also wake for no reason.
_FUTEX = """
declare i64 @syscall(i64, ...)

define void @sleep(ptr %word, i64 %expected) nounwind noinline optnone {{
  %value = trunc i64 %expected to i32
  %r = call i64 (i64, ...) @syscall(i64 {number}, ptr %word, i32 128, i32 %value, ptr null, ptr null, i32 0)
  ret void
}}

define void @wake(ptr %word) nounwind noinline optnone {{
  %r = call i64 (i64, ...) @syscall(i64 {number}, ptr %word, i32 129, i32 2147483647, ptr null, ptr null, i32 0)
  ret void
}}
"""
_FUTEX_NUMBERS = {"x86_64": 202, "aarch64": 98}
"""Of Linux's system call `futex`; 128 is FUTEX_WAIT, 129 FUTEX_WAKE, of the threads of this process alone."""


@functools.cache
def sleep_and_wake(yield_address: int) -> tuple[int, int]:
    """Addresses of ``sleep(word, expected)`` and ``wake(word)``.

    Where the system has no such call, or none that is public, both are the function that offers the processor to
    others: its callers look at the word again in any case, and do not mind arguments that it does not take.
    """
    number = _FUTEX_NUMBERS.get(platform.machine()) if sys.platform == "linux" and sys.maxsize > 2**32 else None
    if number is None:
        return yield_address, yield_address
    library = load(_FUTEX.format(number=number), host())
    _kept.append(library)
    return library.address("sleep"), library.address("wake")


_kept: list[Any] = []  # code whose address is known outside


@functools.cache
def together(locked: bool) -> Any:
    """``together(frame)``: runs a frame with all its threads at once, or not at all; whether it did.

    Who calls it keeps the interpreter's lock if ``locked``, and gives it up meanwhile else.
    """
    return _library().function("together", ctypes.c_int64, [ctypes.c_void_p], locked)


@functools.cache
def serve() -> Any:
    """``serve(slot, yield)``: what a worker does until it parks."""
    return _library().function("serve", None, [ctypes.c_void_p, ctypes.c_void_p])


@functools.cache
def _library() -> Any:
    cpu = host()
    words = {f.__name__: f(cpu.triple) for f in (pause, clock, spins)}
    return load(_TEXT.format(**{**globals(), **words}), cpu)
