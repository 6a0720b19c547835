"""Boxes: what functions are approximated on."""

from subgrad.bounds.box import as_box

__all__ = ["as_box"]
