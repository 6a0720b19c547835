"""Layers for sequences besides whole recurrences and attention: cells, decoders, rotations, bags, steps."""
