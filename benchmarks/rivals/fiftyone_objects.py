"""Runs FiftyOne on boxes, in Winnow's environment: python fiftyone_objects.py WORK

``compute_similarity(patches_field=)`` is given Winnow's copy vectors of the crops,
since its own models need a download. ``find_duplicates`` gets 1,000 boxes with a
second one that is off by up to 3 % of its sides, as in ``objects.py``.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import cv2
import fiftyone as fo
import fiftyone.brain as fob
import fiftyone.utils.iou as foui
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.object_scores import load, print_pairs  # noqa: E402
from benchmarks.objects import second_boxes  # noqa: E402


def similarity(work: Path) -> None:
    objects = load(work)
    vectors = np.load(work / "crops.npy").astype(np.float32)
    dataset = fo.Dataset(persistent=True)
    by_file: dict[str, list[int]] = {}
    for number, one in enumerate(objects):
        by_file.setdefault(one["file"], []).append(number)
    samples = []
    for name, numbers in by_file.items():
        path = work / "images" / name
        height, width = cv2.imread(os.fspath(path)).shape[:2]
        labels = []
        for number in numbers:
            left, top, across, down = objects[number]["box"]
            box = [left / width, top / height, across / width, down / height]
            label = objects[number]["label"]
            labels.append(fo.Detection(label=label, bounding_box=box, number=number))
        sample = fo.Sample(filepath=os.fspath(path), vectors=None)
        sample["boxes"] = fo.Detections(detections=labels)
        samples.append(sample)
    dataset.add_samples(samples, progress=False)
    ids, numbers = dataset.values(
        ["boxes.detections.id", "boxes.detections.number"], unwind=True
    )
    number_of = dict(zip(ids, numbers, strict=True))
    by_sample = {
        sample: vectors[rows]
        for sample, rows in zip(
            *dataset.values(["id", "boxes.detections.number"]), strict=True
        )
    }
    index = fob.compute_similarity(
        dataset, patches_field="boxes", embeddings=by_sample, backend="sklearn"
    )
    for cut in (0.2, 0.1, 0.05, 0.03):
        index.find_duplicates(thresh=cut)
        pairs = [
            (number_of[one], number_of[other])
            for one, others in index.neighbors_map.items()
            for other, _ in others
        ]
        print_pairs(f"FiftyOne: similarity of patches, {cut:g}", objects, pairs)
    dataset.delete()


def duplicates() -> None:
    boxes = second_boxes()
    dataset = fo.Dataset(persistent=True)
    samples = []
    for one, other in zip(*boxes, strict=True):
        both = (one.tolist(), other.tolist())
        labels = [fo.Detection(label="a", bounding_box=box) for box in both]
        sample = fo.Sample(filepath=f"/nowhere/{len(samples)}.jpg")
        sample["boxes"] = fo.Detections(detections=labels)
        samples.append(sample)
    dataset.add_samples(samples, progress=False)
    for least in (0.999, 0.9, 0.85):
        began = time.perf_counter()
        found = foui.find_duplicates(
            dataset, "boxes", iou_thresh=least, method="greedy", progress=False
        )
        seconds = time.perf_counter() - began
        print(f"| FiftyOne: find_duplicates, IoU {least} | {len(found)} of "
              f"{len(samples)}, {seconds:.1f} s |")  # fmt: skip
    dataset.delete()


if __name__ == "__main__":
    duplicates()
    similarity(Path(sys.argv[1]))
