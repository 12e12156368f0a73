"""Gathers from the data set what a report says: a few pages, never all samples."""
