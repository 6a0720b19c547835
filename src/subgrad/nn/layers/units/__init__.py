"""Units with several pieces or gates, and weights that are made of other parameters."""
