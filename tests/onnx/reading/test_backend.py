"""ONNX's own tests of its operators: each model in them is read, run by the reference of each op, and compared.

``python tests/onnx/reading/test_backend.py`` prints how many there are of each kind, and what fails.
"""

from __future__ import annotations

import re
import unittest
import warnings
from collections import Counter
from typing import Any, ClassVar

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from onnx.backend.base import Backend, BackendRep
from onnx.backend.test import BackendTest
from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

from subgrad.graph.tensor import tensor
from subgrad.onnx.reading.load import from_proto

OURS = {
    TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT32, TensorProto.INT64, TensorProto.UINT8, TensorProto.BOOL,
}  # fmt: skip

EXCLUDED = {
    r"^test_(training_dropout(_default)?(_mask)?|bernoulli(_\w+)?)_cpu": "random numbers, which differ",
    r"^test_linear_attention_(?!.*expanded)": "LinearAttention is not known; what it is made of is",
    r"^test_image_decoder": "files of images are read by others",
    r"^test_tfidfvectorizer": "TfIdfVectorizer is of texts",
    r"^test_nonmaxsuppression": "how many boxes stay depends on values",
    r"^test_(basic_)?deform_conv": "DeformConv is not known",
    r"^test_bitcast": "bits of floats are not looked at",
    r"^test_optional": "values that may be there or not",
    r"^test_split_to_sequence|^test_if_seq|^test_if_opt|^test_sequence": "sequences of tensors",
    r"^test_scan_sum": "Scan of version 8, which has another form",
    r"^test_dft_inverse(_opset19)?_cpu": "what is 0 is expected to be a certain rounding error of float32",
    r"^test_quantizelinear_blocked_symmetric": "has the attribute of int16, which tensors do not have here",
    r"^test_strnorm": "texts",
}
"""Tests by name, and why each is left out."""


class Ours(Backend):
    """What the tests call."""

    left_out: ClassVar[Counter[str]] = Counter()

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **_: Any) -> BackendRep:
        if why := foreign(model):
            cls.left_out[why] += 1
            raise BackendIsNotSupposedToImplementIt(why)
        return Rep(model)


def foreign(model: onnx.ModelProto) -> str:
    """Why a model has nothing to do with tensors as they are here; empty if it has."""
    if any(n.domain not in ("", "ai.onnx") for n in model.graph.node) and not model.functions:
        return "operators of other domains"
    values = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    if any(not v.type.HasField("tensor_type") for v in values):
        return "sequences and optional values"
    types = {v.type.tensor_type.elem_type for v in values} | {t.data_type for t in model.graph.initializer}
    types |= {a.t.data_type for n in model.graph.node for a in n.attribute if a.name == "value" and a.HasField("t")}
    types |= {a.i for n in model.graph.node if n.op_type == "Cast" for a in n.attribute if a.name == "to"}
    return "other dtypes" if types - OURS else ""


class Rep(BackendRep):
    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = from_proto(model)

    def run(self, inputs: Any, **_: Any) -> tuple[np.ndarray, ...]:
        found = self.model(*(tensor(a, a.dtype) for a in map(as_array, inputs)))
        return tuple(y.numpy() for y in (found if isinstance(found, tuple) else (found,)))


def as_array(value: Any) -> np.ndarray:
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value)


def outcome() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """How many tests of each category passed, and those that failed with the reason."""
    Ours.left_out.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the tests are made of divides by 0
        tests = BackendTest(Ours, __name__)
    for pattern in EXCLUDED:
        tests.exclude(pattern)
    passed: dict[str, int] = {}
    failed: list[tuple[str, str]] = []
    for category, case in tests.test_cases.items():
        if category == "OnnxBackendRealModelTest":  # would be downloaded
            continue
        result, before = unittest.TestResult(), Ours.left_out.total()
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
        wrong = [*result.failures, *result.errors]
        passed[category] = result.testsRun - len(result.skipped) - len(wrong) - (Ours.left_out.total() - before)
        failed += [(str(test), text.strip().splitlines()[-1]) for test, text in wrong]
    return passed, failed


def test_operators_compute_what_their_definition_says():
    passed, failed = outcome()
    assert not failed
    assert sum(passed.values()) > 1450


@pytest.mark.parametrize("pattern", EXCLUDED)
def test_a_reason_says_something(pattern):
    assert re.compile(pattern)
    assert len(EXCLUDED[pattern]) > 4


if __name__ == "__main__":
    passed, failed = outcome()
    for category, count in passed.items():
        print(f"{category}: {count} passed")
    print("left out:", dict(Ours.left_out))
    for name, why in failed:
        print(name, why[:200])
