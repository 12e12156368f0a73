"""What a scan says of pairs that a person called copy, scene or different.

    python benchmarks/scenes.py FOLDER

FOLDER is ``scene_classification/data`` of the 24,335 scene images that scenes.md names;
the pairs are those of ``scene_pairs.csv``. Prints how often each is called what.
"""

from __future__ import annotations

import csv
import os
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from core.copy_detection import MIN_COPY_SCORE  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from core.scan.collect import collect_scan_data  # noqa: E402
from core.scan.scan_data import ScanInput  # noqa: E402
from core.storage.cache import cache_folder  # noqa: E402

ANSWERS = ("copy", "scene", "different")


def main(folder: Path) -> None:
    paths = sorted(folder.rglob("*.jpg"))
    place = {str(path.relative_to(folder)): row for row, path in enumerate(paths)}
    files = [os.fsencode(path) for path in paths]
    data = collect_scan_data(ScanInput(files), load_embedder(), folder=cache_folder())
    said = {}
    for pair, score, scene in zip(
        data.pairs.images.tolist(),
        data.pairs.score.tolist(),
        data.pairs.scene.tolist(),
        strict=True,
    ):
        other = "scene" if scene else "different"
        said[tuple(sorted(pair))] = "copy" if score >= MIN_COPY_SCORE else other
    found: Counter[tuple[str, str]] = Counter()
    with (HERE / "scene_pairs.csv").open() as listed:
        for pair in csv.DictReader(listed):
            rows = [place[pair[end]] for end in ("a", "b")]
            images = sorted(data.sample_images[rows].tolist())
            same = "copy" if images[0] == images[1] else "different"
            found[pair["label"], said.get(tuple(images), same)] += 1
    print(f"| labeled | {' | '.join(ANSWERS)} |\n| :-- | --: | --: | --: |")
    for label in ANSWERS:
        counts = " | ".join(str(found[label, answer]) for answer in ANSWERS)
        print(f"| {label} | {counts} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
