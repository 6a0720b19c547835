"""Inputs of compiled functions, and the first number of each result."""

import numpy as np

X = np.ones((1, 2), np.float32)
x = np.ones(2, np.float32)


def values(*calls):
    return [float(np.ravel(found)[0]) for found in calls]
