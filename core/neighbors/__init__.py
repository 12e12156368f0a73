"""Nearest neighbors: exact, approximate, incremental."""
