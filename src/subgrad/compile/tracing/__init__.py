"""What a compiled function is given, and what it depends on besides."""
