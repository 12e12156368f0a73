"""The pairs of items whose pictures were compared, by this scan or an earlier one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import turned_candidates, verify_pairs
from ..embedding.image_table import ImageTable
from ..neighbors.knn_graph import row_products
from ..progress import OnProgress
from .plain_pages import ReadPage, judge_pages
from .previous_scan import PreviousScan
from .scan_data import ScanData
from .unique_images import UniqueImages

Pairs = NDArray[np.int32]


class VerifiedPairs:
    """Pairs of items, with what their pictures and vectors say of them.

    Args:
        table: of the contents
        items: of the contents
        copies: i x c, copy vectors of the items
        earlier: scan, whose comparisons are taken over where both files are the
            same to the byte
        read_page: what reads the picture of an item in full
    """

    def __init__(
        self,
        table: ImageTable,
        items: UniqueImages,
        copies: NDArray[np.floating],
        earlier: PreviousScan,
        read_page: ReadPage,
    ) -> None:
        self._read_page = read_page
        self.signatures = table.stored("signature").at(items.first)
        self.sizes = table.sizes(items.first)
        self.copies = copies
        self.pairs = np.empty((0, 2), np.int32)
        self.similarities = np.empty(0, np.float32)
        self.scores = np.empty(0, np.float32)
        self.relations = np.empty(0, np.int8)
        self.changes = np.empty(0, np.uint8)
        self._known = None
        known = earlier.scan_data
        if known is not None and earlier.same_pictures:
            self._known = _KnownPairs(known, earlier.item)

    def turned_candidates(self) -> Pairs:
        """Returns pairs that match when one is turned; no embedding sees them."""
        return turned_candidates(self.signatures)

    def add(self, pairs: Pairs, on_progress: OnProgress) -> None:
        """Compares the pictures of the pairs, but for those that are known."""
        at = np.full(len(pairs), -1)
        if self._known is not None:
            at = self._known.rows(pairs)
        new = at < 0
        checks = verify_pairs(
            self.signatures, pairs[new], self.sizes, on_progress=on_progress
        )
        judge_pages(checks, pairs[new], self.signatures, self._read_page, on_progress)
        scores = np.empty(len(pairs), np.float32)
        relations = np.empty(len(pairs), np.int8)
        changes = np.empty(len(pairs), np.uint8)
        scores[new], relations[new] = checks.scores, checks.relations
        changes[new] = checks.changes
        if self._known is not None:
            scores[~new] = self._known.scores[at[~new]]
            relations[~new] = self._known.relations[at[~new]]
            changes[~new] = self._known.changes[at[~new]]
        self.pairs = np.concatenate([self.pairs, pairs])
        similarities = cosines(self.copies, pairs)
        self.similarities = np.concatenate([self.similarities, similarities])
        self.scores = np.concatenate([self.scores, scores])
        self.relations = np.concatenate([self.relations, relations])
        self.changes = np.concatenate([self.changes, changes])

    def columns(self) -> dict[str, Any]:
        """Returns the pairs as columns of an :class:`ScanData`."""
        return {
            "pairs": self.pairs,
            "pair_similarity": self.similarities,
            "pair_score": self.scores,
            "pair_relation": self.relations,
            "pair_changes": self.changes,
        }

    def accepted(self, min_score: float) -> Pairs:
        """Returns int32[q, 2], the pairs that are copies."""
        accepted: Pairs = self.pairs[self.scores >= min_score]
        return accepted


class _KnownPairs:
    """The pairs of an earlier scan, by the items of this one.

    Args:
        scan_data: of the earlier scan
        earlier: int64[i], the item there of each item now; -1 for a new one
    """

    def __init__(self, scan_data: ScanData, earlier: NDArray[np.int64]) -> None:
        self.scores = scan_data.pair_score
        self.relations = scan_data.pair_relation
        self.changes = scan_data.pair_changes
        self._count = len(scan_data.first)
        self._earlier = earlier
        keys = self._keys(scan_data.pairs.astype(np.int64))
        self._order = np.argsort(keys, kind="stable")
        self._keys_in_order = keys[self._order]

    def rows(self, pairs: Pairs) -> NDArray[np.int64]:
        """Returns int64[p], the earlier row of each pair, -1 for a new one."""
        result = np.full(len(pairs), -1, np.int64)
        ends = self._earlier[pairs]
        both = np.flatnonzero((ends >= 0).all(axis=1))
        keys = self._keys(ends[both])
        place = np.searchsorted(self._keys_in_order, keys)
        here = place < len(self._keys_in_order)
        here[here] = self._keys_in_order[place[here]] == keys[here]
        result[both[here]] = self._order[place[here]]
        return result

    def _keys(self, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        low, high = np.sort(pairs, axis=1).T
        keys: NDArray[np.int64] = low * self._count + high
        return keys


def cosines(vectors: NDArray[np.floating], pairs: Pairs) -> NDArray[np.float32]:
    """Returns float32[p], the cosine similarity of the unit vectors of each pair."""
    a, b = pairs.T
    return np.clip(row_products(vectors, a, vectors, b), -1, 1)
