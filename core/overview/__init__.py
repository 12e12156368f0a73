"""What is wrong with a set as a whole: its balance, shifts, shortcuts and gaps."""
