"""The pictures of a report, as SVG inside of its page."""
