"""What a scan says of sets with nothing to find: random splits and shuffled labels.

    python benchmarks/overview_trials.py FOLDER [--trials 200] [--images 2000]

FOLDER holds a folder a class. Each trial gives some of its images labels, splits,
folders, file types, borders, cameras, dates and fields that go with nothing; their
brightness, compression and the like are their own. Prints how many trials have a
finding.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from set_images import overview_of, read_images

from core.copy_detection.signature import GRAY_SIDE
from core.overview.properties import Background
from core.storage.cache import cache_folder

SPLITS = ["train", "test"]
_TOLD_EACH = 20
NO_TEST = "imbalance"
"""A count, with no notion of chance."""


def metadata_of(count: int, random: np.random.Generator) -> Background:
    """Returns cameras, dates and fields that go with nothing; some are not known."""
    captured = random.uniform(1.5e9, 1.7e9, count)
    captured[random.random(count) < 0.3] = np.nan
    fields = {
        "site": random.choice(["north", "south", "east"], count).tolist(),
        "checked": (random.random(count) < 0.2).tolist(),
        "angle": random.normal(size=count).tolist(),
    }
    return Background(captured, random.integers(0, 6, count).astype(np.uint32), fields)


def paths_of(count: int, random: np.random.Generator) -> list[bytes]:
    """Returns paths in folders, and of file types, that go with nothing."""
    folders = random.choice(["monday", "tuesday", "wednesday/late"], count)
    endings = random.choice(["jpg", "png", "webp"], count, p=[0.7, 0.2, 0.1])
    both = enumerate(zip(folders, endings, strict=True))
    return [f"/set/{folder}/{row}.{end}".encode() for row, (folder, end) in both]


def bordered(
    signatures: NDArray[np.uint8], random: np.random.Generator
) -> NDArray[np.uint8]:
    """Returns the signatures, those of a tenth of the images with a black border."""
    result = signatures.copy()
    rows = np.flatnonzero(random.random(len(result)) < 0.1)
    gray = result[rows, : GRAY_SIDE**2].reshape(-1, GRAY_SIDE, GRAY_SIDE)
    gray[:, [0, -1]] = 0
    gray[:, :, [0, -1]] = 0
    result[rows, : GRAY_SIDE**2] = gray.reshape(len(rows), -1)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--images", type=int, default=2000)
    options = parser.parse_args()
    everything = sorted(path for path in options.folder.rglob("*") if path.is_file())
    chosen = np.random.default_rng(0).permutation(len(everything))[: options.images]
    paths = [everything[row] for row in sorted(chosen)]
    names = sorted({path.parent.name for path in paths})
    truth = np.array([names.index(path.parent.name) for path in paths], np.int32)
    images = read_images(paths, cache_folder())
    count, truth = len(images), truth[images.rows]
    with_findings, kinds, seconds = 0, Counter[str](), 0.0
    for trial in range(options.trials):
        random = np.random.default_rng(trial)
        label = random.permutation(truth)
        split = (random.random(count) < 0.3).astype(np.int32)
        given = replace(
            images,
            signatures=bordered(images.signatures, random),
            paths=paths_of(count, random),
        )
        background = metadata_of(count, random)
        started = time.process_time()
        overview = overview_of(
            given, label, split, names, SPLITS, background, random.permutation(label)
        )
        seconds += time.process_time() - started
        said = [one.kind for one in overview.findings if one.kind != NO_TEST]
        with_findings += bool(said)
        kinds.update(said)
        done = trial + 1
        if done % _TOLD_EACH == 0 or done == options.trials:
            print(
                f"{done} trials of {count:,} images, {overview.tried:,} properties of "
                f"classes and splits each: {with_findings} with a finding "
                f"{dict(kinds)}; {seconds / done:.2f} CPU seconds each",
                flush=True,
            )


if __name__ == "__main__":
    main()
