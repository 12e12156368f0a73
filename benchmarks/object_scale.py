"""Times a scan of 100,000 objects on 10,000 pictures, in pieces if need be.

    python benchmarks/object_scale.py make SMALL WORK      once; 700 MB
    python benchmarks/object_scale.py run WORK [--seconds 400]
    python benchmarks/object_scale.py write WORK

SMALL has folders of small pictures, a class each. ``make`` pastes ten of them on each
picture of 640 x 480, at 48 to 120 pixels, each once. ``run`` stops after some seconds
and goes on where it was when it is called again; what it took is added up in
WORK/spent.json. ``write`` puts 12 attributes on 100,000 labels of a throw-away
database of FiftyOne.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measuring import (  # noqa: E402
    cpu_seconds,
    cpu_seconds_of,
    own_megabytes,
    peak_megabytes,
)
from core.models.registry import load_embedder  # noqa: E402
from core.objects.collect import ObjectInput, collect_object_data  # noqa: E402
from core.objects.findings import find_objects  # noqa: E402
from core.objects.units import picture_sizes  # noqa: E402
from core.progress import Progress  # noqa: E402
from core.scan.collect import collect_scan_data  # noqa: E402
from core.scan.scan_data import ScanInput  # noqa: E402

PICTURES, OBJECTS = 10_000, 10
SIZE = (640, 480)
_PLACES = [
    (10 + 125 * column, 20 + 240 * row) for row in range(2) for column in range(5)
]
_SIDES = np.arange(48, 121)
_CLASSES = 50


class OutOfTime(Exception):
    """Leaves a stage; what was embedded is kept."""


def make(small: Path, work: Path) -> None:
    """Writes the pictures, and ``objects.npz``: boxes and classes."""
    (work / "images").mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    paths = sorted(path for path in small.rglob("*.JPEG"))
    paths = [paths[place] for place in random.permutation(len(paths))]
    names = sorted({path.parent.parent.name for path in paths})
    boxes, labels = [], []
    for number in range(PICTURES):
        coarse = random.integers(40, 220, (9, 12, 3)).astype(np.uint8)
        canvas = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)
        for order, (left, top) in enumerate(_PLACES):
            path = paths[OBJECTS * number + order]
            side = int(random.choice(_SIDES))
            art = cv2.resize(cv2.imread(str(path)), (side, side), None, 0, 0, 2)
            canvas[top : top + side, left : left + side] = art
            boxes.append([left, top, side, side])
            labels.append(names.index(path.parent.parent.name) % _CLASSES)
        cv2.imwrite(str(work / "images" / f"{number:05d}.jpg"), canvas, [1, 90])
    np.savez(work / "objects.npz", boxes=np.array(boxes), labels=np.array(labels))


def run(work: Path, seconds: float) -> None:
    """Scans pictures and objects; prints what it took once it is through."""
    spent: Counter[str] = Counter()
    if (work / "spent.json").exists():
        spent.update(json.loads((work / "spent.json").read_text()))
    again = bool(spent.pop("whole", 0))
    name = "again" if again else "first"
    stored = np.load(work / "objects.npz")
    paths = sorted(os.fsencode(path) for path in (work / "images").iterdir())
    count = len(paths)
    boxes = stored["boxes"][: OBJECTS * count] / np.tile(SIZE, 2)
    objects = ObjectInput(
        [f"{number:07d}" for number in range(len(boxes))],
        np.repeat(np.arange(count), OBJECTS),
        boxes,
        stored["labels"][: len(boxes)].astype(np.int32),
        [f"class {number:02d}" for number in range(_CLASSES)],
        np.zeros(len(boxes), np.int64),
        np.zeros(len(boxes), bool),
    )
    began = time.monotonic()

    def watch(progress: Progress) -> None:
        if time.monotonic() - began > seconds:
            raise OutOfTime(
                f"{progress.stage}: {progress.done:,} of {progress.total:,}"
            )

    def timed(what: str, work_on: Any) -> Any:
        start, cpu = time.monotonic(), cpu_seconds()
        try:
            return work_on()
        finally:
            spent[f"{name} {what} wall"] += time.monotonic() - start
            spent[f"{name} {what} cpu"] += cpu_seconds() - cpu
            peak = max(spent["peak MB"], peak_megabytes())
            spent["peak MB"] = peak
            (work / "spent.json").write_text(json.dumps(spent))

    embedder = load_embedder()
    cache = work / "cache"
    before = own_megabytes()
    try:
        pictures = timed(
            "pictures",
            lambda: collect_scan_data(
                ScanInput(paths), embedder, folder=cache, on_progress=watch
            ),
        )
        nothing = np.empty((0, 2), np.int64)
        data = timed(
            "objects",
            lambda: collect_object_data(
                pictures, paths, objects, nothing, embedder,
                folder=cache, on_progress=watch,
            ),
        )  # fmt: skip
        group = np.arange(count)
        found = timed(
            "thresholds", lambda: find_objects(data, picture_sizes(pictures), group)
        )
    except OutOfTime as left:
        sys.exit(f"Call it again: {left}")
    spent["whole"] = 1
    (work / "spent.json").write_text(json.dumps(spent))
    assert data.scan is not None
    print({key: round(value, 1) for key, value in data.scan.seconds.items()})
    print({key: round(value, 1) for key, value in sorted(spent.items())})
    print({key: value for key, value in found.counts.items() if value})
    print(f"before: {before:.0f} MB of its own; objects: {len(boxes):,}")


def write(work: Path) -> None:
    """Times the attributes of all labels, in a database of its own."""
    from tests import sandbox

    try:
        _write(sandbox._mongod.pid)
    finally:
        sandbox.stop()


def _write(mongod: int) -> None:
    import fiftyone as fo
    import fiftyone.operators as foo
    from bson import ObjectId

    foo.get_operator("@winnow/curate/scan")
    fields = next(
        module
        for name, module in sys.modules.items()
        if name.endswith("dataset.object_fields")
    )
    dataset = fo.Dataset()
    kind = fo.EmbeddedDocumentField
    dataset.add_sample_field("boxes", kind, embedded_doc_type=fo.Detections)
    samples = [ObjectId() for _ in range(PICTURES)]
    labels = [[ObjectId() for _ in range(OBJECTS)] for _ in range(PICTURES)]
    plain = {"_cls": "Detection", "label": "a", "bounding_box": [0.1, 0.1, 0.2, 0.2]}
    dataset._sample_collection.insert_many(
        [
            {
                "_id": sample,
                "filepath": f"/nowhere/{number}.jpg",
                "tags": [],
                "_media_type": "image",
                "boxes": {
                    "_cls": "Detections",
                    "detections": [{"_id": one, **plain, "tags": []} for one in own],
                },
            }
            for number, (sample, own) in enumerate(zip(samples, labels, strict=True))
        ]
    )
    rows = list(range(PICTURES * OBJECTS))
    values = {
        "object_status": "ok", "label_score": 50.123, "label_suggestion": "b",
        "label_issue": False, "outlier_distance": 0.3, "outlier": False,
        "dup_cluster": 3, "dup_kind": "near", "dup_similarity": 0.9, "leak": False,
    }  # fmt: skip
    columns: dict[str, Any] = {name: [one] * len(rows) for name, one in values.items()}
    columns |= {"label_support": rows, "label_counterexample": rows}
    fields.declare_attributes(dataset, "boxes", None)
    for turn in ("first", "again"):
        began, own, database = time.monotonic(), cpu_seconds(), cpu_seconds_of(mongod)
        fields.write_object_findings(
            dataset,
            "boxes",
            [str(one) for one in samples],
            [str(one) for own in labels for one in own],
            np.repeat(np.arange(PICTURES), OBJECTS),
            columns,
            prefix=None,
            on_progress=lambda progress: None,
        )
        print(
            f"{turn}: {len(columns)} attributes, {time.monotonic() - began:.1f} s; "
            f"CPU {cpu_seconds() - own:.1f} s of its own, "
            f"{cpu_seconds_of(mongod) - database:.1f} s of the database"
        )
    dataset.delete()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("make", "run", "write"))
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=1e9)
    options = parser.parse_args()
    if options.what == "make":
        make(*options.folders)
    elif options.what == "run":
        run(options.folders[0], options.seconds)
    else:
        write(options.folders[0])


if __name__ == "__main__":
    main()
