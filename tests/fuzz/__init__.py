"""Random programs over the whole table of ops: native code against the interpreter, gradients against differences.

``python -m tests.fuzz --programs 20000 --seed 1`` runs so many; each is known by one number.
"""
