"""Parameters between threads: what is traced in one is not seen in another, and several change as one."""

import threading

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ShapeError
from subgrad.graph import tracing
from subgrad.graph.tensor import Parameter, placeholder
from subgrad.graph.values import assign_all, nodes_of


def in_a_thread(f):
    found = []
    thread = threading.Thread(target=lambda: found.append(f()))
    thread.start()
    thread.join(20)
    return found[0]


def test_what_a_parameter_stands_for_while_a_function_is_traced_is_seen_in_that_thread_alone():
    w = Parameter([1.0, 2.0])
    with tracing.recording() as assigned:
        w.assign(placeholder((2,), "float32"))
        assert w.is_symbolic()
        assert in_a_thread(w.tolist) == [1.0, 2.0]
        assert not in_a_thread(tracing.is_tracing)
    assert [p for p, _ in assigned] == [w]
    assert w.tolist() == [1.0, 2.0]


def test_recordings_inside_of_one_another():
    w = Parameter(1.0)
    with tracing.recording() as outer:
        w.assign(2.0)
        with tracing.recording() as inner:
            assert float(w) == 2
            w.assign(3.0)
            assert float(w) == 3
        assert float(w) == 2
    assert [float(n) for _, n in (*inner, *outer)] == [3, 2]
    assert float(w) == 1


def test_a_leaf_that_is_assigned_in_a_trace_is_not_taken_for_the_parameter_elsewhere():
    w, t = Parameter(1.0), sg.tensor(5.0)
    with tracing.recording():
        w.assign(t)
    assert t.owner is None


def test_several_values_change_as_one():
    ps = [Parameter(np.zeros(3)) for _ in range(20)]
    stop, torn = threading.Event(), []

    def write():
        k = 0.0
        while not stop.is_set():
            k += 1
            assign_all(ps, [np.full(3, k, np.float32)] * len(ps))

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(300):
        seen = {float(n.numpy()[0]) for n in nodes_of(ps)}
        if len(seen) > 1:
            torn.append(seen)
    stop.set()
    writer.join()
    assert not torn


def test_one_value_that_does_not_fit_changes_none():
    a, b = Parameter(1.0), Parameter(1.0)
    with pytest.raises(ShapeError):
        assign_all([a, b], [2.0, [2.0, 2.0]])
    assert (float(a), float(b)) == (1, 1)


@pytest.mark.parametrize("at", range(6))
def test_ctrl_c_between_two_of_them_comes_after_all(at):
    class Interrupted(Parameter):
        def _bind(self, node):
            events.append("before")
            if len(events) - 1 == at:
                raise KeyboardInterrupt
            super()._bind(node)
            events.append("after")
            if len(events) - 1 == at:
                raise KeyboardInterrupt

    events = [*range(99)]
    ps = [Interrupted(1.0) for _ in range(3)]
    events.clear()
    with pytest.raises(KeyboardInterrupt):
        assign_all(ps, [2.0, 2.0, 2.0])
    assert [float(p) for p in ps] == [2, 2, 2]
