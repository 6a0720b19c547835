"""Data that are made up."""
