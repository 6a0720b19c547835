"""What is measured: networks, their layers, data, initial weights, and whether all sides did the same."""
