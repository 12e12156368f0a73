"""Which changes of a picture the judgement of copies sees through.

    python benchmarks/copies.py PICTURES > benchmarks/compositions.md

Makes copies and look-alikes with ``compositions.py`` and judges each pair by its
two signatures alone, without a search.
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
from benchmarks import compositions as made  # noqa: E402
from core.copy_detection import (  # noqa: E402
    MIN_COPY_SCORE,
    SIGNATURE_SIDE,
    signatures,
    verify_pairs,
)

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
    print("| pairs | called copies |\n| :-- | --: |")
    for name, pairs in _rows(photos, random, asked.count):
        print(f"| {name} | {_called_copies(pairs)} of {asked.count} |")


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
    for pair in made.LOOK_ALIKES:
        name = pair.__name__.replace("_", " ")
        yield f"no copy: {name}", [pair(photos, random) for _ in range(count)]


def _called_copies(pairs: list[Pair]) -> int:
    images = [np.ascontiguousarray(image) for pair in pairs for image in pair]
    side = (SIGNATURE_SIDE, SIGNATURE_SIDE)
    squares = [
        cv2.resize(image, side, interpolation=cv2.INTER_AREA) for image in images
    ]
    sizes = np.array([image.shape[1::-1] for image in images], np.int32)
    ends = np.arange(len(images), dtype=np.int32).reshape(-1, 2)
    judged = verify_pairs(signatures(np.array(squares, np.uint8)), ends, sizes)
    return int((judged.scores >= MIN_COPY_SCORE).sum())


if __name__ == "__main__":
    main()
