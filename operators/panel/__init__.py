"""The Winnow panel: see what a scan found, decide, act."""

from .panel import WinnowPanel

__all__ = ["WinnowPanel"]
