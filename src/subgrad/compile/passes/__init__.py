"""Passes over the graph: from nodes to nodes."""
