"""Small things that all stages use: arrays, processor, memory, text."""
