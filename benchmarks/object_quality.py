"""Wrong labels and second objects that are planted, as Winnow finds them.

python benchmarks/object_quality.py WORK     a set of object_truth.py
"""

from __future__ import annotations

import os
import sys
import tempfile
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.object_scores import load, print_labels, print_pairs  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from core.objects.collect import ObjectInput, collect_object_data  # noqa: E402
from core.objects.crops import embed_crops  # noqa: E402
from core.objects.findings import find_objects  # noqa: E402
from core.objects.label_doubts import looks_alike  # noqa: E402
from core.objects.units import picture_sizes  # noqa: E402
from core.scan.apply_thresholds import apply_thresholds  # noqa: E402
from core.scan.collect import collect_scan_data  # noqa: E402
from core.scan.scan_data import ScanInput  # noqa: E402
from core.scan.unique_images import unique_images  # noqa: E402


def main(work: Path) -> None:
    objects = load(work)
    files = sorted({one["file"] for one in objects})
    paths = [os.fsencode(work / "images" / name) for name in files]
    row_of = {name: row for row, name in enumerate(files)}
    classes = sorted({one["label"] for one in objects})
    file = np.array([row_of[one["file"]] for one in objects])
    sizes = np.array([_size(path) for path in paths])
    pixels = np.array([one["box"] for one in objects], float)
    given = ObjectInput(
        [f"{number:07d}" for number in range(len(objects))],
        file,
        pixels / np.tile(sizes[file], 2),
        np.array([classes.index(one["label"]) for one in objects], np.int32),
        classes,
        np.zeros(len(objects), np.int64),
        np.zeros(len(objects), bool),
    )
    embedder = load_embedder()
    with tempfile.TemporaryDirectory() as cache:
        pictures = collect_scan_data(ScanInput(paths), embedder, folder=Path(cache))
        clusters = apply_thresholds(pictures).columns["dup_cluster"]
        group = np.array(
            [-1 - row if one is None else one for row, one in enumerate(clusters)]
        )
        data = collect_object_data(
            pictures,
            paths,
            given,
            np.empty((0, 2), np.int64),
            embedder,
            folder=Path(cache),
        )
        assert data.scan is not None
        # For rivals, whose own models need a download
        crops = unique_images(
            embed_crops(
                paths,
                pictures,
                data.units,
                embedder,
                folder=Path(cache),
                max_megapixels=64,
            )
        )
        vectors = np.asarray(crops.descriptors[:])[data.scan.sample_images]
        np.save(work / "crops.npy", vectors)
    found = find_objects(data, picture_sizes(pictures), group)
    score = np.array(found.columns["label_score"], float)
    print_labels("Winnow", objects, score)
    wrong = np.array([one["label"] != one["true_label"] for one in objects])
    issue = np.array([one is True for one in found.columns["label_issue"]])
    right = np.array(
        [
            one["true_label"] == suggested
            for one, suggested in zip(
                objects, found.columns["label_suggestion"], strict=True
            )
        ]
    )
    hits = int((issue & wrong).sum())
    print(f"| Winnow: flagged, of them planted | {int(issue.sum())}, {hits} |")
    print(
        f"| the suggestion is the true label | {int((right & issue & wrong).sum())} |"
    )
    limit = found.thresholds["min_object_label_score"]
    left = (score < limit) & ~issue
    suggested = [
        classes.index(name) if name in classes else -1
        for name in found.columns["label_suggestion"]
    ]
    codes = given.labels.astype(np.int64)
    alike = looks_alike(codes, np.array(suggested), score)
    for words, which in (("", left), (", the look of their class", left & alike)):
        counts = f"{int(which.sum())}, {int((which & wrong).sum())}"
        print(f"| below {limit:.1f} and no issue{words}: all, planted | {counts} |")
    members: dict[int, list[int]] = {}
    for row, number in enumerate(found.columns["dup_cluster"]):
        if number is not None:
            members.setdefault(number, []).append(row)
    pairs = [pair for rows in members.values() for pair in combinations(rows, 2)]
    print_pairs("Winnow: the same object twice, other pairs", objects, pairs)


def _size(path: bytes) -> tuple[int, int]:
    height, width = cv2.imread(os.fsdecode(path)).shape[:2]
    return width, height


if __name__ == "__main__":
    main(Path(sys.argv[1]))
