"""All operators, by the files of their families."""

from subgrad.onnx.reading.operators import (  # noqa: F401
    activation_operators,
    arithmetic_operators,
    attention_operators,
    convolution_operators,
    image_operators,
    index_operators,
    loop_operators,
    loss_operators,
    matrix_operators,
    normal_operators,
    pooling_operators,
    recurrent_operators,
    reduction_operators,
    shape_operators,
    signal_operators,
)  # fmt: skip
