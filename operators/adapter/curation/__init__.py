"""Splits, comparisons, samples to check, other tools' runs."""
