"""Backward linear bounds: outputs of a network as linear functions of its input, for many boxes at once."""
