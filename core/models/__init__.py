"""Which embedding models there are, and how one is run."""
