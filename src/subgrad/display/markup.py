"""HTML, made of elements: whatever is no markup yet is escaped, so that nothing of a user's data becomes a tag."""

from __future__ import annotations

import html

_VOID = frozenset({"meta"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *content: str | Markup, **attributes: str | None) -> Markup:
    """An element with its content and attributes, of which those that are None are left out.

    An underscore in an attribute's name stands for a hyphen, one at its end for nothing.

    >>> element("p", "a < b", element("b", "c"), class_="note", aria_label='"x"')
    '<p class="note" aria-label="&quot;x&quot;">a &lt; b<b>c</b></p>'
    """
    given = {name.removesuffix("_").replace("_", "-"): value for name, value in attributes.items()}
    said = "".join(f' {name}="{html.escape(value)}"' for name, value in given.items() if value is not None)
    if tag in _VOID:
        return Markup(f"<{tag}{said}>")
    return Markup(f"<{tag}{said}>{joined(*content)}</{tag}>")


def joined(*content: str | Markup) -> Markup:
    """Elements and texts one after the other; the texts are escaped.

    >>> joined("<", element("b", "x"))
    '&lt;<b>x</b>'
    """
    return Markup("".join(part if isinstance(part, Markup) else html.escape(visible(part)) for part in content))


def visible(text: str) -> str:
    """A text with the characters replaced that HTML may not contain, and those that would turn what follows around.

    >>> visible("a\\x00b")
    'a�b'
    """
    return text.translate(_HIDDEN)


_BREAKS = {9, 10, 13}
_TURNS = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_HIDDEN = {code: "\N{REPLACEMENT CHARACTER}" for code in [*range(32), *range(127, 160), *_TURNS] if code not in _BREAKS}
_HIDDEN |= dict.fromkeys(range(55296, 57344), "�")  # halves of pairs, which no file holds

__all__ = ["Markup", "element", "joined", "visible"]
