"""Samples, fields and models of a data set."""
