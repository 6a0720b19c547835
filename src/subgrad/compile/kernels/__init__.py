"""From nodes to kernels: what is computed together, by whom, when, and where in memory it lies."""
