"""Step rules from numbers and from text."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from numbers import Real
from typing import Any

from subgrad.errors import ArgumentError
from subgrad.optim.step.constant import Constant
from subgrad.optim.step.rule import RULES, Rule, settings

NO_PARAMETERS = "an optimiser is given its parameters by sg.fit, or by its own init and update"


def get(rule: Rule | float | str) -> Rule:
    """The step rule that ``rule`` means: a rule, a number (for `Constant`), or text.

    Text is a number, or a rule's name with its arguments, which may be rules again: ``0.1``,
    ``square_summable(100, 100)``, ``warmup(cosine(0.1, steps=1000), 50)``, ``piecewise({0: 0.1, 1000: 0.01})``.

    Raises:
        ArgumentError: for an unknown name, text not of this form, or arguments that the rule refuses.

    Example:
        >>> from subgrad import optim
        >>> optim.step.get("square_summable(100, 100)")
        SquareSummable(a=100.0, b=100.0)
        >>> optim.step.get(0.1)
        Constant(a=0.1)
    """
    if isinstance(rule, Rule):
        return rule
    if isinstance(rule, str):
        return get(_parse(rule))
    if isinstance(rule, Real) and not isinstance(rule, bool):
        return Constant(rule)  # pyright: ignore[reportArgumentType]
    raise ArgumentError(f"a step rule is a number, a rule, or its name with arguments, got {rule!r}")


def step_rule(what: str, value: Any) -> Rule:
    """`get`, as the domain of a setting."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        raise ArgumentError(
            f"{what} is a step rule or a number, got a {type(value).__name__}: {NO_PARAMETERS}"
        )
    try:
        return get(value)
    except ArgumentError as error:
        raise ArgumentError(f"{what}: {error}") from None


def _parse(text: str) -> Any:
    """Text as a number or a rule: parsed as Python and never run, for only rules and literals are known."""
    try:
        return _build(ast.parse(text.strip(), mode="eval").body)
    except ArgumentError:
        raise
    except (SyntaxError, TypeError, ValueError):
        raise ArgumentError(f"cannot read the step rule {text!r}: expected a number or {_known()}") from None


def _build(node: ast.expr) -> Any:
    if not isinstance(node, ast.Call):
        return ast.literal_eval(node)
    name = ast.unparse(node.func)
    if name not in _rules():
        raise ArgumentError(f"there is no step rule {name!r}: expected a number or {_known()}")
    return _rules()[name](*map(_build, node.args), **{str(k.arg): _build(k.value) for k in node.keywords})


def _known() -> str:
    return ", ".join(f"{name}({', '.join(settings(rule))})" for name, rule in _rules().items())


def _rules() -> dict[str, type[Rule]]:
    """Every rule by name. A number needs none of them."""
    from subgrad.optim.step import classic, cycles, schedule  # noqa: F401  (their rules enter themselves)

    return {name: rule for name, rule in RULES.items() if rule is not cycles.Lambda}  # no text is a function


__all__ = ["get"]
