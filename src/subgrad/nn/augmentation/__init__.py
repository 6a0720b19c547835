"""What images go through on their way in: normalisation, and random changes in training mode."""
