"""What can be made of a graph node by node, one rule for each op: the registry of all such transforms.

A transform is one object, made in the file of its rules. Whoever wants to know how an op is treated asks it, and gets
the op's own rule, or the fallback of its kind, or None; then the op is treated as what it is made of (its ``expand``).
So an op of a user, which has no rules, works wherever its expansion does. A test goes through all ops and transforms:
each has a rule, a fallback, an expansion, or a line in ``unsupported``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from subgrad.graph.op import Kind, Op

if TYPE_CHECKING:
    from subgrad.graph.tensor import Tensor

R = TypeVar("R")
Expansion = Callable[..., "Tensor"]

TRANSFORMS: dict[str, Transform[Any]] = {}
"""All transforms by name, as far as their modules are loaded."""


class Transform(Generic[R]):
    """The rules of one transform.

    Args:
        name: the transform's, as the documentation has it.
        title: what is made of an op.
        rules: the rule of each op that has its own.
        by_kind: the rule of all other ops of a kind, where they are treated alike.
        expansions: what ops without a rule are made of, where that is not their ``expand``; None for those that must
            not be treated as what they are made of.
        unsupported: for ops without all of these, why.

    Example:
        >>> from subgrad import ops
        >>> signs = Transform("signs", "whether a result can be negative", {ops.exp: lambda: False})
        >>> signs.get(ops.exp)(), signs.get(ops.sin), signs.way(ops.square)
        (False, None, 'expand')
        >>> del TRANSFORMS["signs"]
    """

    def __init__(
        self, name: str, title: str, rules: Mapping[Op, R], *, by_kind: Mapping[Kind, R] | None = None,
        expansions: Mapping[Op, Expansion | None] | None = None, unsupported: Mapping[Op, str] | None = None,
    ) -> None:  # fmt: skip
        self.name, self.title = name, title
        self._rules, self._by_kind = dict(rules), dict(by_kind or {})
        self.expansions, self.unsupported = dict(expansions or {}), dict(unsupported or {})
        TRANSFORMS[name] = self

    def get(self, op: Op) -> R | None:
        """The rule of an op; None if there is none."""
        return self._rules.get(op) or self._by_kind.get(op.kind)

    def __getitem__(self, op: Op) -> R:
        found = self.get(op)
        if found is None:
            raise KeyError(op.name)
        return found

    def __contains__(self, op: Op) -> bool:
        return self.get(op) is not None

    def register(self, op: Op) -> Callable[[R], R]:
        """Decorate the rule of an op."""

        def note(rule: R) -> R:
            self._rules[op] = rule
            return rule

        return note

    def expansion(self, op: Op) -> Expansion | None:
        """What an op is made of here: ``expansion(op)(*inputs, **attrs)``; None for what is made of nothing simpler."""
        return self.expansions.get(op, op.expand)

    def way(self, op: Op) -> str:
        """In one word how an op is treated: ``rule``, ``kind``, ``expand`` or ``none`` (see `unsupported`)."""
        if op in self._rules:
            return "rule"
        if op.kind in self._by_kind:
            return "kind"
        return "none" if self.expansion(op) is None else "expand"


__all__ = ["TRANSFORMS", "Transform"]
