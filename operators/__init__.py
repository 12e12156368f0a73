"""Everything that knows FiftyOne: one module an operator."""

from .find import Find
from .move import Move
from .purge import Purge
from .quarantine import Quarantine
from .retag import Retag
from .scan import Scan
from .undo import Undo

OPERATORS = (Scan, Find, Quarantine, Move, Retag, Undo, Purge)
