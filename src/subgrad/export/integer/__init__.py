"""Networks in integers of 8 bits: codes and sums for numbers, a rule for each op, and how far they are from floats."""
