"""What a threshold on the copy score means on the person's own images.

A sample of the pictures is copied, by :mod:`core.copy_detection.augmentations`: in
sixteen known ways, and with two to five changes at once, each at the size of a picture
of the set. The copies go through what every picture goes through: embedding, search,
comparison. The share of them that is found with their original is the recall to expect
(the "known copies against known non-copies" of detector calibration). Of what kind the
copies of a set are nobody knows, so three shares are told, each with its 95 % interval.

Which pictures are *no* copies nobody knows without labels, but some pairs are
sure: where the search proposes a made copy of A together with another picture
B, and A and B themselves, compared untouched, clearly differ. How many of these
pairs pass tells what the changes hide. It says nothing of look-alikes (two flags
that differ in a color), which score high untouched: the rate is a lower bound.

Measured on scenes of 150 pixels, photographs of 1,000, things of 32 and blood cells,
in which copies were planted by another generator: 10 of 12 shares lie in the interval.
One change .92, .91, .84, .83 (told: .70 to .95, .78 to .97, .50 to .89, .51 to .91);
two to five .77, .92, .46, .77 (.47 to .78, .35 to .78, .31 to .69, .39 to .81); with
something over or around them .34, .39, .13, .27 (.19 to .57, .05 to .45, .05 to .33,
.01 to .26). More than was told is found in the two others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import (
    CANDIDATE_NEIGHBORS,
    Signatures,
    similar_enough,
    turned_candidates,
    verify_pairs,
)
from ..copy_detection.augmentations import AUGMENTATIONS, COVERED, UNCOVERED
from ..embedding.records import ImageEmbedder
from ..neighbors.knn_graph import nearest, row_products
from ..progress import OnProgress, silent
from ..reading.files import ReadContent, read_file
from ..storage.record_store import Vectors
from .candidates_by_looks import alike_originals
from .closer_looks import (
    chosen,
    is_thorough,
    looked_at,
    overruled,
    promise_of,
    show_little,
)
from .plain_pages import ReadPicture
from .synthetic_copies import (
    JoinedSignatures,
    joined_copies,
    made_copies,
    reader_with_copies,
)

_FEW, _MOST = 8, 30
"""Pictures to copy: one in 100, but 8 at least and 30 at most, and in small sets
one in ten."""

_SURE = 0.975
"""Probability that the recall is below the upper end of its interval, and, likewise,
above the lower one."""

_OTHERS = 3
"""Other pictures that a made copy is compared with at most, those most similar to it.
The search proposes ten and more in sets of look-alikes, where comparing them was two
thirds of the trial."""

_CLEARLY_OTHER = 0.05
"""Untouched pictures that score less clearly differ. Of 5,000 such pairs of three
sets 7 were planted copies, so little is misjudged."""

ACCEPTED_FALSE_RATE = 0.001
"""The share of known non-copies that a calibrated threshold lets pass at most."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CopyScores:
    """How known copies and known non-copies score.

    Attributes:
        copy_scores: float32[s, c], the score of each made copy against its
            original, a column a name of
            :data:`~core.copy_detection.augmentations.AUGMENTATIONS`; 0 where the
            search did not propose the pair
        composed_scores: float32[s, d], the same of copies with several changes
        covered_scores: float32[s, e], of those, with something over or around them
        negative_scores: float32[q], the scores of known non-copies
    """

    copy_scores: Floats
    composed_scores: Floats
    covered_scores: Floats
    negative_scores: Floats


NO_COPY_SCORES = CopyScores(
    np.zeros((0, len(AUGMENTATIONS)), np.float32),
    np.zeros((0, UNCOVERED), np.float32),
    np.zeros((0, COVERED), np.float32),
    np.zeros(0, np.float32),
)


