"""Fourier transforms of formulas, for Barron's constant and networks drawn by it."""
