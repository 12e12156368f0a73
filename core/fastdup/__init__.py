"""The bridge to fastdup: its files, and its rules on our arrays."""
