"""What a threshold on the copy score means on the person's own images.

A sample of the pictures is copied in twelve known ways, by
:mod:`core.copy_detection.augmentations`, and the copies go through what every
picture goes through: embedding, search, comparison. The share of them that is
found with their original is the recall to expect (the "known copies against
known non-copies" of detector calibration).

Which pictures are *no* copies nobody knows without labels, but some pairs are
sure: where the search proposes a made copy of A together with another picture
B, and A and B themselves, compared untouched, clearly differ. How many of these
pairs pass tells what the changes hide. It says nothing of look-alikes (two flags
that differ in a color), which score high untouched: the rate is a lower bound.

Measured at the default threshold, before copies were seen through frames and
forms were told apart (version 31a2ae2): expected recall against the recall of planted
near copies: .85 and .882 (25,000 images of all kinds), .92 and .887 (6,096
photographs), .88 and .867 (another 6,000); with 64 pictures in place of 40 .884,
.898 and .853. Of the known non-copies of the three 1 of 1,225, 0 of 925 and 0 of
665 pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..copy_detection import (
    CANDIDATE_NEIGHBORS,
    Signatures,
    signatures,
    turned_candidates,
    verify_pairs,
)
from ..copy_detection import SIGNATURE_SIDE as _SIDE
from ..copy_detection.augmentations import AUGMENTATIONS, augmented_copies
from ..embedding.records import ImageEmbedder
from ..neighbors.knn_graph import nearest
from ..progress import OnProgress, Progress, silent
from ..reading.decode import DecodedImage, decode_image
from ..reading.files import FileContent, ReadContent, ReadFailure, read_file

_FEW, _MOST = 8, 40
"""Pictures to copy: one in 100, but 8 at least and 40 at most, and in small sets
one in ten. 480 copies tell the recall to 1 or 2 points, and cost 2 to 3 s."""

_LONGEST = 512
"""Pixels to which larger pictures are shrunk before they are changed."""

_CLEARLY_OTHER = 0.05
"""Untouched pictures that score less clearly differ. Of 5,000 such pairs of three
sets 7 were planted copies, so little is misjudged."""

ACCEPTED_FALSE_RATE = 0.001
"""The share of known non-copies that a calibrated threshold lets pass at most."""

Floats = NDArray[np.float32]
_Session = Callable[[NDArray[np.uint8]], tuple[Floats, Floats]]


@dataclass(frozen=True, eq=False)
class CopyScores:
    """How known copies and known non-copies score.

    Attributes:
        copy_scores: float32[s, c], the score of each made copy against its
            original, a column a name of
            :data:`~core.copy_detection.augmentations.AUGMENTATIONS`; 0 where the
            search did not propose the pair
        negative_scores: float32[q], the scores of known non-copies
    """

    copy_scores: Floats
    negative_scores: Floats


NO_COPY_SCORES = CopyScores(
    np.zeros((0, len(AUGMENTATIONS)), np.float32), np.zeros(0, np.float32)
)


def sampled(count: int) -> NDArray[np.int64]:
    """Returns which of so many pictures are copied, evenly spread."""
    wanted = max(min(_FEW, count // 10), min(_MOST, count // 100))
    return np.arange(wanted) * count // max(wanted, 1)


def score_synthetic_copies(
    paths: Sequence[bytes],
    originals: NDArray[np.int64],
    embedder: ImageEmbedder,
    vectors: NDArray[np.floating],
    picture_signatures: Signatures,
    sizes: NDArray[np.int32],
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
        read_content: what reads the file of a path
        on_progress: told after each picture; may raise to cancel
    """
    made = [
        (original, copies)
        for original, copies in zip(
            originals.tolist(),
            _made_copies(paths, embedder, read_content, on_progress),
            strict=True,
        )
        if copies is not None
    ]
    if not made:
        return NO_COPY_SCORES
    count, width = len(vectors), len(AUGMENTATIONS)
    source = np.repeat([original for original, _ in made], width)
    copied = _joined([copies for _, copies in made])
    described = _Joined(picture_signatures, copied.signatures)
    pairs = _proposed(
        vectors, copied.vectors, described, embedder.min_candidate_similarity
    )
    every_size = np.concatenate([sizes, copied.sizes])
    scores = verify_pairs(described, pairs, every_size).scores
    own = source[pairs[:, 0] - count]
    is_copy = pairs[:, 1] == own
    copy_scores = np.zeros(len(source), np.float32)
    copy_scores[pairs[is_copy, 0] - count] = scores[is_copy]

    untouched = np.stack([own, pairs[:, 1]], axis=1)[~is_copy].astype(np.int32)
    distinct, of_pair = np.unique(
        np.sort(untouched, axis=1), axis=0, return_inverse=True
    )
    before = verify_pairs(picture_signatures, distinct, sizes).scores
    differs = before[of_pair.reshape(-1)] < _CLEARLY_OTHER
    return CopyScores(copy_scores.reshape(-1, width), scores[~is_copy][differs])


