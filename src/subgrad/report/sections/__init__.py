"""The parts of a report's page, a file each."""
