"""A network behind HTTP: this side and ONNX Runtime behind the same server."""
