"""Whether two pictures are copies of one another, and how they differ.

The embedding proposes pairs, the pictures decide. Of each picture a small
signature is kept: brightness at 64 x 64 and color at 16 x 16. Two signatures
are laid over one another (8 turns, windows, then a refined affine map), a tone
curve and a color gain are fitted, and what is left unexplained is weighed
against how much there was to compare. Three tests, each dearer and stricter:

1. *Coarse* (``coarse_alignment``): 8 x 8 cosine coefficients, in 8 turns and 22
   windows each way.
2. *Correlation* (``refine_alignment``, ``block_correlation``): local correlation of
   details, 8 x 8 blocks, roughly aligned.
3. *Evidence* (``pair_classifier``): rules that contradict a copy, then two dozen
   numbers, learned trees.

Pictures with margins are compared by what they frame as well (``views``). Pages, too
plain for a signature to tell, are looked at in full afterwards (``pages``).
"""

from __future__ import annotations

from .frame_maps import frame_maps
from .looks import (
    AllLooks,
    all_looks_of,
    half_likeness,
    half_looks_of,
    joined_looks,
    look_likeness,
    looks_at,
    looks_of,
    same_places,
)
from .pages import OTHER, PAGE_SIDE, SAME, compare_pages, is_page
from .parts import MIN_PART_CHANGE, part_change, part_levels
from .planes import is_blank, tones_of
from .relations import (
    CHANGES_OF_MEANING,
    NO_RELATION,
    PARTLY,
    RELATIONS,
    TOO_PLAIN,
    relation_bits,
    relation_names,
)
from .rotated_candidates import (
    VIEW_NUMBERS,
    TurnFree,
    turn_free,
    turn_free_of,
    turned_among,
    turned_candidates,
    turned_originals,
    view_numbers,
)
from .signature import SIGNATURE_BYTES, SIGNATURE_SIDE, SIGNATURE_VERSION, signatures
from .similar_candidates import CANDIDATE_NEIGHBORS, similar_enough
from .tilted_looks import tilted_likeness
from .types import Signatures
from .verify import MIN_COPY_SCORE, PairScores, verify_pairs
from .views import without_margins

__all__ = [
    "AllLooks",
    "CANDIDATE_NEIGHBORS",
    "CHANGES_OF_MEANING",
    "MIN_COPY_SCORE",
    "MIN_PART_CHANGE",
    "NO_RELATION",
    "VIEW_NUMBERS",
    "OTHER",
    "PAGE_SIDE",
    "PARTLY",
    "PairScores",
    "RELATIONS",
    "SAME",
    "SIGNATURE_BYTES",
    "SIGNATURE_SIDE",
    "SIGNATURE_VERSION",
    "Signatures",
    "TOO_PLAIN",
    "TurnFree",
    "all_looks_of",
    "compare_pages",
    "frame_maps",
    "half_likeness",
    "half_looks_of",
    "is_blank",
    "is_page",
    "joined_looks",
    "look_likeness",
    "looks_at",
    "looks_of",
    "part_change",
    "part_levels",
    "relation_bits",
    "relation_names",
    "same_places",
    "signatures",
    "similar_enough",
    "tilted_likeness",
    "tones_of",
    "turn_free",
    "turn_free_of",
    "turned_among",
    "turned_candidates",
    "turned_originals",
    "verify_pairs",
    "view_numbers",
    "without_margins",
]
