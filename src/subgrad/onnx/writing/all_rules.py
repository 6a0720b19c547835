"""All rules of `ONNX`, the op's own among them in the files of their families."""

from subgrad.onnx.writing import elementwise_rules, loop_rules, moving_rules, reduction_rules  # noqa: F401
from subgrad.onnx.writing.onnx_transform import ONNX

__all__ = ["ONNX"]
