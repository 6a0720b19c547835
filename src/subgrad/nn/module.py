"""Modules: functions with parameters, found by attribute."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from subgrad import diff
from subgrad.errors import ArgumentError
from subgrad.graph import tracing
from subgrad.graph.dtype import default_dtype
from subgrad.graph.tensor import Parameter, Tensor, TensorLike, as_tensor
from subgrad.graph.values import assign_all, nodes_of
from subgrad.hints import Hinted, require_known
from subgrad.nn import config
from subgrad.nn.running import evaluating, forward_of, mode_here, running, set_mode_here
from subgrad.nn.validation import check_state

if TYPE_CHECKING:
    import numpy.typing as npt

Pullback = Callable[[TensorLike], tuple[Any, dict[str, Tensor]]]


def _no_forward(self: Module, *xs: Any, **options: Any) -> Any:
    raise ArgumentError(f"{type(self).__name__} defines no forward(x)")


class Module(Hinted):
    """A function with parameters. Subclasses define ``__init__`` and ``forward(x)``.

    Parameters and submodules are the attributes that are a `Parameter` or a `Module`, also inside lists, tuples and
    dicts. Their names are the paths to them, such as ``hidden.weight`` or ``layers.0.weight``; what is reachable on
    several paths is one thing, under its first name. A parameter with ``requires_grad = False`` is part of the state
    and is not trained.

    Nothing has to be declared, and ``super().__init__()`` need not be called. The arguments of the constructor are
    remembered, so that `config` can describe the module.

    Attributes:
        training: True in training mode (the start), False after `eval`.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import nn
        >>> class Net(nn.Module):
        ...     def __init__(self, width):
        ...         self.hidden = nn.Linear(2, width)
        ...         self.out = nn.Linear(width, 1, bias=False)
        ...     def forward(self, x):
        ...         return self.out(sg.tanh(self.hidden(x)))
        >>> net = Net(8)
        >>> [name for name, _ in net.named_parameters()]
        ['hidden.weight', 'hidden.bias', 'out.weight']
        >>> net(sg.zeros((5, 2))).shape
        (5, 1)
        >>> net
        Net(8
          (hidden): Linear(2, 8)
          (out): Linear(8, 1, bias=False)
        )
    """

    forward: Callable[..., Any] = _no_forward
    _given: tuple[tuple[Any, ...], dict[str, Any]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        config.enter(cls)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        module = super().__new__(cls, *args, **kwargs)
        module._given = args, kwargs
        return module

    def __init__(self) -> None:
        """A module without arguments."""

    def __setattr__(self, name: str, value: Any) -> None:
        before = self.__dict__.get(name, self)
        super().__setattr__(name, value)
        if before is not self.__dict__.get(name, self):
            tracing.note_setting(self, name)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        tracing.note_setting(self, name)

    # Running

    def __call__(self, *xs: Any, **options: Any) -> Any:
        """``forward(*xs, **options)``. NumPy arrays become tensors first, floats in the parameters' dtype."""
        if options:
            require_known(self.forward, f"{type(self).__name__}.forward", options)
        inputs = [self._as_input(x) if isinstance(x, np.ndarray) else x for x in xs]
        with running(self):
            return forward_of(self, inputs, options)

    def _as_input(self, x: TensorLike) -> Tensor:
        return x if isinstance(x, Tensor) else as_tensor(np.asarray(x), self._dtype())

    def _dtype(self) -> np.dtype:
        return next((p.dtype for _, p in self.named_state()), default_dtype())

    def predict(self, *xs: Any, **named: Any) -> Any:
        """The output in evaluation mode as an array, by native code: for many calls with samples of one shape.

        The first call with a shape compiles (see `subgrad.compile`), later ones cost little more than the arithmetic.
        Calls with fewer rows run in the program of one with more, so that any number of lengths takes few programs.
        `subgrad.predict` is for a whole data set at once. As there, several inputs may come in one tuple, or in one
        dict by name.

        Example:
            >>> import numpy as np, subgrad as sg
            >>> sg.nn.ReLU().predict(np.array([[-1.0, 2.0]], np.float32))
            array([[0., 2.]], dtype=float32)
        """
        predictor = self.__dict__.get("_predictor")
        if predictor is None:
            from subgrad.compile.function import CompiledByRows

            predictor = self.__dict__["_predictor"] = CompiledByRows(_evaluation(weakref.ref(self)))
        for x in xs:
            if type(x) is tuple or type(x) is dict:
                from subgrad.compile.tracing.arguments import spread

                xs, named = spread(self.forward, xs, named)
                break
        return predictor(*xs, **named)

    def __getstate__(self) -> dict[str, Any]:
        """All but machine code: a copy compiles its own, and so does the process in which a pickle is read."""
        return {name: value for name, value in self.__dict__.items() if name not in _PROGRAMS}

    def vjp(self, *xs: TensorLike) -> tuple[Tensor, Pullback]:
        """The module protocol: the output, and the way back from its cotangent.

        Returns:
            ``(output, pullback)``, where ``pullback(dE/df)`` is ``(dE/dx, {name: dE/du})``: the cotangent of the
            input (None if it holds integers; a tuple for a module of several inputs) and that of each parameter.

        Example:
            >>> import subgrad as sg
            >>> layer = sg.nn.Linear(2, 1)
            >>> output, pullback = layer.vjp([[3.0, 4.0]])
            >>> dx, du = pullback([[1.0]])
            >>> bool((dx == layer.weight).numpy().all()), du["weight"].tolist(), du["bias"].tolist()
            (True, [[3.0, 4.0]], [1.0])
        """
        inputs = [self._as_input(x) for x in xs]
        y = self(*inputs)
        return y, lambda cotangent: self._parted(diff.grad(y, self._wrt(inputs), cotangent))

    def jacobian(self, *xs: TensorLike) -> tuple[Any, dict[str, Tensor]]:
        """The two Jacobians ``(df/dx, {name: df/du})``, of shapes ``f.shape + x.shape`` and ``f.shape + u.shape``.

        One backward pass for each element of the output: for small sizes.

        Example:
            >>> import subgrad as sg
            >>> by_input, by_parameter = sg.nn.Linear(2, 3).jacobian([1.0, 2.0])
            >>> by_input.shape, by_parameter["weight"].shape
            ((3, 2), (3, 3, 2))
        """
        inputs = [self._as_input(x) for x in xs]
        return self._parted(diff.jacobian(self(*inputs), self._wrt(inputs)))

    def _wrt(self, inputs: list[Tensor]) -> list[Any]:
        return [[x if x.dtype.kind == "f" else None for x in inputs], self]

    def _parted(self, derivatives: list[Any]) -> tuple[Any, dict[str, Tensor]]:
        by_input, by_parameter = derivatives
        return by_input[0] if len(by_input) == 1 else tuple(by_input), by_parameter

    # What it is made of

    @property
    def children(self) -> dict[str, Module]:
        """The modules directly below this one, by name."""
        first = {}
        for name, part in _held(self):
            if isinstance(part, Module):
                first.setdefault(id(part), (name, part))
        return dict(first.values())

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module under the name ``""``, and all modules below it with their names, depth first."""
        yield "", self
        yield from ((name, part) for name, part in _all_held(self) if isinstance(part, Module))

    def named_state(self) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their names, those that are not trained as well."""
        return ((name, part) for name, part in _all_held(self) if isinstance(part, Parameter))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """The parameters to train, with their names, in the order of the attributes."""
        return ((name, p) for name, p in self.named_state() if p.requires_grad)

    def parameters(self) -> list[Parameter]:
        """The parameters to train, in the order of the attributes."""
        return [p for _, p in self.named_parameters()]

    def state_dict(self) -> dict[str, np.ndarray]:
        """The values of all parameters by name, those that are not trained as well; read-only arrays.

        >>> import subgrad as sg
        >>> {name: value.shape for name, value in sg.nn.Linear(2, 3).state_dict().items()}
        {'weight': (3, 2), 'bias': (3,)}
        """
        named = dict(self.named_state())
        return dict(zip(named, (n.numpy() for n in nodes_of([*named.values()])), strict=True))

    def load_state_dict(self, state: Mapping[str, npt.ArrayLike]) -> None:
        """Take over the values that `state_dict` of a module like this one gave.

        Raises:
            ArgumentError: if a name is missing or unknown.
            ShapeError: if the names fit and a shape differs.
            DTypeError: if only a dtype differs.

        Each error lists what does not fit, ten things at most, and then nothing has been changed.

        Example:
            >>> import subgrad as sg
            >>> a, b = sg.nn.Linear(2, 3), sg.nn.Linear(2, 3)
            >>> b.load_state_dict(a.state_dict())
            >>> bool((a.weight == b.weight).numpy().all())
            True
        """
        mine = dict(self.named_state())
        values = {name: np.asarray(value) for name, value in state.items()}
        check_state(type(self).__name__, mine, values)
        assign_all([*mine.values()], [values[name] for name in mine])

    # Modes

    @property
    def training(self) -> bool:
        """True in training mode (the start), False after `eval`."""
        here = mode_here(self)
        return self.__dict__.get("training", True) if here is None else here

    @training.setter
    def training(self, mode: bool) -> None:
        if not set_mode_here(self, mode):
            self.__dict__["training"] = mode

    def train(self, mode: bool = True) -> Self:
        """Training mode for this module and all below it (dropout drops); returns the module."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Evaluation mode for this module and all below it (dropout does nothing); returns the module."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget ``.grad`` of every parameter."""
        for _, p in self.named_state():
            p.zero_grad()

    # Describing

    def config(self) -> dict[str, Any]:
        """The class and its constructor's arguments as JSON: `subgrad.nn.from_config` makes such a module again.

        The values of the parameters are not in it (`state_dict` has them), nor is anything that was changed after
        construction.

        Raises:
            ArgumentError: if JSON cannot hold an argument, such as a function or an array.

        Example:
            >>> import subgrad as sg
            >>> sg.nn.Dropout(0.25).config()
            {'module': 'Dropout', 'args': {'p': 0.25}}
        """
        return config.describe(self)

    def summary(self, *input_shapes: tuple[int, ...], dtype: npt.DTypeLike | None = None) -> str:
        """A table of the layers that run: output shape, parameters, FLOPs.

        Each line holds what is below it as well, so the first is the total. Only trained parameters are counted, and
        2 FLOPs for each multiply-add of a contraction in the forward pass; elementwise operations are not counted.
        The module is traced in evaluation mode; no value is computed.

        Args:
            input_shapes: the shape of each input, with the batch axis.
            dtype: of the inputs; the dtype of the parameters if it is not given.

        Example:
            >>> import subgrad as sg
            >>> from subgrad import nn
            >>> print(nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)).summary((4, 2)))
            Layer        Output  Parameters  FLOPs
            Sequential   (4, 1)          33    192
              0: Linear  (4, 8)          24    128
              1: ReLU    (4, 8)           0      0
              2: Linear  (4, 1)           9     64
        """
        from subgrad.nn import summary

        return summary.table(self, input_shapes, dtype or self._dtype())

    def __repr__(self) -> str:
        head = f"{type(self).__name__}({config.arguments_text(self)}"
        parts = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.children.items()]
        return "\n  ".join([head, *parts]) + "\n)" if parts else head + ")"

    def _repr_html_(self) -> str:
        from subgrad.nn import summary

        return summary.html(self)