def sampled(count: int) -> NDArray[np.int64]:
    """Returns which of so many pictures are copied, evenly spread."""
    wanted = max(min(_FEW, count // 10), min(_MOST, count // 100))
    return np.arange(wanted) * count // max(wanted, 1)


def score_synthetic_copies(
    paths: Sequence[bytes],
    originals: NDArray[np.int64],
    embedder: ImageEmbedder,
    vectors: Vectors,
    picture_signatures: Signatures,
    sizes: NDArray[np.int32],
    read_picture: ReadPicture,
    *,
    read_content: ReadContent = read_file,
    on_progress: OnProgress = silent,
) -> CopyScores:
    """Copies some pictures in known ways and looks whether they are found.

    The same pictures give the same estimate. A file that can no longer be read is
    left out.

    Args:
        paths: s files to copy
        originals: int64[s], which of the m pictures each file holds
        embedder: the model that made the vectors
        vectors: m x d, copy vectors of unit length
        picture_signatures: uint8[m, q]
        sizes: int32[m, 2], width and height
        read_picture: what reads one of the m pictures
        read_content: what reads the file of a path
        on_progress: told after each picture; may raise to cancel
    """
    made = [
        (original, copies)
        for original, copies in zip(
            originals.tolist(),
            made_copies(paths, embedder, sizes, read_content, on_progress),
            strict=True,
        )
        if copies is not None
    ]
    if not made:
        return NO_COPY_SCORES
    count, width = len(vectors), len(AUGMENTATIONS) + UNCOVERED + COVERED
    source = np.repeat([original for original, _ in made], width)
    copied = joined_copies([copies for _, copies in made])
    described = JoinedSignatures(picture_signatures, copied.signatures)
    pairs = _proposed(
        vectors, copied.vectors, described, embedder.min_candidate_similarity
    )
    every_size = np.concatenate([sizes, copied.sizes])
    similarity = row_products(copied.vectors, pairs[:, 0] - count, vectors, pairs[:, 1])
    own = source[pairs[:, 0] - count]
    is_copy = pairs[:, 1] == own
    kept = is_copy | _among_most_similar(pairs[:, 0], ~is_copy, similarity)
    pairs, similarity, own, is_copy = (
        values[kept] for values in (pairs, similarity, own, is_copy)
    )
    checked = verify_pairs(described, pairs, every_size)
    # What the changes hide is told by signatures alone: a lower bound, as it is anyhow
    promise = promise_of(checked, similarity, described, pairs)
    promise[~is_copy] = 0
    rows = chosen(promise, pairs, similarity, count)
    read = reader_with_copies(read_picture, copied.files, count)
    thorough = is_thorough(promise[rows])
    _, laid, closer = looked_at(pairs[rows], thorough, every_size, read, on_progress)
    rows = rows[laid]
    decided = overruled(
        checked.scores[rows],
        promise[rows],
        closer.scores,
        similarity[rows],
        show_little(every_size, pairs[rows]),
    )
    checked.put(rows[decided], closer.at(decided))
    scores = checked.scores
    copy_scores = np.zeros(len(source), np.float32)
    copy_scores[pairs[is_copy, 0] - count] = scores[is_copy]

    untouched = np.stack([own, pairs[:, 1]], axis=1)[~is_copy].astype(np.int32)
    distinct, of_pair = np.unique(
        np.sort(untouched, axis=1), axis=0, return_inverse=True
    )
    before = verify_pairs(picture_signatures, distinct, sizes).scores
    differs = before[of_pair.reshape(-1)] < _CLEARLY_OTHER
    ends = np.cumsum([len(AUGMENTATIONS), UNCOVERED])
    alone, composed, covered = np.split(copy_scores.reshape(-1, width), ends, axis=1)
    return CopyScores(alone, composed, covered, scores[~is_copy][differs])


def _among_most_similar(
    copies: NDArray[np.int32], is_other: NDArray[np.bool_], similarity: Floats
) -> NDArray[np.bool_]:
    """Returns the pairs of each made copy with the other pictures most like it.

    Args:
        copies: int32[p], the made copy of each pair
        is_other: bool[p], pairs with another picture than its original
        similarity: float32[p]

    Returns:
        bool[p]
    """
    rows = np.flatnonzero(is_other)
    rows = rows[np.lexsort((rows, -similarity[rows], copies[rows]))]
    first = np.searchsorted(copies[rows], copies[rows], "left")
    kept = np.zeros(len(copies), bool)
    kept[rows[np.arange(len(rows)) - first < _OTHERS]] = True
    return kept


def expected_recall(estimate: CopyScores, min_score: float) -> dict[str, float]:
    """Returns the share of made copies that is found, by change.

    Empty if none was made.
    """
    if not len(estimate.copy_scores):
        return {}
    found = (estimate.copy_scores >= np.float32(min_score)).mean(axis=0)
    return dict(zip(AUGMENTATIONS, found.tolist(), strict=True))


def recall_interval(
    scores: Floats, min_score: float, *, by_kind: bool
) -> tuple[float, float, float]:
    """Returns the share of made copies that is found, and its 95 % interval.

    Copies of one picture are found or missed together, so pictures are what is drawn,
    and so are kinds of change, since nobody knows which a set has: the score interval
    of Wilson (1927) with the effective number of copies (Kish, Survey sampling, 1965)
    and the quantile of Student's t.

    Args:
        scores: float32[s, c], s at least 1, of c copies of each picture
        min_score: the threshold
        by_kind: whether each column is a kind of change

    Returns:
        share, lower and upper end
    """
    # Imported here: few callers of this module need it
    from scipy.special import stdtrit

    found = scores >= np.float32(min_score)
    share, degrees = float(found.mean()), max(len(found) - 1, 1)
    variance = float(found.mean(axis=1).var() / degrees)
    if by_kind:
        variance += float(found.mean(axis=0).var() / max(found.shape[1] - 1, 1))
    spread = share * (1 - share)
    count = min(scores.size, spread / variance) if variance else float(scores.size)
    if not spread:
        count = len(found)
    quantile = float(stdtrit(degrees, _SURE)) ** 2 / count
    middle = (share + quantile / 2) / (1 + quantile)
    half = np.sqrt(quantile * (spread + quantile / 4)) / (1 + quantile)
    return share, max(0.0, float(middle - half)), min(1.0, float(middle + half))


def false_rate(estimate: CopyScores, min_score: float) -> float | None:
    """Returns the share of known non-copies that passes; None without any."""
    if not len(estimate.negative_scores):
        return None
    return float((estimate.negative_scores >= np.float32(min_score)).mean())


def calibrated_score(estimate: CopyScores, min_score: float) -> float:
    """Raises a threshold until few enough of the known non-copies pass.

    Few enough is :data:`ACCEPTED_FALSE_RATE`, but one pair is no share: up to
    one may pass. It is never lowered, because look-alikes, of which the estimate
    knows nothing, would pass first.
    """
    allowed = max(1, int(ACCEPTED_FALSE_RATE * len(estimate.negative_scores)))
    scores = np.sort(estimate.negative_scores)[::-1]
    if len(scores) <= allowed or scores[allowed] < np.float32(min_score):
        return min_score
    above = float(np.nextafter(scores[allowed], np.float32(2)))
    return min(1.0, float(np.ceil(above * 1000) / 1000))


def _proposed(
    vectors: Vectors,
    copied: Floats,
    described: Signatures,
    min_similarity: float,
) -> NDArray[np.int32]:
    """Returns int32[p, 2]: a made copy and a picture it may be a copy of.

    As in the search for real copies: the ten nearest that are similar enough,
    what may be a turned copy, and what looks the same from afar. Made copies do not
    meet one another.
    """
    count = len(vectors)
    # Few ask: an index of many pictures would cost more, and hold them all
    near = nearest(vectors, copied, CANDIDATE_NEIGHBORS, exact=True)
    row, column = np.nonzero(similar_enough(near.similarities, min_similarity))
    similar = np.stack([count + row, near.indices[row, column]], axis=1)
    made = np.arange(count, len(described))
    turned = turned_candidates(described, asked=made)
    turned = turned[(turned[:, 0] < count) & (turned[:, 1] >= count)][:, ::-1]
    alike = alike_originals(described, count)
    return np.unique(np.concatenate([similar, turned, alike]), axis=0).astype(np.int32)
