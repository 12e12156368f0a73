"""The adapter: the only code that reads or writes FiftyOne data sets."""
