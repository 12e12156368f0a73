"""From a folder to files, from a file to pixels."""
