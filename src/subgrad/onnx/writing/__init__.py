"""Graphs as ONNX files: traces of a model at several lengths, and one rule for each op."""
