"""A form of kinks takes no memory for derivatives that nobody asks for."""

import tracemalloc

import numpy as np

import subgrad as sg
from subgrad.kinks.hull.subdifferential import at_point
from subgrad.kinks.problem import flat_problem


def test_the_derivative_by_a_constant_matrix_is_not_computed():
    n = 200
    matrix = 1 / (np.arange(n)[:, None] + np.arange(n) + 1)
    x = np.full(n, 1e-9)
    problem = flat_problem(lambda x: sg.abs(sg.tensor(matrix) @ x).max(), x)
    tracemalloc.start()
    try:
        found = at_point(problem, x, 50)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.complete
    assert peak < n**3  # one for each of n rows would take n**3 numbers
