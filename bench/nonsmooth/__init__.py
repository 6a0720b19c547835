"""Benchmarks of nonsmooth optimisation, exact subgradients and proofs, each a program of its own."""
