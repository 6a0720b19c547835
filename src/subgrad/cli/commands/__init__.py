"""The commands: from what was typed to a job."""
