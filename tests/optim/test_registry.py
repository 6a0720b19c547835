"""Every optimiser of the package is known by its name."""

import importlib
import inspect
import pkgutil

from subgrad import optim
from subgrad.optim.optimizer import Optimizer
from subgrad.optim.registry import optimizers
from subgrad.optim.transform import Chain


def test_no_optimiser_is_forgotten():
    """A file of optimisers that `methods.py` does not name would silently not exist. `chain` makes one of others."""
    modules = [importlib.import_module(f"subgrad.optim.{m.name}") for m in pkgutil.iter_modules(optim.__path__)]
    classes = {c for m in modules for c in vars(m).values() if inspect.isclass(c) and c.__module__ == m.__name__}
    concrete = {c for c in classes if issubclass(c, Optimizer) and not inspect.isabstract(c)}
    assert concrete == {*optimizers().values(), Chain}
    assert all(getattr(optim, c.__name__) is c for c in optimizers().values())
