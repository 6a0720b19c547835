"""Readers of files: text, columns with types, arrays."""
