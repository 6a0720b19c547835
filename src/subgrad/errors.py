"""Every exception that subgrad raises on purpose.

Each class also inherits the built-in exception that a caller would expect, so ``except ValueError`` works, and so
does ``except subgrad.errors.SubgradError`` for whoever wants all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from subgrad.graph.source_location import user_site

LONGEST = 1000
"""Characters of a message. One that quotes something longer, a file or ten thousand names, is cut in its middle."""


class SubgradError(Exception):
    """Base of all errors raised on purpose by this package. Its message is short, whatever was given."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*map(_cut, args))

    def __reduce__(self) -> Any:
        """As it is, without making the message anew: errors come from worker processes as well."""
        return _as_it_is, (type(self), self.args), self.__dict__ or None


def _cut(message: Any) -> Any:
    if not isinstance(message, str) or len(message) <= LONGEST:
        return message
    return f"{message[: LONGEST * 3 // 4]} ... {message[-LONGEST // 5 :]}"


def _as_it_is(kind: type[SubgradError], args: tuple[Any, ...]) -> SubgradError:
    made = kind.__new__(kind, *args)
    made.args = args  # an OSError takes them in __init__ alone
    return made


class LocatedError(SubgradError):
    """An error about a graph: the message ends with the line of the user's code that made the node."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.args = (user_site().after(self.args[0]),)


class ShapeError(LocatedError, ValueError):
    """Shapes that do not fit together; the message names them."""


class DTypeError(LocatedError, TypeError):
    """A dtype that is unknown, mixed with another float dtype, or not what the operation takes."""


class ArgumentError(SubgradError, ValueError):
    """An argument outside its domain: an unknown name, a negative size, a probability above one."""


class DataError(SubgradError, ValueError):
    """Data that cannot be used: NaN in a table, an unknown column, labels of the wrong kind."""


class FileError(SubgradError, OSError):
    """A file that is missing, damaged, or not of the expected format."""


class GradientError(LocatedError, ValueError):
    """A gradient that does not exist: of a non-scalar without a cotangent, or of an op that has none."""


class CheckError(SubgradError, AssertionError):
    """A checker found a derivative, a kink or an invariant that is wrong; the message shows both sides."""


class NotTraceableError(SubgradError, RuntimeError):
    """The value of a tensor was asked for while a function is being traced, when it has none yet."""


class NonFiniteError(SubgradError, ArithmeticError):
    """Training produced NaN or inf; the message names the epoch, the batch and the op."""


class RankError(SubgradError, RuntimeError):
    """Another process of a run on several has failed; the message says which, and of what."""


class NotFittedError(SubgradError, RuntimeError):
    """A model or a preprocessing step was used before it was fitted."""


class MissingExtraError(SubgradError, ImportError):
    """An optional dependency is missing; the message has the ``pip install`` that brings it."""


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Errors of this package that come from inside begin with what they are about.

    >>> try:
    ...     with naming("output 'price'"):
    ...         raise ShapeError("expected (3,), got (2,)")
    ... except ShapeError as error:
    ...     print(str(error).startswith("output 'price': expected (3,), got (2,)"))
    True
    """
    try:
        yield
    except SubgradError as error:
        error.args = (f"{what}: {error}",)
        raise


def message_of(error: Exception) -> str:
    """What an error says in one line: without the line of code of a graph, for those who did not write it.

    >>> message_of(ShapeError("expected (3,), got (2,)")), message_of(KeyError("a"))
    ('expected (3,), got (2,)', "KeyError: 'a'")
    """
    message = "; ".join(str(error).splitlines())
    if isinstance(error, LocatedError):
        return without_line(message)
    return message if isinstance(error, SubgradError) else f"{type(error).__name__}: {message}"


def without_line(message: str) -> str:
    """What a `LocatedError` says, without the line of code at its end."""
    before, found, _ = message.rpartition(" (at ")
    return before if found else message


def missing_extra(package: str, extra: str, purpose: str) -> MissingExtraError:
    """The error for an optional ``package`` that is not installed.

    >>> print(missing_extra("fastexcel", "excel", "reading Excel files"))
    reading Excel files needs fastexcel, which is not installed: pip install 'subgrad[excel]'
    """
    remedy = f"pip install 'subgrad[{extra}]'"
    return MissingExtraError(f"{purpose} needs {package}, which is not installed: {remedy}")