def expected_recall(estimate: CopyScores, min_score: float) -> dict[str, float]:
    """Returns the share of made copies that is found, by change.

    Empty if none was made.
    """
    if not len(estimate.copy_scores):
        return {}
    found = (estimate.copy_scores >= np.float32(min_score)).mean(axis=0)
    return dict(zip(AUGMENTATIONS, found.tolist(), strict=True))


def recall_error(estimate: CopyScores, min_score: float) -> float:
    """Returns the standard error of the mean recall, from picture to picture."""
    found = (estimate.copy_scores >= np.float32(min_score)).mean(axis=1)
    return float(found.std() / np.sqrt(max(len(found), 1)))


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


@dataclass(frozen=True, eq=False)
class _Copies:
    """Made copies: copy vectors, signatures, widths and heights."""

    vectors: Floats
    signatures: NDArray[np.uint8]
    sizes: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class _Joined:
    """Signatures of the pictures, then those of the made copies."""

    pictures: Signatures
    copies: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.pictures) + len(self.copies)

    def __getitem__(self, rows: NDArray[np.integer] | slice, /) -> NDArray[np.uint8]:
        if isinstance(rows, slice):
            rows = np.arange(len(self))[rows]
        made = rows >= len(self.pictures)
        result = np.empty((len(rows), self.copies.shape[1]), np.uint8)
        result[~made] = self.pictures[rows[~made]]
        result[made] = self.copies[rows[made] - len(self.pictures)]
        return result


def _joined(copies: Sequence[_Copies]) -> _Copies:
    return _Copies(
        np.concatenate([one.vectors for one in copies]),
        np.concatenate([one.signatures for one in copies]),
        np.concatenate([one.sizes for one in copies]),
    )


def _made_copies(
    paths: Sequence[bytes],
    embedder: ImageEmbedder,
    read_content: ReadContent,
    on_progress: OnProgress,
) -> list[_Copies | None]:
    """Copies and embeds the pictures, each in all ways; None for a lost file."""
    workers = max(1, min(available_cores(), len(paths)))
    result: list[_Copies | None] = [None] * len(paths)

    def work(first: int) -> None:
        session = embedder.open_session()
        for row in range(first, len(paths), workers):
            content = read_content(paths[row])
            result[row] = _copies_of(content, embedder.input_size, session)

    on_progress(Progress("Trying known copies", 0, 1))
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, range(workers)):
            pass
    on_progress(Progress("Trying known copies", 1, 1))
    return result


def _copies_of(
    content: FileContent | ReadFailure, side: int, session: _Session
) -> _Copies | None:
    if isinstance(content, ReadFailure):
        return None
    picture = _decoded(content.data, side)
    if picture is None:
        return None
    seed = int.from_bytes(picture.picture_digest[:8], "big")
    made = augmented_copies(_at_most(picture.upright(), _LONGEST), seed)
    copies = [copy for data in made if (copy := _decoded(data, side)) is not None]
    if len(copies) < len(AUGMENTATIONS):
        return None
    vectors, _ = session(np.stack([copy.square(side) for copy in copies]))
    if not np.isfinite(vectors).all():
        return None
    return _Copies(
        np.asarray(vectors, np.float32),
        signatures(np.stack([copy.square(_SIDE) for copy in copies])),
        np.array([(copy.width, copy.height) for copy in copies], np.int32),
    )


def _decoded(data: bytes, side: int) -> DecodedImage | None:
    picture = decode_image(data, side=max(side, _SIDE), max_megapixels=np.inf)
    return None if isinstance(picture, ReadFailure) else picture


def _at_most(picture: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    shrunk = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk, np.uint8)


def _proposed(
    vectors: NDArray[np.floating],
    copied: Floats,
    described: Signatures,
    min_similarity: float,
) -> NDArray[np.int32]:
    """Returns int32[p, 2]: a made copy and a picture it may be a copy of.

    As in the search for real copies: the ten nearest that are similar enough,
    and what may be a turned copy. Made copies do not meet one another.
    """
    count = len(vectors)
    # Few ask: an index of many pictures would cost more, and hold them all
    near = nearest(vectors, copied, CANDIDATE_NEIGHBORS, exact=True)
    row, column = np.nonzero(near.similarities >= min_similarity)
    similar = np.stack([count + row, near.indices[row, column]], axis=1)
    made = np.arange(count, len(described))
    turned = turned_candidates(described, asked=made)
    turned = turned[(turned[:, 0] < count) & (turned[:, 1] >= count)][:, ::-1]
    return np.unique(np.concatenate([similar, turned]), axis=0).astype(np.int32)