config.enter(Module)


def _evaluation(module: weakref.ref[Module]) -> Callable[..., Any]:
    """The forward pass in evaluation mode, as a function that does not keep the module alive."""

    def forward(*xs: Tensor, **named: Tensor) -> Any:
        alive = module()
        assert alive is not None
        with evaluating(alive):
            return alive(*xs, **named)

    return forward


_PROGRAMS = ("_predictor", "_programs")
"""Attributes that hold what was compiled: by `Module.predict`, and by runs of `subgrad.fit`."""

_NOT_HELD = ("_given", *_PROGRAMS)


def _held(holder: Any, path: str = "") -> Iterator[tuple[str, Module | Parameter]]:
    """The modules and parameters that a module, dict, list or tuple holds directly, with their names."""
    for name, part in _entries(holder):
        here = f"{path}.{name}" if path else str(name)
        if isinstance(part, (Module, Parameter)):
            yield here, part
        elif isinstance(part, (dict, list, tuple)):
            yield from _held(part, here)


def holds_parts(value: Any) -> bool:
    """Whether an attribute with this value has modules or parameters in it."""
    if isinstance(value, (dict, list, tuple)):
        return next(_held(value), None) is not None
    return isinstance(value, (Module, Parameter))


def _entries(holder: Any) -> list[tuple[Any, Any]]:
    if isinstance(holder, Module):
        return [(name, part) for name, part in vars(holder).items() if name not in _NOT_HELD]
    return list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder))


def _all_held(module: Module) -> Iterator[tuple[str, Module | Parameter]]:
    """What is below ``module``, depth first in the order of the attributes, each thing once.

    Raises `ArgumentError` where two things have one name: in a dict with a dot in a key, or with 1 and "1".
    """
    seen, names = {id(module)}, set()
    pending = [iter([*_held(module)])]
    prefixes = [""]
    while pending:
        name, part = next(pending[-1], ("", None))
        if part is None:
            pending.pop()
            prefixes.pop()
        elif id(part) not in seen:
            seen.add(id(part))
            name = prefixes[-1] + name
            if name in names:
                whose = type(module).__name__
                raise ArgumentError(f"{whose} has two parts called {name!r:.200}: one of their keys needs another name")
            names.add(name)
            yield name, part
            if isinstance(part, Module):
                prefixes.append(f"{name}.")
                pending.append(iter([*_held(part)]))


__all__ = ["Module"]
