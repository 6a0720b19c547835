"""Models of several inputs and several outputs."""
