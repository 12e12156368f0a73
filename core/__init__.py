"""The algorithms: arrays and paths in, arrays out. Knows no FiftyOne."""
