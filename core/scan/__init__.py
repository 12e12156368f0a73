"""The stages of a scan, in their order, and the thresholds applied to it."""
