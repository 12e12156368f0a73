"""One kind of finding per module."""
