"""The one pass over the files: a digest, a vector, a signature each."""
