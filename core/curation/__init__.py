"""What is done with findings without touching a file."""
