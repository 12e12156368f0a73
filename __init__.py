"""Winnow, a FiftyOne plugin that cleans image data sets on a CPU."""

from typing import Any


def register(p: Any) -> None:
    """Registers the operators and panels (FiftyOne calls this)."""
    # FiftyOne runs this file again at every look-up of an operator, and
    # pytest imports it without a parent package: import here, not above
    from .operators import OPERATORS

    for operator in OPERATORS:
        p.register(operator)
