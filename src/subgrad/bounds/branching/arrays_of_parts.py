"""What is known of many parts: arrays side by side, one entry of each for a part."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np


@dataclass(frozen=True, eq=False)
class Columns:
    """A dataclass whose fields are arrays with the same first axis."""

    def __getitem__(self, chosen: np.ndarray) -> Self:
        return type(self)(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    @classmethod
    def joined(cls, *parts: Self) -> Self:
        """The entries of all parts, one behind the other."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))
