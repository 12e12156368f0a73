"""Whether two pictures are copies of one another, and how they differ.

The embedding proposes pairs, the pictures decide. Of each picture a small
signature is kept: brightness at 64 x 64 and color at 16 x 16. Two signatures
are laid over one another (8 turns, windows, then a refined affine map), a tone
curve and a color gain are fitted, and what is left unexplained is weighed
against how much there was to compare. Three tests, each dearer and stricter:

1. *Coarse* (``coarse_alignment``): 8 x 8 cosine coefficients, in 8 turns and 22
   windows each way.
2. *Likeness* (``refine_alignment``, ``block_correlation``): local correlation of
   details, 8 x 8 blocks, roughly aligned.
3. *Evidence* (``pair_classifier``): rules that contradict a copy, then two dozen
   numbers, learned trees.

Pictures with margins are compared by what they frame as well (``views``).
"""

from __future__ import annotations

from .relations import CHANGES_OF_MEANING, NO_RELATION, RELATIONS
from .rotated_candidates import CANDIDATE_NEIGHBORS, turned_candidates
from .signature import SIGNATURE_BYTES, SIGNATURE_SIDE, SIGNATURE_VERSION, signatures
from .types import Signatures
from .verify import MIN_COPY_SCORE, PairScores, verify_pairs

__all__ = [
    "CANDIDATE_NEIGHBORS",
    "CHANGES_OF_MEANING",
    "MIN_COPY_SCORE",
    "NO_RELATION",
    "RELATIONS",
    "SIGNATURE_BYTES",
    "SIGNATURE_SIDE",
    "SIGNATURE_VERSION",
    "PairScores",
    "Signatures",
    "signatures",
    "turned_candidates",
    "verify_pairs",
]
