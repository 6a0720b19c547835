"""Pictures of networks and of their losses, with matplotlib (extra `plot`)."""

from subgrad.plot.boundary import boundary
from subgrad.plot.landscape import landscape

__all__ = ["boundary", "landscape"]
