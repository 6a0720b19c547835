"""Runs that several processes share, against one process, and on simulated networks."""
