"""What a run leaves: models with their preparation and their calibration, and how good they are."""
