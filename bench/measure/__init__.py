"""The measurements, and how idle the machine was meanwhile."""
