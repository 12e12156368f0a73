"""Scans as FiftyOne runs: stored, published, applied again."""
