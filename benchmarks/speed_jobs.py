"""What speed.py times, each in a process of its own: speed_jobs.py JOB FOLDER OUT

Starts a private database, which is not counted: it is another process.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from core.common.memory import collector_paused, share_heaps  # noqa: E402

# As the folder command does
share_heaps()
with collector_paused():
    import sandbox

from measuring import cpu_seconds, peak_megabytes  # noqa: E402

atexit.register(sandbox.stop)

NEW_SHARE = 0.01


def used() -> tuple[float, float]:
    return time.perf_counter(), cpu_seconds()


def timed(work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    wall, cpu = used()
    result = work()
    now_wall, now_cpu = used()
    return {"wall": now_wall - wall, "cpu": now_cpu - cpu}, result


def winnow(folder: str) -> dict[str, Any]:
    """Scans the folder, scans it again, and again with 1 % new images."""
    import importlib

    import fiftyone as fo

    from core.reading.folders import list_images

    with collector_paused():
        operator = fo.operators.get_operator("@winnow/curate/scan")
    adapter = "fiftyone.plugins.orgs.winnow.curate.operators.adapter"
    folders = importlib.import_module(f"{adapter}.dataset.from_folder")
    numbers: dict[str, Any] = {"start": dict(zip(("wall", "cpu"), used(), strict=True))}
    numbers["start"]["wall"] -= STARTED
    listing = list_images(folder)
    numbers["load"], data = timed(lambda: folders.load_folder(listing))
    splits = data.split_tags

    def scan(**options: str) -> Any:
        return operator(
            data.dataset,
            **options,
            label_field=data.label_field,
            split_by=splits,
            progress=False,
        )

    numbers["scan"], report = timed(scan)
    numbers["scan"]["peak"] = peak_megabytes()
    numbers["stages"] = report.seconds
    numbers["images"] = report.counts["images"]
    numbers["again"], _ = timed(scan)
    # Fields of another prefix know of no previous scan, as a new data set does not
    numbers["known"], _ = timed(lambda: scan(prefix="other"))
    add_new_images(data.dataset, int(NEW_SHARE * numbers["images"]))
    numbers["more"], _ = timed(scan)
    return numbers


def add_new_images(dataset: Any, count: int) -> None:
    """Adds other cuttings of images that are there: new files, new pictures."""
    import cv2
    import fiftyone as fo

    home = Path(os.environ["WINNOW_CACHE"]).parent / "new"
    home.mkdir()
    old = dataset.take(count, seed=0)
    added = []
    for number, sample in enumerate(old.iter_samples()):
        picture = cv2.imread(sample.filepath)
        height, width = picture.shape[:2]
        path = home / f"{number}.jpg"
        cv2.imwrite(str(path), picture[: height * 2 // 3, : width * 2 // 3])
        new = fo.Sample(filepath=str(path), tags=sample.tags)
        if dataset.has_field("ground_truth") and sample.ground_truth:
            new["ground_truth"] = fo.Classification(label=sample.ground_truth.label)
        added.append(new)
    dataset.add_samples(added, progress=False)


def brain(folder: str) -> dict[str, Any]:
    """Near duplicates by FiftyOne Brain, of vectors that it is given."""
    import fiftyone as fo
    import fiftyone.brain as fob
    import numpy as np

    from core.embedding.embed import embed_images
    from core.models.registry import load_embedder
    from core.reading.folders import list_images

    paths = [image.path for image in list_images(folder).images]
    table = embed_images(
        [os.fsencode(path) for path in paths],
        load_embedder(),
        folder=Path(os.environ["WINNOW_CACHE"]),
        max_megapixels=500,
    )
    readable = table.unique_file >= 0
    vectors = table.column("copy").astype(np.float32)[table.unique_file[readable]]
    dataset = fo.Dataset()
    dataset.add_samples(
        [
            fo.Sample(filepath=path)
            for path, here in zip(paths, readable, strict=True)
            if here
        ],
        progress=False,
    )
    numbers, _ = timed(
        lambda: fob.compute_near_duplicates(dataset, embeddings=vectors, progress=False)
    )
    return {"scan": numbers | {"peak": peak_megabytes()}}


if __name__ == "__main__":
    job, images, out = sys.argv[1:]
    jobs = {"winnow": winnow, "brain": brain}
    Path(out).write_text(json.dumps(jobs[job](images)))
