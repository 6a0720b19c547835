"""Optimisers that see parameters as matrices."""
