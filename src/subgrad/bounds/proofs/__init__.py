"""Proofs as files: what is written, and the names of networks in them."""
