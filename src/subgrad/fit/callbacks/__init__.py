"""Those who watch a training run, and may end it."""
