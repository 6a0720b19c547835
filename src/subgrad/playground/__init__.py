"""A page that trains networks in a browser, with this package's own training step."""

from subgrad.playground.write_page import playground

__all__ = ["playground"]
