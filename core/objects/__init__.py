"""Boxes of labeled objects: what is wrong with them, alone and between copies."""
