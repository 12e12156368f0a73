"""What a scan says of sets with nothing to find: random splits and shuffled labels.

    python benchmarks/overview_trials.py FOLDER [--trials 200] [--first 0]

FOLDER holds a folder a class. Each trial gives 2,000 of its images labels, splits,
folders, file types, borders, cameras, dates and fields that go with nothing; their
brightness, compression and the like are their own. Prints how many trials have a
finding.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.copy_detection.signature import GRAY_SIDE  # noqa: E402
from core.embedding.embed import embed_images  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from core.neighbors.knn_graph import neighbor_graph  # noqa: E402
from core.overview.composition import composition  # noqa: E402
from core.overview.overview import look_at_set, set_evidence  # noqa: E402
from core.overview.properties import Background  # noqa: E402
from core.overview.records import SetMembers  # noqa: E402
from core.scan.unique_images import unique_images  # noqa: E402

SPLITS = ["train", "test"]
IMAGES = 2000
NO_TESTS = ("imbalance", "thin_regions")
"""Findings that are counts, with no notion of chance."""


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
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    everything = sorted(path for path in options.folder.rglob("*") if path.is_file())
    chosen = np.random.default_rng(0).permutation(len(everything))[:IMAGES]
    paths = [everything[row] for row in sorted(chosen)]
    names = sorted({path.parent.name for path in paths})
    truth = np.array([names.index(path.parent.name) for path in paths], np.int32)
    with tempfile.TemporaryDirectory() as work:
        encoded = [os.fsencode(path) for path in paths]
        table = embed_images(
            encoded, load_embedder(), folder=Path(work), max_megapixels=100
        )
        images = unique_images(table)
        rows = table.rows()[images.groups.first_file]
        statistics = table.column("statistics")[images.groups.first_file]
        features = np.asarray(images.features[np.arange(len(images))])
        descriptors = np.asarray(images.descriptors[np.arange(len(images))])
        signatures = np.asarray(images.signatures)
    graph = neighbor_graph(features.astype(np.float32), 12)
    count = len(rows)
    alone, none = np.full(count, -1), np.zeros(count, bool)
    with_findings, kinds, seconds, tried = 0, Counter[str](), 0.0, 0
    for trial in range(options.first, options.first + options.trials):
        random = np.random.default_rng(trial)
        label = random.permutation(truth[rows])
        split = (random.random(count) < 0.3).astype(np.int32)
        bordered_signatures = bordered(signatures, random)
        background, where = metadata_of(count, random), paths_of(count, random)
        members = SetMembers(
            label=label,
            split=split,
            group=alone,
            here=~none,
            likeliest=random.permutation(label),
            wrong_label=none,
            distance=np.full(count, np.nan, np.float32),
            outlier=none,
        )
        counts = composition(label, split, np.arange(count), names, SPLITS)
        started = time.process_time()
        evidence = set_evidence(
            descriptors,
            features,
            bordered_signatures,
            statistics,
            table.file_bytes[rows],
            where,
            label,
            split,
            alone,
            names,
            SPLITS,
            background,
        )
        overview = look_at_set(evidence, members, counts, graph, names, SPLITS)
        seconds += time.process_time() - started
        said = [one.kind for one in overview.findings if one.kind not in NO_TESTS]
        with_findings += bool(said)
        tried = overview.tried
        kinds.update(said)
    print(
        f"{options.trials} trials from {options.first} of {count:,} images, "
        f"{tried:,} properties of classes and splits each: {with_findings} with a "
        f"finding {dict(kinds)}; {seconds / options.trials:.2f} CPU seconds each"
    )


if __name__ == "__main__":
    main()
