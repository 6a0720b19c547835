"""ONNX files: `save` writes a model as one, `load` makes a model of one."""

from subgrad.errors import missing_extra

try:
    import onnx  # noqa: F401
except ImportError:
    raise missing_extra("onnx", "onnx", "reading and writing ONNX files") from None

from subgrad.onnx.reading.load import load
from subgrad.onnx.writing.save import save

__all__ = ["load", "save"]
