"""Everything that knows FiftyOne: one module an operator."""

from .decide import Decide
from .embeddings import Embeddings
from .export import Export
from .find import Find
from .open import Open
from .panel import WinnowPanel
from .scan import Scan
from .show import Show
from .tag import Tag

OPERATORS = (
    Scan,
    Find,
    Show,
    Tag,
    Decide,
    Export,
    Embeddings,
    Open,
    WinnowPanel,
)
