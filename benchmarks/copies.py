"""Which changes of a picture the judgement of copies sees through.

    python benchmarks/copies.py PICTURES > benchmarks/compositions.md

Makes copies as a scan's trial does, and ``look_alikes.py``, and judges each pair as a
scan does that was told of it: by its two signatures, and, where these leave doubt, by a
closer look or a glance. The last column is of a scan that looks closer at every pair
that the signatures refuse.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import cv2
import numpy as np
from measuring import processor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.look_alikes import LOOK_ALIKES  # noqa: E402
from core.copy_detection import (  # noqa: E402
    MIN_COPY_SCORE,
    SIGNATURE_SIDE,
    signatures,
    verify_pairs,
)
from core.copy_detection import compositions as made  # noqa: E402
from core.copy_detection.closer_look import THOROUGH  # noqa: E402
from core.models.registry import Embedder, load_embedder  # noqa: E402
from core.progress import silent  # noqa: E402
from core.scan.closer_looks import looked_at, overruled, show_little  # noqa: E402
from core.scan.pair_promise import care_for, promise_of  # noqa: E402

Pair = tuple[made.U8, made.U8]
CHANGES = tuple(change for stage in made.STAGES for change in stage)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path, help="folder of JPEG photographs")
    parser.add_argument("--count", type=int, default=60, help="pairs a row")
    parser.add_argument("--seed", type=int, default=77)
    asked = parser.parse_args()
    random = np.random.default_rng(asked.seed)
    paths = sorted(asked.pictures.rglob("*.jpg"))
    chosen = random.choice(len(paths), min(len(paths), 4 * asked.count), replace=False)
    photos = [cv2.imread(str(paths[i]))[..., ::-1] for i in np.sort(chosen)]
    print("# Copies and look-alikes, judged pair by pair\n")
    print(
        f"`python benchmarks/copies.py PICTURES --count {asked.count} --seed "
        f"{asked.seed}`, {date.today()}, Python {platform.python_version()}, numpy "
        f"{np.__version__}, OpenCV {cv2.__version__}, {processor()}, "
        f"{len(photos)} photographs. Called copies at a score of {MIN_COPY_SCORE}.\n"
    )
    print(f"Of {asked.count} pairs so many are called copies:\n")
    print("| pairs | by signatures | and a closer look | closer at all refused |")
    print("| :-- | --: | --: | --: |")
    embedder = load_embedder()
    for name, pairs in _rows(photos, random, asked.count):
        by_signatures, closer, everywhere = _called_copies(pairs, embedder)
        print(f"| {name} | {by_signatures} | {closer} | {everywhere} |")


def _rows(
    photos: list[made.U8], random: made.Random, count: int
) -> Iterator[tuple[str, list[Pair]]]:
    def some() -> Iterable[made.U8]:
        return (photos[i] for i in random.integers(len(photos), size=count))

    for change in CHANGES:
        name = change.__name__.replace("_", " ")
        yield f"copy: {name}", [(photo, change(photo, random)) for photo in some()]
    yield (
        "copy: two to five changes",
        [(photo, made.composed(photo, random)[0]) for photo in some()],
    )
    for pair in LOOK_ALIKES:
        name = pair.__name__.replace("_", " ")
        yield f"no copy: {name}", [pair(photos, random) for _ in range(count)]


def _called_copies(pairs: list[Pair], embedder: Embedder) -> tuple[int, int, int]:
    images = [np.ascontiguousarray(image) for pair in pairs for image in pair]
    side = (SIGNATURE_SIDE, SIGNATURE_SIDE)
    squares = [
        cv2.resize(image, side, interpolation=cv2.INTER_AREA) for image in images
    ]
    sizes = np.array([image.shape[1::-1] for image in images], np.int32)
    ends = np.arange(len(images), dtype=np.int32).reshape(-1, 2)
    described = signatures(np.array(squares, np.uint8))
    judged = verify_pairs(described, ends, sizes)
    vectors, _ = embedder.open_session()(np.array(squares, np.uint8))
    cosines = (vectors[::2] * vectors[1::2]).sum(axis=1)
    promise = promise_of(judged, cosines, described, ends)

    def read(item: int, longest: int) -> made.U8:
        picture = images[item]
        scale = min(1, longest / max(picture.shape[:2]))
        height, width = (round(length * scale) for length in picture.shape[:2])
        return made.resized(picture, width, height) if scale < 1 else picture

    called = [int((judged.scores >= MIN_COPY_SCORE).sum())]
    refused = judged.scores < MIN_COPY_SCORE
    for spared in (True, False):
        looked = np.flatnonzero((promise > 0) | refused)
        care = care_for(promise[looked], judged.scores[looked])
        care = care if spared else np.maximum(care, THOROUGH)
        _, laid, closer = looked_at(ends[looked], care, sizes, read, silent)
        scores = judged.scores.copy()
        looked = looked[laid]
        decided = overruled(
            scores[looked],
            promise[looked],
            closer.scores,
            cosines[looked],
            show_little(sizes, ends[looked]),
        )
        scores[looked[decided]] = closer.scores[decided]
        called.append(int((scores >= MIN_COPY_SCORE).sum()))
    return called[0], called[1], called[2]


if __name__ == "__main__":
    main()
