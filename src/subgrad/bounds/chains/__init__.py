"""Chains of affine maps and bends: their backward linear bounds in native code, one box after the other."""
