"""What a server takes at most, unless it is told otherwise."""

MAX_ROWS = 512
"""Rows of a call of the model."""

MAX_BODY = 16 * 2**20
"""Bytes of a request."""
