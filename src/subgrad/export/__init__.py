"""Models, functions and training steps as WebAssembly and as object files, for machines without Python."""

from subgrad.export.exported import TARGETS, Exported, export
from subgrad.export.targets import MACHINES

__all__ = ["MACHINES", "TARGETS", "Exported", "export"]
