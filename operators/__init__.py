"""Everything that knows FiftyOne: one module an operator."""

from .compare import Compare
from .decide import Decide
from .embeddings import Embeddings
from .export import Export
from .find import Find
from .merge import Merge
from .move import Move
from .open import Open
from .panel import WinnowPanel
from .purge import Purge
from .quarantine import Quarantine
from .retag import Retag
from .scan import Scan
from .show import Show
from .sign_off import SignOffFinding
from .split import Split
from .tag import Tag
from .undo import Undo

OPERATORS = (
    Scan,
    Find,
    Show,
    Tag,
    Decide,
    Export,
    Split,
    Compare,
    SignOffFinding,
    Embeddings,
    Quarantine,
    Move,
    Retag,
    Merge,
    Undo,
    Purge,
    Open,
    WinnowPanel,
)
