"""The address of a node: a slice of a buffer, which may move from step to step."""

from __future__ import annotations

from typing import NamedTuple

LoopStride = tuple[int, int]
"""Bytes that an address moves with every step of a loop, and bytes that it moves with every other one: (0, n) and
(0, -n) are the halves of a double buffer."""


class BufferSlice(NamedTuple):
    """Where a node lies: in entry ``entry`` of the table of pointers, ``offset`` bytes further, ``step`` bytes further
    with every training step, and so on with the steps of the loops that it is in, the outermost first."""

    entry: int
    offset: int = 0
    step: int = 0
    loop_strides: tuple[LoopStride, ...] = ()

    def moved(self, offset: int) -> BufferSlice:
        """The place so many bytes further."""
        return self._replace(offset=self.offset + offset)

    def in_loop(self, depth: int, stride: LoopStride) -> BufferSlice:
        """The place that also moves with a loop, which ``depth`` loops are around."""
        still = ((0, 0),) * (depth - len(self.loop_strides))
        return self._replace(loop_strides=(*self.loop_strides, *still, stride))


__all__ = ["BufferSlice", "LoopStride"]
