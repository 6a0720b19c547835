"""ONNX files as models: a graph as it stands in the file, and one function for each operator."""
