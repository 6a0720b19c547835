"""Explanations of a model by its answers alone: which columns matter, what they do, where it is wrong."""
