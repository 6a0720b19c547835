"""Whole subdifferentials: normal forms, cells, linear programs, hulls; minima proved cell by cell."""
