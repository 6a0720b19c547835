"""The function by which the threads of a program wait for each other, as LLVM text."""

from __future__ import annotations

from subgrad.compile.runtime.team import pause, spins


def barrier(threads: int, triple: str) -> str:
    """``barrier(sync)``: all threads wait until the last has come; it resets the count and moves the round on.

    Waiting spins at first, since the wait is mostly short. Then the thread sleeps, since the machine may be shared:
    who spins while the system runs somebody else in the place of the thread it waits for loses its own turn too.
    Nobody sleeps through the last: either it sees that somebody is about to sleep, or who is sees the new round.
    """
    return f"""define internal void @barrier(ptr %sync) nounwind noinline {{
entry:
  %roundp = getelementptr i8, ptr %sync, i64 64
  %sleepersp = getelementptr i8, ptr %sync, i64 72
  %round = load atomic i64, ptr %roundp acquire, align 8
  %came = atomicrmw add ptr %sync, i64 1 acq_rel
  %last = icmp eq i64 %came, {threads - 1}
  br i1 %last, label %open, label %wait
open:
  store atomic i64 0, ptr %sync monotonic, align 8
  %next = add i64 %round, 1
  store atomic i64 %next, ptr %roundp seq_cst, align 8
  %sleepers = load atomic i64, ptr %sleepersp seq_cst, align 8
  %awake = icmp eq i64 %sleepers, 0
  br i1 %awake, label %done, label %wake
wake:
  %wakep = getelementptr i8, ptr %sync, i64 136
  %g = load ptr, ptr %wakep, align 8
  call void %g(ptr %roundp)
  ret void
wait:
  %spins = phi i64 [ 0, %entry ], [ %more, %again ]
  %now = load atomic i64, ptr %roundp acquire, align 8
  %moved = icmp ne i64 %now, %round
  br i1 %moved, label %done, label %spin
spin:
  {pause(triple)}
  %more = add i64 %spins, 1
  %long = icmp sgt i64 %spins, {spins(triple)}
  br i1 %long, label %sleep, label %again
sleep:
  %sleepp = getelementptr i8, ptr %sync, i64 128
  %f = load ptr, ptr %sleepp, align 8
  %before = atomicrmw add ptr %sleepersp, i64 1 seq_cst
  call void %f(ptr %roundp, i64 %round)
  %after = atomicrmw sub ptr %sleepersp, i64 1 seq_cst
  br label %again
again:
  br label %wait
done:
  ret void
}}"""
