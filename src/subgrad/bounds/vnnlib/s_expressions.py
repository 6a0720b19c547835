"""S-expressions of SMT-LIB, each with the line that it begins on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from subgrad.errors import FileError

TOKEN = re.compile(r";[^\n]*|[()]|\|[^|]*\||\"[^\"]*\"|\[[^\[\]()]*\]|[^\s();|\"\[]+|\S")
DEEPEST = 100  # lists inside of one another


@dataclass(frozen=True)
class Expression:
    """A word, or a list of expressions.

    Attributes:
        line: where it begins, counted from 1.
        word: of a word; empty for a list.
        parts: of a list.
    """

    line: int
    word: str = ""
    parts: tuple[Expression, ...] = ()

    @property
    def head(self) -> str:
        """The word that a list begins with."""
        return self.parts[0].word if self.parts else ""

    def __str__(self) -> str:
        text = self.word or f"({' '.join(str(p) for p in self.parts[:4])}{' ...' if len(self.parts) > 4 else ''})"
        return text if len(text) <= 60 else f"{text[:57]}..."


def wrong(line: int, why: str) -> FileError:
    """The error for what a line says."""
    return FileError(f"line {line} of this VNN-LIB file: {why}")


def expressions(text: str) -> list[Expression]:
    """All that a text says; `FileError` if its parentheses do not match."""
    found: list[Expression] = []
    open_lists: list[tuple[int, list[Expression]]] = []
    line, read = 1, 0
    for token in TOKEN.finditer(text):
        word = token.group()
        line += text.count("\n", read, token.start())
        read = token.start()
        if word.startswith(";"):
            continue
        if word == "(":
            if len(open_lists) == DEEPEST:
                raise wrong(line, f"lists lie more than {DEEPEST} deep inside of one another")
            open_lists.append((line, []))
            continue
        if word == ")":
            if not open_lists:
                raise wrong(line, "')' closes nothing")
            start, parts = open_lists.pop()
            done = Expression(start, parts=tuple(parts))
        else:
            done = Expression(line, word)
        target = open_lists[-1][1] if open_lists else found
        if word.startswith("[") and target and target[-1].word:  # indices belong to the word before them
            last = target.pop()
            done = Expression(last.line, last.word + re.sub(r"\s*([\[\],])\s*", r"\1", word))
        target.append(done)
    if open_lists:
        raise wrong(open_lists[-1][0], "this '(' is never closed")
    return found


__all__ = ["Expression", "expressions", "wrong"]
