"""Everything that knows FiftyOne: one module an operator."""

from .find import Find
from .scan import Scan

OPERATORS = (Scan, Find)
