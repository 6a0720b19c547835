"""The search for better settings than the defaults: by rounds of trials, or by a study of Optuna."""
