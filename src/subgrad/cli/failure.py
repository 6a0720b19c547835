"""How a job fails: with one line on standard error and exit code 1. Wrong usage is Typer's: exit code 2."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Annotated, Any, get_type_hints

import typer

from subgrad.cli.screen import error_screen, visible
from subgrad.errors import ArgumentError, SubgradError, message_of

Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def job(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option ``--debug``, and without tracebacks unless it is given."""

    @functools.wraps(command)
    def run(*, debug: bool, **given: Any) -> None:
        try:
            command(**given)
        except typer.BadParameter as error:
            error.message = visible(error.message)
            raise
        except (typer.Exit, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            fail("interrupted")
        except Exception as error:
            if debug:
                raise
            fail(_one_line(error))

    own = inspect.signature(command, eval_str=True)
    extra = inspect.Parameter("debug", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Debug)
    run.__signature__ = own.replace(parameters=[*own.parameters.values(), extra])  # pyright: ignore
    run.__annotations__ = {**command.__annotations__, "debug": Debug}
    return run


def with_options(options: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose last parameter is a dataclass ``options``: on the command line its fields are options."""

    def wrap(command: Callable[..., None]) -> Callable[..., None]:
        *own, last = inspect.signature(command, eval_str=True).parameters.values()
        hints = get_type_hints(options, include_extras=True)
        made = [
            inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
            for f in fields(options)
        ]

        @functools.wraps(command)
        def run(**given: Any) -> None:
            arguments = [given.pop(p.name) for p in own]
            command(*arguments, **{last.name: options(**given)})

        run.__signature__ = inspect.Signature([*own, *made])  # pyright: ignore
        run.__annotations__ = {p.name: p.annotation for p in [*own, *made]}
        return run

    return wrap


def fail(message: str) -> None:
    """Say why on standard error, and exit with code 1."""
    _say(message)
    raise typer.Exit(1)


def say_error(error: Exception) -> None:
    """Say on standard error what has failed, in one line."""
    _say(error.message if isinstance(error, typer.BadParameter) else _one_line(error))


def _say(message: str) -> None:
    error_screen().print(f"error: {message}", style="red", soft_wrap=True)


@contextlib.contextmanager
def usage(option: str) -> Iterator[None]:
    """Inside, an `ArgumentError` means that ``option`` was used wrongly."""
    try:
        yield
    except ArgumentError as error:
        raise typer.BadParameter(str(error), param_hint=f"'{option}'") from None


def _one_line(error: Exception) -> str:
    more = "" if isinstance(error, SubgradError) else " (--debug shows where)"
    return message_of(error) + more  # the line of a graph would be one of Typer's, of no use to anybody
