"""Lower points where a solver has stopped: it may be at a saddle, or on a ridge."""
