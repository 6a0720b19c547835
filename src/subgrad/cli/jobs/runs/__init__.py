"""Training runs on tables and images: from a plan to a model in a file."""
