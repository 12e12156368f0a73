"""Everything that knows FiftyOne: one module an operator."""

from .audit import Audit
from .clean import Clean
from .compare import Compare
from .decide import Decide
from .estimate_precision import EstimatePrecision
from .export import Export
from .from_fastdup import FromFastdup
from .merge import Merge
from .move import Move
from .open import Open
from .open_findings import OpenFindings
from .panel import WinnowPanel
from .purge import Purge
from .quarantine import Quarantine
from .register_embeddings import RegisterEmbeddings
from .remove_objects import RemoveObjects
from .report import Report
from .retag import Retag
from .review import Review
from .sample_frames import SampleFrames
from .scan import Scan
from .select import Select
from .set_thresholds import SetThresholds
from .show import Show
from .split import Split
from .tag import Tag
from .thin import Thin
from .to_fastdup import ToFastdup
from .undo import Undo

OPERATORS = (
    Scan,
    SetThresholds,
    Show,
    Tag,
    Decide,
    Export,
    Report,
    Audit,
    Split,
    Select,
    Thin,
    SampleFrames,
    Compare,
    EstimatePrecision,
    RegisterEmbeddings,
    FromFastdup,
    ToFastdup,
    OpenFindings,
    Clean,
    Quarantine,
    Move,
    Retag,
    Merge,
    RemoveObjects,
    Undo,
    Purge,
    Open,
    Review,
    WinnowPanel,
)
