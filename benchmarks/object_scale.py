"""Times a scan of 100,000 objects on 10,000 pictures, in pieces if need be.

    python benchmarks/object_scale.py make SMALL WORK      once; 700 MB
    python benchmarks/object_scale.py run WORK [--seconds 400] [--network-share 0.05]
    python benchmarks/object_scale.py write WORK

SMALL has folders of small pictures, one a class. ``make`` pastes ten of them on each
picture of 640 x 480, at 48 to 120 pixels, each once, or mirrored a second time where
there are fewer than 100,000. They should show different things: crops of one scene
are all compared with one another. ``make`` and ``run`` stop after some seconds and go
on where they were when they are called again; what ``run`` took is added up in
WORK/spent.json. The next call after that scans again, with what the scan before
learned.

With a share, only so many batches pass the network, and the others get vectors at
random around 64 centers: all else is done for all objects, and the network's time is
multiplied. ``write`` puts 12 attributes on 100,000 labels of a throw-away database of
FiftyOne.
"""

from __future__ import annotations

import argparse
import hashlib
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
from core.models.registry import Embedder, load_embedder  # noqa: E402
from core.objects.collect import (  # noqa: E402
    ObjectData,
    ObjectInput,
    collect_object_data,
)
from core.objects.findings import find_objects  # noqa: E402
from core.objects.units import picture_sizes  # noqa: E402
from core.progress import Progress  # noqa: E402
from core.scan.collect import collect_scan_data  # noqa: E402
from core.scan.scan_data import ScanData, ScanInput  # noqa: E402
from core.scan.stored_scan import load_record, save_record  # noqa: E402

PICTURES, OBJECTS = 10_000, 10
SIZE = (640, 480)
_PLACES = [
    (10 + 125 * column, 20 + 240 * row) for row in range(2) for column in range(5)
]
_SIDES = np.arange(48, 121)


class OutOfTime(Exception):
    """Leaves a stage; what was embedded is kept."""


class Sampled:
    """An embedder whose network sees a share of the batches.

    Attributes:
        images: that were embedded, and those of them that the network saw
        network_seconds: of processor that the network took
    """

    def __init__(self, embedder: Embedder, share: float) -> None:
        self._embedder, self._share = embedder, share
        self.sha256 = hashlib.sha256(f"{embedder.sha256} {share}".encode()).hexdigest()
        self.images = np.zeros(2, np.int64)
        self.network_seconds = 0.0
        random = np.random.default_rng(1)
        self._centers = [
            random.normal(size=(64, dim))
            for dim in (embedder.copy_dim, embedder.feature_dim)
        ]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def open_session(self) -> Any:
        network = self._embedder.open_session()
        random = np.random.default_rng(2)

        def embed(pixels: np.ndarray) -> Any:
            self.images += (len(pixels), 0)
            if random.random() < self._share:
                began = time.thread_time()
                vectors = network(pixels)
                self.network_seconds += time.thread_time() - began
                self.images += (0, len(pixels))
                return vectors
            seeds = pixels.reshape(len(pixels), -1).sum(axis=1, dtype=np.int64)
            return [self._made(centers, seeds) for centers in self._centers]

        return embed

    def _made(self, centers: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """Returns float32[b, d] of unit length, the same for the same pixels."""
        made = np.stack(
            [
                centers[seed % len(centers)]
                + np.random.default_rng(seed).normal(size=centers.shape[1])
                for seed in seeds.tolist()
            ]
        )
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return made.astype(np.float32)


def make(small: Path, work: Path, seconds: float) -> None:
    """Writes the pictures, and ``objects.npz``: boxes and classes."""
    began = time.monotonic()
    (work / "images").mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    suffixes = (".jpg", ".jpeg")
    paths = sorted(path for path in small.rglob("*") if path.suffix.lower() in suffixes)
    paths = [paths[place] for place in random.permutation(len(paths))]
    names = sorted({path.parent.name for path in paths})
    boxes, labels = [], []
    for number in range(PICTURES):
        file = work / "images" / f"{number:05d}.jpg"
        is_there = file.exists()
        coarse = random.integers(40, 220, (9, 12, 3)).astype(np.uint8)
        canvas = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)
        for order, (left, top) in enumerate(_PLACES):
            again, place = divmod(OBJECTS * number + order, len(paths))
            path = paths[place]
            side = int(random.choice(_SIDES))
            boxes.append([left, top, side, side])
            labels.append(names.index(path.parent.name))
            if is_there:
                continue
            art = cv2.imread(str(path))[:, :: -1 if again else 1]
            art = cv2.resize(art, (side, side), None, 0, 0, 2)
            canvas[top : top + side, left : left + side] = art
        if not is_there:
            cv2.imwrite(str(file), canvas, [1, 90])
        if time.monotonic() - began > seconds:
            sys.exit(f"Call it again: {number:,} of {PICTURES:,} pictures")
    np.savez(
        work / "objects.npz",
        boxes=np.array(boxes),
        labels=np.array(labels),
        classes=np.array(names),
    )


def run(work: Path, seconds: float, share: float) -> None:
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
        stored["classes"].tolist(),
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

    embedder = Sampled(load_embedder(), share) if share < 1 else load_embedder()
    cache = work / "cache"
    kept = work / "pictures.npz", work / "crops.npz"
    known = load_record(ScanData, kept[0]) if again else None
    known_objects = load_record(ObjectData, kept[1]).scan if again else None
    before = own_megabytes()
    try:
        pictures = timed(
            "pictures",
            lambda: collect_scan_data(
                ScanInput(paths),
                embedder,
                folder=cache,
                previous=known,
                on_progress=watch,
            ),
        )
        nothing = np.empty((0, 2), np.int64)
        data = timed(
            "objects",
            lambda: collect_object_data(
                pictures,
                paths,
                objects,
                nothing,
                embedder,
                folder=cache,
                previous=known_objects,
                on_progress=watch,
            ),
        )
        group = np.arange(count)
        found = timed(
            "thresholds", lambda: find_objects(data, picture_sizes(pictures), group)
        )
    except OutOfTime as left:
        sys.exit(f"Call it again: {left}")
    finally:
        if isinstance(embedder, Sampled):
            for what, seen in zip(("all", "seen"), embedder.images, strict=True):
                spent[f"network {what}"] += int(seen)
            spent["network cpu"] += embedder.network_seconds
            (work / "spent.json").write_text(json.dumps(spent))
    save_record(pictures, kept[0])
    save_record(data, kept[1])
    spent["whole"] = 1
    (work / "spent.json").write_text(json.dumps(spent))
    assert data.scan is not None
    print({key: round(value, 1) for key, value in data.scan.seconds.items()})
    print({key: round(value, 1) for key, value in sorted(spent.items())})
    if spent["network seen"]:
        each = spent["network cpu"] / spent["network seen"]
        unseen = spent["network all"] - spent["network seen"]
        print(f"network: {1000 * each:.2f} ms an image, {each * unseen:.0f} s more")
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
    parser.add_argument("--network-share", type=float, default=1)
    options = parser.parse_args()
    if options.what == "make":
        make(*options.folders, options.seconds)
    elif options.what == "run":
        run(options.folders[0], options.seconds, options.network_share)
    else:
        write(options.folders[0])


if __name__ == "__main__":
    main()
