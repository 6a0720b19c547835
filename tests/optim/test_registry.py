"""Every optimiser of the package is known by its name."""

import importlib
import inspect
import pkgutil

from subgrad import optim
from subgrad.optim.around.parameter_groups import Groups
from subgrad.optim.optimizer import Optimizer
from subgrad.optim.registry import optimizers
from subgrad.optim.transform import Chain


def test_no_optimiser_is_forgotten():
    """A file of optimisers that `methods.py` does not name would silently not exist.

    `chain` and `groups` make one of others.
    """
    found = pkgutil.walk_packages(optim.__path__, "subgrad.optim.")
    modules = [importlib.import_module(m.name) for m in found]
    classes = {c for m in modules for c in vars(m).values() if inspect.isclass(c) and c.__module__ == m.__name__}
    concrete = {c for c in classes if issubclass(c, Optimizer) and not inspect.isabstract(c)}
    assert concrete == {*optimizers().values(), Chain, Groups}
    assert all(getattr(optim, c.__name__) is c for c in optimizers().values())
